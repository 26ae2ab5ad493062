import { newId, type ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Moment } from '../customers/moment.js';
import { timerKey } from '../store/store.js';
import type { Timer, TimerChange } from './timer.js';

/** Timers due later than this are left to the sweep. */
const soonMs = 60_000;

/** Sets and clears a customer's timers in a command's transaction. */
export async function changeTimers(
  { store, waker, clock, logger }: LifecycleContext,
  { tenantId, actor }: ScopeIdentity,
  customerId: string,
  changes: readonly TimerChange[],
  { at, trx }: Moment,
): Promise<void> {
  const { timers } = store.tenant(tenantId);
  for (const change of changes) {
    if ('clear' in change) {
      await timers.clear(customerId, change.clear, trx);
      continue;
    }
    const timer: Timer = { ...change.set, id: newId(), customerId, setBy: actor, setAt: at };
    await timers.put(timer, trx);
    if (timer.dueAt - clock.now() > soonMs) continue;
    store.afterCommit(trx, () => {
      Promise.resolve(waker.wake(timerKey(tenantId, timer.id), timer.dueAt)).catch(() =>
        logger.warn({ tenantId, timerId: timer.id }, 'a wake-up was lost; the sweep will find it'),
      );
    });
  }
}
