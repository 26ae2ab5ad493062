import { numberOrNull } from '@dotmac/core/kysely';
import type { EndpointRecord, EndpointStatus } from '../../endpoints/endpoint.js';
import { uncheckedState, type KeptEndpoint, type KeptState } from '../../monitoring/directory.js';
import { keptCode } from '../../probes/outcomes.js';
import type { StoredEndpoint } from '../stored-endpoint.js';
import type { EndpointRow, StateRow } from './tables.js';

/** An endpoint as a row. */
export function endpointRow(endpoint: EndpointRecord): EndpointRow {
  const { recoveryCount, recoveryResponseTime, minErrorTime, recheckInterval } = endpoint;
  const { config, conditions, tags, dependsOn, registeredBy } = endpoint;
  return {
    tenant_id: endpoint.tenantId,
    id: endpoint.id,
    name: endpoint.name,
    host: endpoint.host ?? '',
    port: endpoint.port ?? 0,
    service_type: endpoint.serviceType,
    check_interval: endpoint.checkInterval,
    timeout: endpoint.timeout,
    retry_count: endpoint.retryCount,
    expected_response_time: endpoint.expectedResponseTime,
    settings: JSON.stringify({
      recoveryCount,
      recoveryResponseTime,
      minErrorTime,
      recheckInterval,
      config,
      conditions,
      tags,
      dependsOn,
      registeredBy,
    }),
    secrets: JSON.stringify(endpoint.secrets),
    paused_at: endpoint.pausedAt,
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
  };
}

type Settings = Pick<
  EndpointRecord,
  | 'recoveryCount'
  | 'recoveryResponseTime'
  | 'minErrorTime'
  | 'recheckInterval'
  | 'config'
  | 'conditions'
  | 'tags'
  | 'dependsOn'
  | 'registeredBy'
>;

/** Of endpoints from before there were settings. */
const defaults: Settings = {
  recoveryCount: 1,
  recoveryResponseTime: null,
  minErrorTime: 0,
  recheckInterval: 1,
  config: {},
  conditions: [],
  tags: [],
  dependsOn: [],
  registeredBy: 'tenant',
};

type StateColumns = Exclude<keyof StateRow, 'tenant_id' | 'endpoint_id' | 'revision'>;
type Machine = Omit<KeptState, 'status' | 'responseTimeMs' | 'message' | 'checkedAt'>;

/** An endpoint of a row. Drivers disagree on how they give large integers: every number goes through Number. */
export function endpointOf(row: EndpointRow): EndpointRecord {
  return {
    ...defaults,
    ...(row.settings === null ? {} : (JSON.parse(row.settings) as Settings)),
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    host: row.host === '' ? null : row.host,
    port: Number(row.port) || null,
    serviceType: row.service_type,
    checkInterval: Number(row.check_interval),
    timeout: Number(row.timeout),
    retryCount: Number(row.retry_count),
    expectedResponseTime: Number(row.expected_response_time),
    secrets: row.secrets === null ? {} : (JSON.parse(row.secrets) as Record<string, string>),
    pausedAt: numberOrNull(row.paused_at),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/** A row joined with its state. */
export function storedEndpoint(
  row: EndpointRow & { [Column in StateColumns]: StateRow[Column] | null },
): StoredEndpoint {
  return {
    endpoint: endpointOf(row),
    state:
      row.status === null
        ? null
        : {
            ...uncheckedState,
            code: keptCode(row.status as EndpointStatus, undefined),
            ...(row.machine === null ? {} : (JSON.parse(row.machine) as Machine)),
            status: row.status as EndpointStatus,
            responseTimeMs: numberOrNull(row.response_time_ms),
            message: row.message ?? '',
            // 0 of one of which nothing is known any more.
            checkedAt: Number(row.checked_at) || null,
          },
  };
}

/** What was last found out, as a row. */
export function stateRow(
  { endpoint, status, responseTimeMs, message, checkedAt, ...machine }: KeptEndpoint,
  revision: number,
): StateRow {
  return {
    tenant_id: endpoint.tenantId,
    endpoint_id: endpoint.id,
    status,
    response_time_ms: responseTimeMs,
    message,
    checked_at: checkedAt ?? 0,
    machine: JSON.stringify(machine satisfies Machine),
    revision,
  };
}
