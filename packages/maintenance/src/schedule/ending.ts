import { isLeftOff } from '../runs/left-off.js';
import { lastSignOf, type Run, type RunStatus } from '../runs/run.js';
import type { ScheduleRules } from './rules.js';
import type { SlotOutcome } from './slot.js';

/** How a slot ends, and how a run does. */
export type Ending = { outcome: SlotOutcome; message?: string };

/** A run that failed, or was left off, and when the next is to begin. Epoch ms. */
export interface Failed {
  run: Run;
  retryAt: number;
}

const longestRetryMs = 6 * 3_600_000;

/** How a slot ends by its run. */
export function outcomeOf({ status }: Run, timedOut: boolean): SlotOutcome {
  const outcomes: Record<RunStatus, SlotOutcome> = {
    running: 'abandoned',
    completed: 'completed',
    failed: 'failed',
    cancelled: timedOut ? 'timed_out' : 'cancelled',
    skipped: 'skipped',
    needs_confirmation: 'needs_confirmation',
  };
  return outcomes[status];
}

/** What a slot says of how its run ended. */
export const toldBy = ({ errorMessage }: Run): Pick<Ending, 'message'> =>
  errorMessage === null ? {} : { message: errorMessage };

/** Is another run to begin after that one? After what was left off, unless somebody has cancelled it. */
export function isToBeginAgain(run: Run, outcome = outcomeOf(run, false)): boolean {
  if (isLeftOff(run)) return run.cancelRequestedAt === null;
  return outcome === 'failed' || outcome === 'timed_out';
}

/**
 * When the run after one that failed, or was left off, is to begin. One whose process died came to its end then; by its row it ended
 * when somebody found it, which may be days later.
 * @param attempt which of its slot's runs it was, from 1
 */
export function failedOf(
  run: Run,
  { retryAfterMs }: Pick<ScheduleRules, 'retryAfterMs'>,
  attempt: number,
  now: number,
): Failed {
  const overAt = run.stopReason === 'abandoned' ? lastSignOf(run) : (run.endedAt ?? now);
  // By a clock that was fast it was over later than now.
  return { run, retryAt: Math.min(now, overAt) + Math.min(longestRetryMs, retryAfterMs * 2 ** (attempt - 1)) };
}

/** What is said of a slot that waited, for another slot, another run, or its retry, and is not to begin any more. */
export const waited = (failed: Failed | undefined, what: string): string =>
  failed ? `${howFailed(failed)}, and the ${what} before the next try.` : `The ${what} as it waited.`;

/** How the run before it ended, as the beginning of a sentence. */
export const howFailed = ({ run }: Failed): string => (isLeftOff(run) ? 'Its run was broken off' : 'Its run failed');
