import type { LifecycleContext } from '../../context.js';
import type { TransactionStep } from '../definition.js';
import { callStep, type Outcome } from './call.js';
import { contextOf } from './context.js';
import { begun, completed, defaultTimeoutMs, failed, givenUp, hasCrashedTooOften, withinLease } from './forward.js';
import type { StepResult, StepWork } from './result.js';

/**
 * Runs a step of the store's own database: its effect and the checkpoint commit together, so it happens once. The attempt
 * is counted before: a transaction that never commits takes its count with it.
 */
export async function runTransaction(
  context: LifecycleContext,
  work: StepWork<TransactionStep>,
  signal: AbortSignal,
): Promise<StepResult> {
  const { clock } = context;
  const { run, step, definition } = work;
  const { timeoutMs = defaultTimeoutMs, retry } = definition;
  if (hasCrashedTooOften(step)) return givenUp(context, step);
  const attempt = await work.begin(begun(step, clock.now()));
  const limits = { step: step.key, timeoutMs: withinLease(context, timeoutMs), outer: signal };
  let outcome: Outcome | undefined;
  try {
    const done = await work.within(async (trx) => {
      outcome = await callStep(clock, limits, async (deadline): Promise<unknown> => {
        const told = { ...(await contextOf(work, 'run')), attempt: attempt.attempts, trx };
        return definition.runInTransaction({ ...told, signal: deadline });
      });
      if (!outcome.ok) throw outcome.error;
      return completed(run, attempt, outcome.output, clock.now());
    });
    context.metrics.stepEnded(run.serviceName, 'run', true);
    return { step: done, direction: 'forward' };
  } catch (error) {
    // Only what the handler threw is the step's failure; a lost lease or database is the run's.
    if (!outcome || outcome.ok || outcome.error !== error) throw error;
    context.metrics.stepEnded(run.serviceName, 'run', false);
    return failed(context, work, attempt, outcome, retry);
  }
}
