import { numberOrNull } from '@dotmac/core/kysely';
import type { EndpointRecord, EndpointStatus } from '../../endpoints/endpoint.js';
import type { StoredEndpoint } from '../store.js';

/** `dotmac_endpoints`. */
export interface EndpointRow {
  tenant_id: string;
  id: string;
  name: string;
  host: string;
  port: number;
  service_type: string;
  check_interval: number;
  timeout: number;
  retry_count: number;
  expected_response_time: number;
  created_at: number;
  updated_at: number;
}

/** `dotmac_endpoint_states`: what was last found out, apart from what people set. */
export interface StateRow {
  tenant_id: string;
  endpoint_id: string;
  status: string;
  streak: number;
  response_time_ms: number | null;
  message: string;
  checked_at: number;
}

/** `dotmac_samples`. */
export interface SampleRow {
  tenant_id: string;
  endpoint_id: string;
  at: number;
  id: string;
  status: string;
  response_time_ms: number | null;
  message: string;
}

/** The health domain's tables. */
export interface HealthTables {
  dotmac_endpoints: EndpointRow;
  dotmac_endpoint_states: StateRow;
  dotmac_samples: SampleRow;
}

/** An endpoint as a row. */
export function endpointRow(endpoint: EndpointRecord): EndpointRow {
  return {
    tenant_id: endpoint.tenantId,
    id: endpoint.id,
    name: endpoint.name,
    host: endpoint.host,
    port: endpoint.port,
    service_type: endpoint.serviceType,
    check_interval: endpoint.checkInterval,
    timeout: endpoint.timeout,
    retry_count: endpoint.retryCount,
    expected_response_time: endpoint.expectedResponseTime,
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
  };
}

/** A row joined with its state. Drivers disagree on how they give large integers: every number goes through Number. */
export function storedEndpoint(
  row: EndpointRow & {
    [Column in 'status' | 'streak' | 'response_time_ms' | 'message' | 'checked_at']: StateRow[Column] | null;
  },
): StoredEndpoint {
  return {
    endpoint: {
      id: row.id,
      tenantId: row.tenant_id,
      name: row.name,
      host: row.host,
      port: Number(row.port),
      serviceType: row.service_type as EndpointRecord['serviceType'],
      checkInterval: Number(row.check_interval),
      timeout: Number(row.timeout),
      retryCount: Number(row.retry_count),
      expectedResponseTime: Number(row.expected_response_time),
      createdAt: Number(row.created_at),
      updatedAt: Number(row.updated_at),
    },
    state:
      row.status === null
        ? null
        : {
            status: row.status as EndpointStatus,
            streak: Number(row.streak),
            responseTimeMs: numberOrNull(row.response_time_ms),
            message: row.message ?? '',
            checkedAt: numberOrNull(row.checked_at),
          },
  };
}
