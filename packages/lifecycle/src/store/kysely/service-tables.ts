import { fromJson, numberOrNull, toJson } from '@dotmac/core/kysely';
import type { Block } from '../../customers/customer.js';
import type { Signal } from '../../provisioning/signal.js';
import type { ServiceAccess, ServiceInstance, ServiceStatus } from '../../services/instance.js';
import { isSpared, nothingSpared, type Spared } from '../../services/spared.js';
import type { Timer } from '../../timers/timer.js';

/** `dotmac_services`. */
export interface ServiceRow {
  tenant_id: string;
  id: string;
  customer_id: string;
  service_name: string;
  template_version: string;
  template_hash: string;
  config: unknown;
  status: string;
  access: string;
  outputs: unknown;
  blocks: unknown;
  /** What of its customer does not count for it; null: everything does. */
  spared: unknown;
  terminate_requested_at: number | null;
  open_run_id: string | null;
  created_at: number;
  updated_at: number;
  provisioned_at: number | null;
  terminated_at: number | null;
}

/** `dotmac_step_signals`: what people and systems said to steps; each may speak once. */
export interface SignalRow {
  tenant_id: string;
  run_id: string;
  step_key: string;
  said_by: string;
  kind: string;
  comment: string | null;
  output: unknown;
  at: number;
}

/** `dotmac_lifecycle_timers`: one of a name for a customer. */
export interface TimerRow {
  tenant_id: string;
  customer_id: string;
  name: string;
  id: string;
  due_at: number;
  command: string;
  input: unknown;
  anchor_at: number;
  set_by: string;
  set_at: number;
}

/** `dotmac_dunning_cases`: one of a policy for a customer, until everything is paid. */
export interface DunningCaseRow {
  tenant_id: string;
  customer_id: string;
  policy: string;
  invoices: unknown;
  steps_taken: number;
  last_step_at: number | null;
  opened_at: number;
}

/** `dotmac_legal_holds`. */
export interface LegalHoldRow {
  tenant_id: string;
  customer_id: string;
  name: string;
  note: string | null;
  set_by: string;
  set_at: number;
}

/** A service as a row. */
export function serviceRow(service: ServiceInstance): ServiceRow {
  return {
    tenant_id: service.tenantId,
    id: service.id,
    customer_id: service.customerId,
    service_name: service.serviceName,
    template_version: service.templateVersion,
    template_hash: service.templateHash,
    config: toJson(service.config),
    status: service.status,
    access: service.access,
    outputs: toJson(service.outputs),
    blocks: toJson(service.blocks),
    spared: isSpared(service) ? toJson({ sparedReasons: service.sparedReasons, isKept: service.isKept }) : null,
    terminate_requested_at: service.terminateRequestedAt,
    open_run_id: service.openRunId,
    created_at: service.createdAt,
    updated_at: service.updatedAt,
    provisioned_at: service.provisionedAt,
    terminated_at: service.terminatedAt,
  };
}

/** A row as a service. */
export function serviceOf(row: ServiceRow): ServiceInstance {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    customerId: row.customer_id,
    serviceName: row.service_name,
    templateVersion: row.template_version,
    templateHash: row.template_hash,
    config: fromJson<Record<string, unknown>>(row.config),
    status: row.status as ServiceStatus,
    access: row.access as ServiceAccess,
    outputs: fromJson<Record<string, unknown>>(row.outputs),
    blocks: fromJson<Block[]>(row.blocks),
    ...(row.spared === null ? nothingSpared : fromJson<Spared>(row.spared)),
    terminateRequestedAt: numberOrNull(row.terminate_requested_at),
    openRunId: row.open_run_id,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    provisionedAt: numberOrNull(row.provisioned_at),
    terminatedAt: numberOrNull(row.terminated_at),
  };
}

/** A row as a signal. */
export function signalOf(row: SignalRow): Signal {
  const { run_id: runId, step_key: stepKey, said_by: by, kind, comment } = row;
  return {
    runId,
    stepKey,
    by,
    kind: kind as Signal['kind'],
    comment,
    output: fromJson(row.output),
    at: Number(row.at),
  };
}

/** A timer as a row. */
export function timerRow(tenantId: string, timer: Timer): TimerRow {
  return {
    tenant_id: tenantId,
    customer_id: timer.customerId,
    name: timer.name,
    id: timer.id,
    due_at: timer.dueAt,
    command: timer.command,
    input: toJson(timer.input),
    anchor_at: timer.anchorAt,
    set_by: timer.setBy,
    set_at: timer.setAt,
  };
}

/** A row as a timer. */
export function timerOf(row: TimerRow): Timer {
  return {
    customerId: row.customer_id,
    name: row.name,
    id: row.id,
    dueAt: Number(row.due_at),
    command: row.command as Timer['command'],
    input: fromJson<Timer['input']>(row.input),
    anchorAt: Number(row.anchor_at),
    setBy: row.set_by,
    setAt: Number(row.set_at),
  };
}
