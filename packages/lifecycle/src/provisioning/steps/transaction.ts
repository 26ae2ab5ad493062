import type { LifecycleContext } from '../../context.js';
import type { TransactionStep } from '../definition.js';
import { callStep, type Outcome } from './call.js';
import { contextOf } from './context.js';
import { begun, completed, defaultTimeoutMs, failed } from './forward.js';
import type { StepResult, StepWork } from './result.js';

/** Runs a step of the store's own database: its effect and the checkpoint commit together, so it happens once. */
export async function runTransaction(
  context: LifecycleContext,
  work: StepWork<TransactionStep>,
  signal: AbortSignal,
): Promise<StepResult> {
  const { clock } = context;
  const { run, step, definition } = work;
  const { timeoutMs = defaultTimeoutMs, retry } = definition;
  const attempt = begun(step, clock.now());
  let outcome: Outcome | undefined;
  try {
    const done = await work.within(async (trx) => {
      const told = { ...(await contextOf(work, 'run')), attempt: attempt.attempts, trx };
      outcome = await callStep(clock, { step: step.key, timeoutMs, outer: signal }, (deadline) =>
        definition.runInTransaction({ ...told, signal: deadline }),
      );
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
