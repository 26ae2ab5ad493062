import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { commandsOf, serviceCommandsOf } from '../commands/dispatch.js';
import type { LifecycleContext } from '../context.js';
import { happened, recordChange } from '../customers/record.js';
import { takeDunningStep } from '../dunning/step.js';
import { takeJourneyStep } from '../journeys/step.js';
import { takeFollowing } from '../services/follow.js';
import { parseTimerKey } from '../store/store.js';
import { isGivenUp, reasonOf, tryLater } from './attempt.js';
import { checkStillGone } from './check-still-gone.js';
import { isPostponed, postpone } from './postpone.js';
import type { Timer } from './timer.js';

/**
 * Gives the command of a timer, in one transaction with the timer's end: of all who try, one does. What is not legal
 * any more is not done, and recorded as `customer.timer_skipped`; what fails is tried again, for hours, and then so recorded.
 * An erasure that something keeps from being done is put off instead, and recorded as `customer.timer_postponed`.
 * @returns when to come again (epoch ms), or null when there is no such timer any more
 */
export async function fireTimer(context: LifecycleContext, key: string): Promise<number | null> {
  const { store, clock } = context;
  const target = parseTimerKey(key);
  if (!target) return null;
  const { tenantId, timerId } = target;
  const { timers } = store.tenant(tenantId);
  const timer = await timers.get(timerId);
  if (!timer) return null;
  if (timer.dueAt > clock.now()) return timer.dueAt;
  try {
    return await giveTimer(context, tenantId, timer);
  } catch (error) {
    return tryLater(context, tenantId, timer, error);
  }
}

async function giveTimer(context: LifecycleContext, tenantId: string, timer: Timer): Promise<number | null> {
  if (timer.command === 'dunningStep') return takeDunningStep(context, tenantId, timer);
  if (timer.command === 'journeyStep') return takeJourneyStep(context, tenantId, timer);
  if (timer.command === 'followService') return takeFollowing(context, tenantId, timer);
  const { id, name, command, customerId, input } = timer;
  const identity: ScopeIdentity = { tenantId, actor: `timer:${name}` };
  const claim = async (trx: StoreTransaction): Promise<boolean> => {
    if (!(await context.store.tenant(tenantId).timers.take(id, trx))) return false;
    if (command === 'erase') await checkStillGone(context, tenantId, customerId, { since: timer.setAt, trx });
    return true;
  };
  const { service = '', ...given } = input;
  try {
    if (command === 'endServicePromise')
      await serviceCommandsOf(context, identity).endPromise(service, given, { claim });
    else await commandsOf(context, identity)[command](customerId, given, { claim });
  } catch (error) {
    if (!isGivenUp(timer, error)) throw error;
    if (isPostponed(timer, command, error)) return postpone(context, identity, timer, command, error);
    await skip(context, identity, timer, reasonOf(error));
  }
  return null;
}

async function skip(context: LifecycleContext, identity: ScopeIdentity, timer: Timer, reason: string): Promise<void> {
  const { store, clock } = context;
  const { customers, timers } = store.tenant(identity.tenantId);
  const { id, customerId, name, command } = timer;
  await store.transaction(async (trx) => {
    const customer = await customers.lock(customerId, trx);
    if (!(await timers.take(id, trx)) || !customer) return;
    const at = Math.max(clock.now(), customer.updatedAt);
    const data = { timer: name, command, reason };
    const event = happened(identity, customerId, at, { name: 'customer.timer_skipped', data });
    await recordChange(context, customer, { ...customer, version: customer.version + 1, updatedAt: at }, [event], trx);
  });
}
