import type { LifecycleContext } from '../../context.js';
import { instantAfter } from '../../instant-after.js';
import type { WaitStep } from '../definition.js';
import { longestWaitMs } from '../step-limits.js';
import { callStep } from './call.js';
import { contextOf } from './context.js';
import { begun, completed, defaultTimeoutMs, failed } from './forward.js';
import type { StepResult, StepWork } from './result.js';

/** Lets time pass: how much is asked once. */
export async function runWait(
  context: LifecycleContext,
  work: StepWork<WaitStep>,
  signal: AbortSignal,
): Promise<StepResult> {
  const { clock } = context;
  const { run, step, definition } = work;
  if (step.status === 'waiting') {
    const isOver = (step.waitUntil ?? 0) <= clock.now();
    return { step: isOver ? completed(run, step, null, clock.now()) : step, direction: 'forward' };
  }
  const attempt = begun(step, clock.now());
  const { waitMs } = definition;
  const limits = { step: step.key, timeoutMs: defaultTimeoutMs, outer: signal };
  const outcome = await callStep(clock, limits, async (deadline) => {
    if (typeof waitMs === 'number') return waitMs;
    const ms = await waitMs({ ...(await contextOf(work, 'run')), attempt: attempt.attempts, signal: deadline });
    if (!(ms <= longestWaitMs)) throw new TypeError(`The step ${step.key} is to wait for ${ms} ms, which is no time.`);
    return ms;
  });
  if (!outcome.ok) return failed(context, work, attempt, outcome, undefined);
  const waitUntil = instantAfter(clock.now(), Math.max(0, Number(outcome.output)));
  return { step: { ...attempt, status: 'waiting', waitUntil }, direction: 'forward' };
}
