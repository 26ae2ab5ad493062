import type { Clock } from '@dotmac/core';
import { noRelief, type Relief } from '../files/steps.js';
import { BackupError } from './program.js';
import type { BackupWork } from './work.js';

/** What work is given whose time is limited. */
export interface Timed {
  /** Aborts when its time is up, and when the run is to end. */
  signal: AbortSignal;
  /** As the run's; the time stands still meanwhile. */
  relief: Relief;
}

/**
 * Gives `work` the policy's time for one dump or restoration. It is time of work: under pressure it stands still.
 * @throws BackupError `timeout` when that was too short
 */
export async function withinTime<Result>(
  { policy, clock, signal: outer, relief = noRelief }: Pick<BackupWork, 'policy' | 'clock' | 'signal' | 'relief'>,
  work: (timed: Timed) => Promise<Result>,
): Promise<Result> {
  const deadline = new AbortController();
  const timer = holdableTimer(clock, policy.timeoutMs, () => deadline.abort(new BackupError('timeout')));
  const signal = AbortSignal.any([outer, deadline.signal]);
  try {
    return await work({ signal, relief: () => timer.heldWhile(relief) });
  } catch (error) {
    signal.throwIfAborted();
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? new BackupError('disk_full', { cause: error }) : error;
  } finally {
    timer.cancel();
  }
}

/** A timer that stands still while something is waited for, one thing at a time. */
function holdableTimer(clock: Pick<Clock, 'after' | 'monotonic'>, ms: number, onEnd: () => void) {
  let left = ms;
  let [since, isOver] = [clock.monotonic(), false];
  let cancel = clock.after(left, onEnd);
  return {
    async heldWhile(wait: () => Promise<void>): Promise<void> {
      cancel();
      left -= clock.monotonic() - since;
      try {
        await wait();
      } finally {
        since = clock.monotonic();
        // Whoever waits may have been left behind by the work that it was a part of.
        if (!isOver) cancel = clock.after(Math.max(0, left), onEnd);
      }
    },
    cancel(): void {
      isOver = true;
      cancel();
    },
  };
}
