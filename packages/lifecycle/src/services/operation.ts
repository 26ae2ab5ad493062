import { z } from 'zod';
import type { Block, Customer } from '../customers/customer.js';
import { severityOf } from '../suspension/blocks.js';
import type { ServiceAccess, ServiceInstance, ServiceStatus } from './instance.js';

/** What can be done to a service. */
export const operationName = z
  .enum(['provision', 'suspend', 'throttle', 'resume', 'change_plan', 'deprovision'])
  .meta({ id: 'ServiceOperation', description: 'What a run does to its service' });

/** @see operationName */
export type OperationName = z.output<typeof operationName>;

interface Operation {
  /** The event of its end. */
  done: `service.${string}`;
  /** The service while it runs. */
  while?: { status: ServiceStatus };
  /** The service afterwards. */
  leaves: { status?: ServiceStatus; access?: ServiceAccess };
  /** When a step fails for good: what was done is undone, or the run is stuck there, and somebody must look. */
  whenFailed: 'undone' | 'stuck';
  /** When it is cancelled: what was done is undone, or left as it is. */
  whenCancelled: 'undone' | 'left';
}

const setsUp = { whenFailed: 'undone', whenCancelled: 'undone' } as const;
const follows = { whenFailed: 'stuck', whenCancelled: 'left' } as const;

/** The operations: what each leaves behind, and what becomes of it when it fails or is cancelled. */
export const operations = {
  provision: { done: 'service.provisioned', leaves: { status: 'active', access: 'full' }, ...setsUp },
  suspend: { done: 'service.suspended', leaves: { status: 'suspended', access: 'suspended' }, ...follows },
  throttle: { done: 'service.throttled', leaves: { status: 'active', access: 'throttled' }, ...follows },
  resume: { done: 'service.resumed', leaves: { status: 'active', access: 'full' }, ...follows },
  change_plan: { done: 'service.plan_changed', leaves: {}, ...setsUp },
  deprovision: {
    done: 'service.terminated',
    while: { status: 'deprovisioning' },
    leaves: { status: 'terminated', access: 'none' },
    whenFailed: 'stuck',
    whenCancelled: 'undone',
  },
} as const satisfies Record<OperationName, Operation>;

/** The operation's line of the table, its literal types aside. */
export const operationOf = (name: OperationName): Operation & { done: (typeof operations)[OperationName]['done'] } =>
  operations[name];

/** A service as it was before a run that does this got stuck. */
export function unstuck(service: ServiceInstance, operation: OperationName): ServiceInstance {
  if (operation === 'provision') return { ...service, status: 'provisioning' };
  if (operation === 'deprovision') return { ...service, status: 'deprovisioning' };
  return { ...service, status: service.access === 'suspended' ? 'suspended' : 'active' };
}

/** Has a customer left? Then none of its services should be there. */
export function hasLeft({ stage }: Pick<Customer, 'stage'>): boolean {
  return stage === 'inactive' || stage === 'deleted';
}

/** Is an operation to give what nobody wants any more, its customer having left? What was done so far is undone then. */
export function isPointless(operation: OperationName, customer: Pick<Customer, 'stage'>): boolean {
  return operations[operation].whenFailed === 'undone' && hasLeft(customer);
}

/** The reasons that a service follows: its own and its customer's, save for those that leave it alone, or are spared it. */
export function followedBlocks(
  service: Pick<ServiceInstance, 'blocks' | 'sparedReasons'>,
  customer: Pick<Customer, 'blocks'>,
  exemptFrom: readonly string[] = [],
): Block[] {
  const passedOver = [...exemptFrom, ...service.sparedReasons];
  return [...customer.blocks.filter(({ reason }) => !passedOver.includes(reason)), ...service.blocks];
}

/** What a service should give by what is known of its customer and itself; undefined: it should not be there. */
export function wantedAccess(
  service: Pick<ServiceInstance, 'blocks' | 'sparedReasons' | 'isKept' | 'terminateRequestedAt'>,
  customer: Pick<Customer, 'stage' | 'blocks'>,
  exemptFrom: readonly string[],
): Exclude<ServiceAccess, 'none'> | undefined {
  if (service.terminateRequestedAt !== null || (hasLeft(customer) && !service.isKept)) return undefined;
  const severity = severityOf(followedBlocks(service, customer, exemptFrom));
  return severity === 'none' ? 'full' : severity === 'throttle' ? 'throttled' : 'suspended';
}

/**
 * What is to be done to a service next so that it gives what it should; null when it does, or when something is being
 * done already: asked again at the end of every run, so that no change is ever missed.
 * @param mayGive what it may give, where an operation stopped halfway: it is told anew. Default: what it was told last
 */
export function nextOperation(
  service: Pick<ServiceInstance, 'status' | 'access' | 'openRunId'> & Parameters<typeof wantedAccess>[0],
  customer: Pick<Customer, 'stage' | 'blocks'>,
  exemptFrom: readonly string[] = [],
  mayGive: readonly ServiceAccess[] = [service.access],
): OperationName | null {
  const isSettable = service.status === 'active' || service.status === 'suspended';
  if (service.openRunId !== null || !isSettable) return null;
  const wanted = wantedAccess(service, customer, exemptFrom);
  if (wanted === undefined) return 'deprovision';
  if (mayGive.every((access) => access === wanted)) return null;
  if (wanted === 'suspended') return 'suspend';
  // What may be suspended is resumed first, and slowed down then.
  return wanted === 'throttled' && !mayGive.includes('suspended') ? 'throttle' : 'resume';
}

/**
 * May something have to be done to a service, for all that is known where its template is not? Which reasons leave it alone
 * is not known there; what it should give lies between what it should if all of them did, and if none did.
 */
export function mayNeedOperation(
  service: Parameters<typeof nextOperation>[0],
  customer: Parameters<typeof nextOperation>[1],
  mayGive?: readonly ServiceAccess[],
): boolean {
  const reasons = customer.blocks.map(({ reason }) => reason);
  return [[], reasons].some((exemptFrom) => nextOperation(service, customer, exemptFrom, mayGive) !== null);
}
