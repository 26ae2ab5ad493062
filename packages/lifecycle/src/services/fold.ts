import type { AnyEvent } from '@dotmac/core';
import type { Block } from '../customers/customer.js';
import type { LifecycleEvents } from '../events.js';
import type { ServiceAccess, ServiceInstance, ServiceStatus } from './instance.js';
import { nothingSpared } from './spared.js';
import { operationOf, type OperationName } from './operation.js';

/** What a customer's events say of one of its services. */
export interface FoldedService {
  serviceName: string;
  /** `pending` stands for `provisioning` as well: that the first step has begun is no event. */
  status: Exclude<ServiceStatus, 'provisioning'>;
  access: ServiceAccess;
  reasons: readonly Pick<Block, 'reason' | 'severity' | 'promisedUntil'>[];
  sparedReasons: readonly string[];
  isKept: boolean;
  isTerminating: boolean;
  openRunId: string | null;
}

/** What a service's row says of what events say as well. */
export function foldedService({ serviceName, status, access, blocks, ...row }: ServiceInstance): FoldedService {
  return {
    serviceName,
    status: status === 'provisioning' ? 'pending' : status,
    access,
    reasons: blocks.map(({ reason, severity, promisedUntil }) => ({ reason, severity, promisedUntil })),
    sparedReasons: row.sparedReasons,
    isKept: row.isKept,
    isTerminating: row.terminateRequestedAt !== null,
    openRunId: row.openRunId,
  };
}

type Event = AnyEvent<LifecycleEvents>;

const requested: Omit<FoldedService, 'serviceName' | 'openRunId'> = {
  status: 'pending',
  access: 'none',
  reasons: [],
  ...nothingSpared,
  isTerminating: false,
};

/**
 * Plays a customer's events, all of them and in order: what the rows of its services must say, by their ids.
 * @param known what the events before these came to. Default: there were none
 */
export function foldServices(
  events: readonly Event[],
  known: ReadonlyMap<string, FoldedService> = new Map(),
): Map<string, FoldedService> {
  const services = new Map(known);
  for (const event of events) {
    if (!('serviceId' in event.data)) continue;
    const { serviceId, serviceName } = event.data;
    const before = services.get(serviceId) ?? { ...requested, serviceName, openRunId: null };
    services.set(serviceId, { ...before, ...effect(before, event) });
  }
  return services;
}

/** What an event changes of its service. */
function effect(before: FoldedService, event: Event): Partial<FoldedService> {
  switch (event.name) {
    case 'service.requested':
    case 'service.operation_started':
      return { ...begun(event.data.operation), openRunId: event.data.requestId };
    case 'service.provisioned':
    case 'service.suspended':
    case 'service.throttled':
    case 'service.resumed':
    case 'service.plan_changed':
    case 'service.terminated': {
      const { operation, serviceName } = event.data;
      const { status, access } = operationOf(operation).leaves;
      const left = { status: status as FoldedService['status'] | undefined, access };
      return { ...defined(left), serviceName, openRunId: null, ...(operation === 'deprovision' && nothingSpared) };
    }
    case 'service.failed':
    case 'service.cancelled':
      return { openRunId: null, ...unfinished(before, event.data.operation) };
    case 'service.cancel_requested':
      return {
        ...(before.status === 'stuck' && unstuck(before, event.data.operation)),
        ...(event.data.operation === 'deprovision' && { isTerminating: false }),
      };
    case 'service.stuck':
      return { status: 'stuck' };
    case 'service.intervened':
      return unstuck(before, event.data.operation);
    case 'service.blocked': {
      const { reason, severity } = event.data;
      const others = before.reasons.filter((open) => open.reason !== reason);
      return { reasons: [...others, { reason, severity, promisedUntil: null }] };
    }
    case 'service.unblocked': {
      const { lifted } = event.data;
      return { reasons: before.reasons.filter(({ reason }) => !lifted.includes(reason)) };
    }
    case 'service.spared':
      return { sparedReasons: event.data.reasons, isKept: event.data.isKept };
    case 'service.promised':
      return { reasons: promised(before, [event.data.reason], event.data.until) };
    case 'service.promise_ended':
      return { reasons: promised(before, event.data.reasons, null) };
    case 'service.termination_requested':
      return { isTerminating: true };
    default:
      return {};
  }
}

function promised({ reasons }: FoldedService, of: readonly string[], promisedUntil: number | null) {
  return reasons.map((open) => (of.includes(open.reason) ? { ...open, promisedUntil } : open));
}

function begun(operation: OperationName): Partial<FoldedService> {
  return defined({ status: operationOf(operation).while?.status as FoldedService['status'] | undefined });
}

/** A service whose operation came to nothing: setting it up is over, taking it down has not happened. */
function unfinished(before: FoldedService, operation: OperationName): Partial<FoldedService> {
  if (operation === 'provision') return { status: 'failed' };
  return operation === 'deprovision' ? { status: there(before) } : {};
}

/** A service as it was before its run got stuck. */
function unstuck(before: FoldedService, operation: OperationName): Partial<FoldedService> {
  if (operation === 'provision') return { status: 'pending' };
  if (operation === 'deprovision') return { status: 'deprovisioning' };
  return { status: there(before) };
}

function there({ access }: FoldedService): 'suspended' | 'active' {
  return access === 'suspended' ? 'suspended' : 'active';
}

function defined<Part extends object>(part: Part): Part {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Part;
}
