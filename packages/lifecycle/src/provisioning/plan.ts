import type { RetryPolicy } from './definition.js';
import type { Run, RunStep } from './run.js';

/** What is to be done next on a run. */
type NextMove = { move: 'run' | 'compensate'; step: RunStep } | { move: 'end'; status: 'active' | 'failed' | 'stuck' };

/** May a step have had an effect that is not undone yet? */
const isTouched = ({ status }: RunStep): boolean => status !== 'pending' && status !== 'compensated';

/**
 * Decides, from what is kept alone. Forward: the first step that is not completed. Backward: first the step whose
 * outcome is unknown, then the completed ones in reverse order of their completion.
 */
export function nextMove({ direction, steps }: Pick<Run, 'direction' | 'steps'>): NextMove {
  if (direction === 'forward') {
    const step = steps.find(({ status }) => status !== 'completed');
    return step ? { move: 'run', step } : { move: 'end', status: 'active' };
  }
  if (steps.some(({ status }) => status === 'compensation_failed')) return { move: 'end', status: 'stuck' };
  const [step] = steps
    .filter(isTouched)
    .sort((a, b) => (b.completedOrder ?? Infinity) - (a.completedOrder ?? Infinity));
  return step ? { move: 'compensate', step } : { move: 'end', status: 'failed' };
}

/** A new step, to be done. */
export function freshStep(key: string): RunStep {
  return {
    key,
    status: 'pending',
    attempts: 0,
    failures: 0,
    compensationAttempts: 0,
    compensationFailures: 0,
    output: null,
    error: null,
    startedAt: null,
    finishedAt: null,
    completedOrder: null,
  };
}

/** The place of the next step to complete. */
export function nextCompletedOrder(steps: readonly RunStep[]): number {
  return 1 + Math.max(0, ...steps.map(({ completedOrder }) => completedOrder ?? 0));
}

/** The wait after the given number of failures, in ms; undefined when it was the last attempt. */
export function backoffMs(failures: number, policy: RetryPolicy = {}, defaultAttempts = 3): number | undefined {
  const { attempts = defaultAttempts, firstBackoffMs = 1_000, longestBackoffMs = 60_000 } = policy;
  return failures >= attempts ? undefined : Math.min(longestBackoffMs, firstBackoffMs * 2 ** (failures - 1));
}
