import { isOperationError, type ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { happened, recordChange } from '../customers/record.js';
import { isGivenUp, reasonOf } from './attempt.js';
import type { Timer } from './timer.js';

const dayMs = 24 * 3_600_000;

/** Refusals that say that an erasure is not wanted any more: the customer came back, or was never there. */
const unwanted = ['ILLEGAL_TRANSITION', 'CUSTOMER_NOT_FOUND'];

/**
 * Is a command that would be given up put off to another day instead? An erasure is owed to somebody: what keeps it from
 * being done (a legal hold, a service that is stuck, a veto, a fault) ends at some time, and then it is done.
 */
export function isPostponed(timer: Timer, command: Timer['command'], error: unknown): boolean {
  return command === 'erase' && isGivenUp(timer, error) && !unwanted.some((code) => isOperationError(error, code));
}

/**
 * Has a timer come due again at the same time of another day. The history says so once for each cause
 * (`customer.timer_postponed`), and the timer shows it.
 * @returns when to come again (epoch ms)
 */
export async function postpone(
  context: LifecycleContext,
  identity: ScopeIdentity,
  timer: Timer,
  command: Timer['command'],
  error: unknown,
): Promise<number> {
  const { store, clock } = context;
  const { customers, timers } = store.tenant(identity.tenantId);
  const { id, customerId, name } = timer;
  const days = Math.floor((clock.now() - timer.dueAt) / dayMs) + 1;
  const dueAt = timer.dueAt + days * dayMs;
  const cause = isOperationError(error) ? error.code : 'INTERNAL_ERROR';
  const { attempts: _, postponed, ...input } = timer.input;
  await store.transaction(async (trx) => {
    // Whoever sets it meanwhile waits, and has the last word.
    const customer = await customers.lock(customerId, trx);
    if (!customer || !(await timers.take(id, trx))) return;
    await timers.put({ ...timer, dueAt, input: { ...input, postponed: cause } }, trx);
    if (postponed === cause) return;
    const at = Math.max(clock.now(), customer.updatedAt);
    const data = { timer: name, command, reason: reasonOf(error), until: dueAt };
    const event = happened(identity, customerId, at, { name: 'customer.timer_postponed', data });
    await recordChange(context, customer, { ...customer, version: customer.version + 1, updatedAt: at }, [event], trx);
  });
  return dueAt;
}
