import { z } from 'zod';
import type { Customer } from '../customers/customer.js';
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
  /**
   * A step that fails for good has the earlier ones undone, and so has cancelling. Otherwise the run is stuck there, and
   * somebody must look; cancelling ends it where it is (`provisioning/cancel.ts` says when).
   */
  undoes: boolean;
}

/** The operations: what each leaves behind, and what becomes of it when it fails. */
export const operations = {
  provision: { done: 'service.provisioned', leaves: { status: 'active', access: 'full' }, undoes: true },
  suspend: { done: 'service.suspended', leaves: { status: 'suspended', access: 'suspended' }, undoes: false },
  throttle: { done: 'service.throttled', leaves: { status: 'active', access: 'throttled' }, undoes: false },
  resume: { done: 'service.resumed', leaves: { status: 'active', access: 'full' }, undoes: false },
  change_plan: { done: 'service.plan_changed', leaves: {}, undoes: true },
  deprovision: {
    done: 'service.terminated',
    while: { status: 'deprovisioning' },
    leaves: { status: 'terminated', access: 'none' },
    undoes: false,
  },
} as const satisfies Record<OperationName, Operation>;

/** The operation's line of the table, its literal types aside. */
export const operationOf = (name: OperationName): Operation & { done: (typeof operations)[OperationName]['done'] } =>
  operations[name];

/** What a service should give by what is known of its customer and itself; undefined: it should not be there. */
function wantedAccess(
  service: Pick<ServiceInstance, 'blocks' | 'terminateRequestedAt'>,
  customer: Pick<Customer, 'stage' | 'blocks'>,
  exemptFrom: readonly string[],
): Exclude<ServiceAccess, 'none'> | undefined {
  if (service.terminateRequestedAt !== null || customer.stage === 'inactive' || customer.stage === 'deleted')
    return undefined;
  const following = customer.blocks.filter(({ reason }) => !exemptFrom.includes(reason));
  const severity = severityOf([...following, ...service.blocks]);
  return severity === 'none' ? 'full' : severity === 'throttle' ? 'throttled' : 'suspended';
}

/**
 * What is to be done to a service next so that it gives what it should; null when it does, or when something is being
 * done already: asked again at the end of every run, so that no change is ever missed.
 * @param isCertain false: an operation stopped halfway, so that nobody knows what it gives; it is told anew
 */
export function nextOperation(
  service: Pick<ServiceInstance, 'status' | 'access' | 'blocks' | 'terminateRequestedAt' | 'openRunId'>,
  customer: Pick<Customer, 'stage' | 'blocks'>,
  exemptFrom: readonly string[] = [],
  isCertain = true,
): OperationName | null {
  const isSettable = service.status === 'active' || service.status === 'suspended';
  if (service.openRunId !== null || !isSettable) return null;
  const wanted = wantedAccess(service, customer, exemptFrom);
  if (wanted === undefined) return 'deprovision';
  if (!isCertain) return wanted === 'suspended' ? 'suspend' : 'resume';
  if (wanted === service.access) return null;
  if (wanted === 'suspended') return 'suspend';
  return wanted === 'throttled' && service.access === 'full' ? 'throttle' : 'resume';
}
