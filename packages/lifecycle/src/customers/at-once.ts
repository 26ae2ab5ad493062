import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf } from '../hooks.js';
import { mayChangeServices } from '../services/settle.js';
import type { Standing } from '../store/store.js';
import type { Customer } from './customer.js';
import { outcomeOf, type Asked } from './outcome.js';
import type { Step } from './step.js';
import { entriesForHook, happened, recordAtOnce } from './record.js';

/** Can a command be decided on and written without a transaction that is open meanwhile? */
export function isAlone(context: LifecycleContext, step: Step): boolean {
  return 'decide' in step && !hooksOf(context, `customer.${step.command}`).inTransaction;
}

/**
 * Carries out commands that nobody needs a transaction for: decided by what was read, written by compare-and-swap in one
 * statement.
 * @returns undefined, and nothing is written, when the customer has changed since, or when services, timers or journeys
 * have to be looked at under its lock
 * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, and what decisions throw
 */
export async function performAtOnce(
  context: LifecycleContext,
  identity: ScopeIdentity,
  asked: Asked,
  standing: Standing | undefined,
): Promise<Customer | undefined> {
  const { customerId } = asked;
  if (!standing) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
  const { customer: before, liveServices } = standing;
  // Not before what is recorded already, should the clock have been set back.
  const at = Math.max(context.clock.now(), before.updatedAt);
  const known = { at, liveServices: () => Promise.resolve(liveServices) };
  const { customer, taken, timers, requested } = await outcomeOf(context, asked, before, known);
  if (taken.length === 0) return before;
  if (timers.length > 0 || (liveServices > 0 && mayChangeServices(before, customer))) return undefined;
  const events = taken.map(({ decision }) => happened(identity, customerId, at, decision.event));
  const outbox = taken.flatMap(({ step, state }) =>
    entriesForHook(context, identity, `customer.${step.command}`, { customerId, at, state }),
  );
  if (!(await recordAtOnce(context, before, customer, events, { requested, outbox }))) return undefined;
  return customer;
}
