import { newId, type ScopeIdentity } from '@dotmac/core';
import type { CommandInput } from '../commands/input.js';
import type { LifecycleContext } from '../context.js';
import type { Moment } from '../customers/perform.js';
import { timerKey } from '../store/store.js';

/** What a timer may ask for. */
export const timedCommands = [
  'approve',
  'reject',
  'suspend',
  'throttle',
  'reactivate',
  'endPromise',
  'markChurning',
  'winBack',
  'deactivate',
  'delete',
  'erase',
] as const;

/** @see timedCommands */
export type TimedCommand = (typeof timedCommands)[number];

/** Set by dunning, by journeys and with promises alone, with what they need to know. */
export const ownCommands = ['dunningStep', 'journeyStep', 'endServicePromise'] as const;

type OwnCommand = (typeof ownCommands)[number];

/** What is noted with a timer besides what its command takes. */
export interface TimerNotes {
  policy?: string;
  journey?: string;
  step?: string;
  /** The service whose promise ends. */
  service?: string;
  /** Whether the customer takes part in the journey could not be asked when it should have begun. */
  isUnasked?: true;
  /** Steps of the journey that were taken before. */
  taken?: number;
  /** The end of the promise to pay that a step of dunning is held by (epoch ms). */
  promised?: number;
  /** Attempts that failed. */
  attempts?: number;
  /** The code of what had it put off when it was due. */
  postponed?: string;
}

/** A command that will be given to a customer, judged anew by the table when its time has come. Times are epoch ms. */
export interface Timer {
  id: string;
  customerId: string;
  /** A customer has one timer of a name: setting it again moves it. */
  name: string;
  dueAt: number;
  command: TimedCommand | OwnCommand;
  input: CommandInput & TimerNotes;
  /** What the time is counted from: setting the timer again counts from here, and not from the last attempt. */
  anchorAt: number;
  setBy: string;
  setAt: number;
}

/** A timer to be set, or not to be there any more. */
export type TimerChange = { set: Pick<Timer, 'name' | 'dueAt' | 'command' | 'input' | 'anchorAt'> } | { clear: string };

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
