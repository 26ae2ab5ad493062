import type { LifecycleContext } from '../../context.js';
import { hooksOf } from '../../hooks.js';
import type { Hold } from '../checkpoint.js';
import { endRun } from '../end.js';
import { runEndHook } from '../hook-steps.js';
import type { Run } from '../run.js';
import { callStep, type Outcome } from './call.js';
import { begun, completed, failed, givenUp, hasCrashedTooOften, withinLease } from './forward.js';
import type { StepResult, StepWork } from './result.js';

/** Ends a run in which everything is done, together with the host's hook: neither happens without the other. */
export async function endWithHook(
  context: LifecycleContext,
  hold: Hold,
  { run, step, begin }: Pick<StepWork<unknown>, 'run' | 'step' | 'begin'>,
): Promise<{ ended: Run } | { failed: StepResult }> {
  const { clock, hookTimeoutMs } = context;
  const { inTransaction } = hooksOf(context, `operation.${run.operation}`);
  if (hasCrashedTooOften(step)) return { failed: givenUp(context, step) };
  const attempt = await begin(begun(step, clock.now()));
  const done = completed(run, attempt, null, clock.now());
  const steps = run.steps.map((each) => (each.key === step.key ? done : each));
  const timeoutMs = ((typeof inTransaction === 'object' && inTransaction.timeoutMs) || hookTimeoutMs) + 1_000;
  const limits = { step: step.key, timeoutMs: withinLease(context, timeoutMs), outer: hold.cut };
  let outcome: Outcome | undefined;
  try {
    const ended = await endRun(context, hold, { ...run, steps }, 'completed', {}, async (state, trx) => {
      outcome = await callStep(clock, limits, (signal) => runEndHook(context, state, trx, signal));
      if (!outcome.ok) throw outcome.error;
    });
    return { ended };
  } catch (error) {
    // Only what the hook threw is its failure; a lost lease or database is the run's.
    if (!outcome || outcome.ok || outcome.error !== error) throw error;
    return { failed: failed(context, { run }, attempt, outcome, undefined) };
  }
}
