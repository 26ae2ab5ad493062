import type { LifecycleContext } from '../../context.js';
import { lifecycleErrors } from '../../errors.js';
import { instantAfter } from '../../instant-after.js';
import { completionTokenOf } from '../completion-token.js';
import type { ActionStep, Reconciliation } from '../definition.js';
import { callStep } from './call.js';
import { contextOf } from './context.js';
import { begun, completed, defaultTimeoutMs, failed, givenUp, hasCrashedTooOften, refused } from './forward.js';
import { expiredOrWaiting, inTime } from './in-time.js';
import type { StepResult, StepWork } from './result.js';

const defaultCompletionMs = 24 * 3_600_000;

/** Runs a step that calls another system, once. */
export async function runAction(
  context: LifecycleContext,
  work: StepWork<ActionStep>,
  signal: AbortSignal,
): Promise<StepResult> {
  const { clock } = context;
  const { run, step, definition } = work;
  if (step.status === 'waiting') return heard(context, work);
  if (hasCrashedTooOften(step)) return givenUp(context, step);
  const attempt = await work.begin(begun(step, clock.now()));
  const { timeoutMs = defaultTimeoutMs, reconcile, retry, completion } = definition;
  const limits = { step: step.key, timeoutMs, outer: signal };
  const outcome = await callStep(clock, limits, async (deadline): Promise<unknown> => {
    const told = { ...(await contextOf(work, 'run')), attempt: attempt.attempts, signal: deadline };
    const found: Reconciliation | undefined = isToBeLookedFor(work) ? await reconcile?.(told) : undefined;
    if (found?.done) return found.output;
    const asked = {
      ...told,
      // Signed when it is looked at: few steps do.
      get completionToken() {
        return completionTokenOf(context, run, step);
      },
    };
    return definition.run(asked);
  });
  context.metrics.stepEnded(run.serviceName, 'run', outcome.ok);
  if (!outcome.ok) return failed(context, work, attempt, outcome, retry);
  if (!completion) return { step: completed(run, attempt, outcome.output, clock.now()), direction: 'forward' };
  const waitUntil = instantAfter(clock.now(), completion.timeoutMs ?? defaultCompletionMs);
  return { step: { ...attempt, status: 'waiting', output: outcome.output, waitUntil }, direction: 'forward' };
}

/**
 * Does nobody know what came of an attempt before? What was ordered in an earlier round is not looked for: it has a token that
 * is refused by now, so found or not, it ends nothing.
 */
function isToBeLookedFor({ step, definition }: StepWork<ActionStep>): boolean {
  return definition.completion ? step.attempts > 0 : step.startedAt !== null;
}

/** Looks whether somebody called back before the time was up. */
async function heard(context: LifecycleContext, { run, step }: StepWork<ActionStep>): Promise<StepResult> {
  const { store, clock } = context;
  const said = await store.tenant(run.tenantId).signals.list(run.id, step.key);
  const [signal] = inTime(step, said);
  if (signal?.kind === 'complete')
    return { step: completed(run, step, signal.output ?? step.output, clock.now()), direction: 'forward' };
  if (signal) return refused(context, step, signal.comment ?? lifecycleErrors.STEP_FAILED({ step: step.key }).message);
  const expired = lifecycleErrors.COMPLETION_EXPIRED({ step: step.key }).message;
  return { ...expiredOrWaiting(context, step, expired), heard: said.length };
}
