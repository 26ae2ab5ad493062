import type { LifecycleContext } from '../../context.js';
import { lifecycleErrors } from '../../errors.js';
import type { ActionStep, ServiceStep, TransactionStep } from '../definition.js';
import { backoffMs } from '../plan.js';
import type { RunStep } from '../run.js';
import { isForGood } from '../way-back.js';
import { callStep, type Outcome } from './call.js';
import { contextOf, report } from './context.js';
import { defaultTimeoutMs, withinLease } from './forward.js';
import type { StepResult, StepWork } from './result.js';

const direction = 'backward';
const attempts = 5;
const toleratedCrashes = 10;

/** Undoes a step once. What has nothing to undo is undone. */
export async function compensateStep(
  context: LifecycleContext,
  work: StepWork<ServiceStep>,
  signal: AbortSignal,
): Promise<StepResult> {
  const { step, definition } = work;
  const undoable =
    'run' in definition
      ? definition.compensate
      : 'runInTransaction' in definition && definition.compensateInTransaction;
  if (work.run.operation === 'deprovision' && isForGood(step, definition)) return forGood(step);
  if (!undoable) return { step: { ...step, status: 'compensated', waitUntil: null }, direction };
  if (step.compensationAttempts - step.compensationFailures > toleratedCrashes)
    return { step: notUndone(step, lifecycleErrors.STEP_FAILED({ step: step.key }).message), direction };
  const begun: RunStep = {
    ...step,
    status: 'compensating',
    waitUntil: null,
    compensationAttempts: step.compensationAttempts + 1,
  };
  const { outcome, done } =
    'run' in definition
      ? await undoAction(context, work as StepWork<ActionStep>, begun, signal)
      : await undoTransaction(context, work as StepWork<TransactionStep>, begun, signal);
  context.metrics.stepEnded(work.run.serviceName, 'compensate', outcome.ok);
  if (outcome.ok) return { step: done, direction };
  const failures = step.compensationFailures + 1;
  const { compensationRetry } = definition as ActionStep;
  // Undoing is tried to the end: no error of it is permanent.
  const retryInMs = backoffMs(failures, compensationRetry, attempts);
  report(context, work.run, step.key, 'compensate', outcome, retryInMs);
  const failed: RunStep = { ...begun, compensationFailures: failures, finishedAt: context.clock.now() };
  if (retryInMs !== undefined) return { step: failed, direction, retryInMs };
  return { step: notUndone(failed, outcome.shown.message), direction };
}

/** What somebody has to put back by hand. */
export const forGood = (step: RunStep): StepResult => ({
  step: { ...notUndone(step, lifecycleErrors.STEP_NOT_UNDOABLE({ step: step.key }).message), waitUntil: null },
  direction,
});

const notUndone = (step: RunStep, compensationError: string): RunStep => ({
  ...step,
  status: 'compensation_failed',
  compensationError,
});

interface Undone {
  outcome: Outcome;
  done: RunStep;
}

/** What undoing is told besides the step's context. */
function remains({ step }: StepWork<unknown>) {
  const isCompleted = step.completedOrder !== null;
  return {
    output: isCompleted ? step.output : undefined,
    outcome: isCompleted ? ('completed' as const) : ('unknown' as const),
  };
}

const undone = ({ clock }: LifecycleContext, step: RunStep): RunStep => {
  return { ...step, status: 'compensated', finishedAt: clock.now() };
};

async function undoAction(
  context: LifecycleContext,
  work: StepWork<ActionStep>,
  begun: RunStep,
  signal: AbortSignal,
): Promise<Undone> {
  const { compensate, timeoutMs = defaultTimeoutMs } = work.definition;
  await work.begin(begun);
  const limits = { step: begun.key, timeoutMs, outer: signal };
  const outcome = await callStep(context.clock, limits, async (deadline) => {
    const told = await contextOf(work, 'compensate');
    return compensate?.({ ...told, attempt: begun.compensationAttempts, signal: deadline, ...remains(work) });
  });
  return { outcome, done: undone(context, begun) };
}

async function undoTransaction(
  context: LifecycleContext,
  work: StepWork<TransactionStep>,
  begun: RunStep,
  signal: AbortSignal,
): Promise<Undone> {
  const { compensateInTransaction, timeoutMs = defaultTimeoutMs } = work.definition;
  // A step whose effect commits with its checkpoint, and has none, had no effect.
  if (work.step.completedOrder === null) return { outcome: { ok: true, output: null }, done: undone(context, begun) };
  await work.begin(begun);
  const limits = { step: begun.key, timeoutMs: withinLease(context, timeoutMs), outer: signal };
  let outcome: Outcome | undefined;
  try {
    const done = await work.within(async (trx) => {
      outcome = await callStep(context.clock, limits, async (deadline): Promise<unknown> => {
        const told = { ...(await contextOf(work, 'compensate')), attempt: begun.compensationAttempts, trx };
        return compensateInTransaction?.({ ...told, signal: deadline, ...remains(work) });
      });
      if (!outcome.ok) throw outcome.error;
      return undone(context, begun);
    });
    return { outcome: outcome ?? { ok: true, output: null }, done };
  } catch (error) {
    if (!outcome || outcome.ok || outcome.error !== error) throw error;
    return { outcome, done: begun };
  }
}
