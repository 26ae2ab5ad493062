import type { LifecycleContext } from '../../context.js';
import { hooksOf } from '../../hooks.js';
import type { Hold } from '../checkpoint.js';
import { endRun } from '../end.js';
import { runEndHook } from '../hook-steps.js';
import type { Run, RunStep } from '../run.js';
import { callStep, type Outcome } from './call.js';
import { begun, completed, failed } from './forward.js';
import type { StepResult } from './result.js';

/** Ends a run in which everything is done, together with the host's hook: neither happens without the other. */
export async function endWithHook(
  context: LifecycleContext,
  hold: Hold,
  run: Run,
  step: RunStep,
): Promise<{ ended: Run } | { failed: StepResult }> {
  const { clock, hookTimeoutMs } = context;
  const { inTransaction } = hooksOf(context, `operation.${run.operation}`);
  const attempt = begun(step, clock.now());
  const done = completed(run, attempt, null, clock.now());
  const steps = run.steps.map((each) => (each.key === step.key ? done : each));
  const timeoutMs = ((typeof inTransaction === 'object' && inTransaction.timeoutMs) || hookTimeoutMs) + 1_000;
  let outcome: Outcome | undefined;
  try {
    const ended = await endRun(context, hold, { ...run, steps }, 'completed', {}, async (state, trx) => {
      outcome = await callStep(clock, { step: step.key, timeoutMs, outer: hold.cut }, (signal) =>
        runEndHook(context, state, trx, signal),
      );
      if (!outcome.ok) throw outcome.error;
    });
    return { ended };
  } catch (error) {
    // Only what the hook threw is its failure; a lost lease or database is the run's.
    if (!outcome || outcome.ok || outcome.error !== error) throw error;
    return { failed: failed(context, { run }, attempt, outcome, undefined) };
  }
}
