import { toJson } from '@dotmac/core/kysely';
import type { Run } from '../../provisioning/run.js';
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
