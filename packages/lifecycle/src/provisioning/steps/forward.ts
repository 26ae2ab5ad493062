import type { LifecycleContext } from '../../context.js';
import { lifecycleErrors } from '../../errors.js';
import type { RetryPolicy } from '../definition.js';
import { backoffMs, nextCompletedOrder } from '../plan.js';
import type { Run, RunStep } from '../run.js';
import type { Outcome } from './call.js';
import { report } from './context.js';
import type { StepResult, StepWork } from './result.js';

/** The limit of an attempt, unless the step says another. */
export const defaultTimeoutMs = 30_000;

/**
 * The limit of an attempt that holds a transaction. Where only one can be open at a time, the lease is not renewed so
 * long: it must be over before the lease is given up, also if it began just when a renewal was due.
 */
export function withinLease({ store, leaseMs }: LifecycleContext, timeoutMs: number): number {
  return store.capabilities.parallelTransactions ? timeoutMs : Math.min(timeoutMs, leaseMs / 4);
}

/** Attempts that crashes cut short do not count as failures, but a step that takes its process with it must end too. */
const toleratedCrashes = 10;

/** Was the step cut short so often that it is given up? */
export function hasCrashedTooOften({ attempts, failures }: RunStep): boolean {
  return attempts - failures > toleratedCrashes;
}

/** A step as it is when an attempt begins. */
export function begun(step: RunStep, at: number): RunStep {
  return {
    ...step,
    status: 'running',
    attempts: step.attempts + 1,
    startedAt: step.startedAt ?? at,
    finishedAt: null,
    waitUntil: null,
  };
}

/** A step as it is when it is done. */
export function completed(run: Run, step: RunStep, output: unknown, at: number): RunStep {
  const completedOrder = nextCompletedOrder(run.steps);
  return { ...step, status: 'completed', output, error: null, finishedAt: at, waitUntil: null, completedOrder };
}

/** A step that came to nothing, and that no further attempt will mend. */
export function refused(context: LifecycleContext, step: RunStep, error: string): StepResult {
  const finishedAt = context.clock.now();
  return { step: { ...step, status: 'failed', error, finishedAt, waitUntil: null }, direction: 'backward' };
}

/** A step that takes its process with it. */
export function givenUp(context: LifecycleContext, step: RunStep): StepResult {
  return refused(context, step, lifecycleErrors.STEP_FAILED({ step: step.key }).message);
}

/** What an attempt that failed comes to: another one later, or the way back. */
export function failed(
  context: LifecycleContext,
  { run }: Pick<StepWork<unknown>, 'run'>,
  attempt: RunStep,
  outcome: Extract<Outcome, { ok: false }>,
  retry: RetryPolicy | undefined,
): StepResult {
  const failures = attempt.failures + 1;
  const retryInMs = outcome.isPermanent ? undefined : backoffMs(failures, retry);
  report(context, run, attempt.key, 'run', outcome, retryInMs);
  const error = outcome.shown.message;
  const step: RunStep = { ...attempt, status: 'failed', failures, error, finishedAt: context.clock.now() };
  return retryInMs === undefined ? { step, direction: 'backward' } : { step, direction: 'forward', retryInMs };
}
