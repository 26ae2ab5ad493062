import { coreErrors } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { isPointless, operations } from '../services/operation.js';
import type { ServiceInstance } from '../services/instance.js';
import type { RunStanding } from '../store/runs.js';
import { cancelled, turnedBack } from './cancel.js';
import { proceed, save, type Hold } from './checkpoint.js';
import type { ServiceStep } from './definition.js';
import { endRun } from './end.js';
import { definitionOf } from './hook-steps.js';
import { nextMove, withStep } from './plan.js';
import { hookKeys, type Run, type RunStep } from './run.js';
import { settle } from './settle.js';
import { runAction } from './steps/action.js';
import { runApproval } from './steps/approval.js';
import { compensateStep } from './steps/compensate.js';
import { endWithHook } from './steps/end-hook.js';
import type { StepResult, StepWork } from './steps/result.js';
import { runTransaction } from './steps/transaction.js';
import { refuseUndefined } from './steps/undefined.js';
import { runWait } from './steps/wait.js';
import { kindOf, type ServiceTemplate, type StepKind } from './template.js';

/** A run between two moves. */
export interface Progress {
  run: Run;
  /** The next step, when the checkpoint after the one before has begun it too: as it was, and as it was written. */
  ahead?: { before: RunStep; begun: RunStep } | undefined;
  /** What has to be known for the next move, if it was read with the last checkpoint. */
  standing?: RunStanding | undefined;
  /** As they were read last. The service is changed with its customer alone. */
  customer?: Customer | undefined;
  service?: ServiceInstance | undefined;
}

/** One move of a run, with its checkpoints: a step is run or undone, the run turns back, or it ends. */
export async function move(
  context: LifecycleContext,
  hold: Hold,
  progress: Progress,
  template: ServiceTemplate,
): Promise<Progress> {
  const { store, clock } = context;
  const { run, ahead } = progress;
  const next = nextMove(run);
  if (next.move === 'end') return { run: await endRun(context, hold, run, next.status, progress) };
  const standing = progress.standing ?? (await store.tenant(run.tenantId).runs.standing(run.id));
  if (!standing) throw coreErrors.LEASE_LOST({ key: run.id });
  const { customer, cancelRequestedAt } = standing;
  const service = customer.version === progress.customer?.version ? progress.service : undefined;
  const asWas = ahead ? { ...run, steps: withStep(run, ahead.before) } : run;
  const { whenCancelled } = operations[run.operation];
  if (next.move === 'run' && cancelRequestedAt !== null && whenCancelled === 'left') {
    return { run: await endRun(context, hold, { ...asWas, cancelRequestedAt }, 'cancelled') };
  }
  const turnBack = async (at: number | null): Promise<Progress> => {
    const back = await save(context, hold, run, turnedBack(asWas, clock.now()));
    return { run: { ...back, cancelRequestedAt: at } };
  };
  // Nothing more is set up for a customer who has left; what was done so far is undone, and what was not is not.
  if (next.move === 'run' && (cancelRequestedAt !== null || isPointless(run.operation, customer)))
    return turnBack(cancelRequestedAt);
  if (next.move === 'run') hold.cut.throwIfAborted();
  const step = ahead?.before ?? next.step;
  let current = run;
  let calledOffAt: number | null = null;
  // A step of taking down that was cancelled before it was begun never is: perhaps nothing would undo it.
  const mustBeAskedFor = (known: Pick<RunStanding, 'cancelRequestedAt'>): void => {
    calledOffAt = run.operation === 'deprovision' ? known.cancelRequestedAt : null;
    if (calledOffAt !== null) throw cancelled;
  };
  const status = next.move === 'run' ? 'running' : 'compensating';
  const begin = async (attempt: RunStep): Promise<RunStep> => {
    if (ahead) return ahead.begun;
    const written = await proceed(context, hold, current, { status, steps: withStep(current, attempt) });
    current = written.run;
    if (next.move === 'run') mustBeAskedFor(written.standing);
    return attempt;
  };
  const definition = definitionOf(context, template, run, step);
  if (!definition) {
    const result = refuseUndefined(context, run, step, next.move);
    return { customer, service, ...(await settle(context, hold, run, result, template)) };
  }
  const within: StepWork<ServiceStep>['within'] = async (effect) => {
    let done: RunStep | undefined;
    const saved = await store.transaction(async (trx) => {
      done = await effect(trx);
      const written = await save(context, hold, current, { status, steps: withStep(current, done) }, trx);
      const { runs } = store.tenant(run.tenantId);
      const latest = run.operation === 'deprovision' && next.move === 'run' ? await runs.get(run.id, trx) : undefined;
      if (latest) mustBeAskedFor(latest);
      return written;
    });
    current = saved;
    return done as RunStep;
  };
  const given = { run, step, definition, template, customer, begin, within };
  const known = { customer, service };
  if (next.move === 'compensate') {
    const result = await compensateStep(context, given, hold.signal);
    return { ...known, ...(await settle(context, hold, current, result, template)) };
  }
  try {
    if (step.key === hookKeys.inTransaction) {
      const end = await endWithHook(context, hold, given);
      return 'ended' in end ? { run: end.ended } : settle(context, hold, current, end.failed, template);
    }
    const result = await execute(context, given, hold.cut);
    return { ...known, ...(await settle(context, hold, current, result, template)) };
  } catch (error) {
    // Nothing came of the step: it is as it was before.
    if (error === cancelled && calledOffAt !== null) return turnBack(calledOffAt);
    throw error;
  }
}

/** How each kind of step is run. */
const executors: Record<
  StepKind,
  (context: LifecycleContext, work: StepWork<never>, signal: AbortSignal) => Promise<StepResult>
> = { run: runAction, runInTransaction: runTransaction, approval: runApproval, waitMs: runWait };

function execute(context: LifecycleContext, work: StepWork<ServiceStep>, signal: AbortSignal): Promise<StepResult> {
  return executors[kindOf(work.definition)](context, work as never, signal);
}
