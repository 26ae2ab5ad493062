import type { LifecycleContext } from '../context.js';
import type { Block, Customer } from '../customers/customer.js';
import type { PendingEvent } from '../customers/record.js';
import type { ServiceAccess, ServiceInstance } from '../services/instance.js';
import { followedBlocks, hasLeft, nextOperation, operationOf, unstuck } from '../services/operation.js';
import { withLifted, withOpened } from '../services/reasons.js';
import { withSpared } from '../services/spared.js';
import type { TimerChange } from '../timers/timer.js';
import type { Run } from './run.js';

/** The reason of its own that keeps a service from being resumed once that was cancelled. */
const resumeCancelled = 'resume_cancelled';

/** A run, with all that says what cancelling it comes to. */
export interface CancelCase {
  run: Run;
  customer: Customer;
  service: ServiceInstance | undefined;
  /** What runs that were stopped before it were to have the service give. */
  stopped: readonly ServiceAccess[];
}

/** What changes of what a service should be given, so that what was cancelled is not begun again. */
export interface CallingOff {
  /** Open reasons of its own that are lifted. */
  lifts: readonly string[];
  /** Open reasons of its customer that do not count for it any more. */
  spares: readonly string[];
  /** A reason of its own that is opened. */
  opens: Pick<Block, 'reason' | 'severity'> | null;
  /** Does it stay though its customer has left? */
  keeps: boolean;
}

const nothing: CallingOff = { lifts: [], spares: [], opens: null, keeps: false };

/**
 * What cancelling a run changes of what its service should be given: nothing where that is something else by now anyway.
 * @throws TEMPLATE_NOT_REGISTERED where it is said there alone which reasons of the customer count
 */
export function callingOff({ templates }: LifecycleContext, given: CancelCase): CallingOff {
  const { run, customer, service, stopped } = given;
  const { operation } = run;
  const { leaves, whenCancelled } = operationOf(operation);
  if (!service || run.cancelRequestedAt !== null) return nothing;
  if (operation === 'deprovision') return { ...nothing, keeps: hasLeft(customer) };
  if (whenCancelled === 'undone' || !leaves.access) return nothing;
  const exemptFrom = customer.blocks.length === 0 ? [] : templates.registered(service).exemptFrom;
  const [mayHaveGiven, freed] = [[service.access, ...stopped], { ...unstuck(service, operation), openRunId: null }];
  if (nextOperation(freed, customer, exemptFrom, [...mayHaveGiven, leaves.access]) !== operation) return nothing;
  if (operation === 'resume') {
    const severity = mayHaveGiven.includes('suspended') ? 'suspend' : 'throttle';
    return { ...nothing, opens: { reason: resumeCancelled, severity } };
  }
  const effective = followedBlocks(service, customer, exemptFrom).filter(({ promisedUntil }) => promisedUntil === null);
  // What only slows down does not keep a service suspended.
  const wanting = effective.filter(({ severity }) => operation === 'throttle' || severity === 'suspend');
  const of = (blocks: readonly Block[]) => wanting.filter((each) => blocks.includes(each)).map(({ reason }) => reason);
  return { ...nothing, lifts: of(service.blocks), spares: of(customer.blocks) };
}

/** A service whose run was called off, with what happened thereby, and the timers that are not needed any more. */
export function calledOff(
  given: ServiceInstance,
  { lifts, spares, opens, keeps }: CallingOff,
  { run, by, at }: { run: Run; by: string; at: number },
): { service: ServiceInstance; events: PendingEvent[]; timers: TimerChange[] } {
  const lifted = lifts.length > 0 ? withLifted(given, [...lifts]) : undefined;
  const sparedReasons = [...given.sparedReasons, ...spares];
  const spared = withSpared(lifted?.service ?? given, { sparedReasons, isKept: given.isKept || keeps });
  const block = opens && {
    ...opens,
    ...{ promisedUntil: null, note: null, parameters: { request_id: run.id }, openedAt: at, openedBy: by },
  };
  const opened = block ? withOpened(spared.service, block) : undefined;
  return {
    service: opened?.service ?? spared.service,
    events: [...(lifted ? [lifted.event] : []), ...spared.events, ...(opened ? [opened.event] : [])],
    timers: [...(lifted?.timers ?? []), ...(opened?.timers ?? [])],
  };
}
