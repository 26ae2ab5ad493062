import { fromJson, numberOrNull, toJson } from '@dotmac/core/kysely';
import type { Run, RunStatus } from '../../provisioning/run.js';
import type { OperationName } from '../../services/operation.js';
import type { Checkpoint } from '../runs.js';
import type { RunRow } from './tables.js';

/** A new run as a row: nobody's. */
export function runRow(tenantId: string, run: Run): RunRow {
  return {
    tenant_id: tenantId,
    id: run.id,
    customer_id: run.customerId,
    service_id: run.serviceId,
    operation: run.operation,
    service_name: run.serviceName,
    template_version: run.templateVersion,
    template_hash: run.templateHash,
    config: JSON.stringify(run.config),
    previous: run.previous && toJson(run.previous),
    given: toJson(run.given),
    status: run.status,
    direction: run.direction,
    steps: JSON.stringify(run.steps),
    next_at: run.nextAt,
    cancel_requested_at: run.cancelRequestedAt,
    requested_by: run.requestedBy,
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    provisioned_at: run.provisionedAt,
    lease_owner: null,
    lease_until: null,
    fence: 0,
  };
}

/** A row as a run. */
export function runOf(row: RunRow): Run {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    customerId: row.customer_id,
    serviceId: row.service_id,
    operation: row.operation as OperationName,
    serviceName: row.service_name,
    templateVersion: row.template_version,
    templateHash: row.template_hash,
    config: fromJson<Record<string, unknown>>(row.config),
    previous: row.previous === null ? null : fromJson<Run['previous']>(row.previous),
    given: fromJson<Record<string, unknown>>(row.given),
    status: row.status as RunStatus,
    direction: row.direction as Run['direction'],
    steps: fromJson<Run['steps']>(row.steps),
    nextAt: numberOrNull(row.next_at),
    cancelRequestedAt: numberOrNull(row.cancel_requested_at),
    requestedBy: row.requested_by,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    provisionedAt: numberOrNull(row.provisioned_at),
  };
}

/** What a checkpoint writes. The last one gives the lease back. */
export function checkpointRow({ status, direction, steps, nextAt, provisionedAt, updatedAt }: Checkpoint) {
  return {
    status,
    direction,
    steps: JSON.stringify(steps),
    next_at: nextAt,
    provisioned_at: provisionedAt,
    updated_at: updatedAt,
    ...(nextAt === null && { lease_owner: null, lease_until: null }),
  };
}
