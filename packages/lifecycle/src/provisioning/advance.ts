import { coreErrors, holdLease, isOperationError, type Leases } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { operations } from '../services/operation.js';
import type { ServiceInstance } from '../services/instance.js';
import { parseRunKey } from '../store/store.js';
import type { RunStanding, TakenRun } from '../store/runs.js';
import { proceed, save, type Hold } from './checkpoint.js';
import type { ServiceStep } from './definition.js';
import { endRun } from './end.js';
import { hookStep, withHookSteps } from './hook-steps.js';
import { nextMove } from './plan.js';
import { hookKeys, isHookStep, type Run, type RunStep } from './run.js';
import { runAction } from './steps/action.js';
import { runApproval } from './steps/approval.js';
import { compensateStep } from './steps/compensate.js';
import { endWithHook } from './steps/end-hook.js';
import { begun } from './steps/forward.js';
import type { StepResult, StepWork } from './steps/result.js';
import { runTransaction } from './steps/transaction.js';
import { runWait } from './steps/wait.js';
import { kindOf, type ServiceTemplate, type StepKind } from './template.js';

/** How runs are worked on. */
interface ExecutionOptions {
  /** How long a worker that died keeps its run from others. */
  leaseMs: number;
}

/** Runs whose template is not registered here are looked at again after this. */
const unknownTemplateMs = 60_000;

/** Why a step is cut short when somebody asked for the run to be cancelled. */
const cancelled = new Error('the run was cancelled');

/**
 * Takes a run as far as it goes now: until it is over, or a step has to wait for its next attempt, a decision or a
 * time. Holds the run's lease meanwhile and writes a checkpoint before and after each step, so it is safe to call
 * twice, on any instance, at any time.
 * @returns when to call again (epoch ms), or null when the run is over or is another's
 */
export async function advance(
  context: LifecycleContext,
  { leaseMs }: ExecutionOptions,
  key: string,
  signal: AbortSignal,
): Promise<number | null> {
  const { store, clock, logger, cancellations } = context;
  const { tenantId, runId } = parseRunKey(key);
  const cancellation = new AbortController();
  cancellations.set(key, () => cancellation.abort(cancelled));
  let isOver = false;
  let taken: TakenRun | undefined;
  const { acquire, renew, release } = store.runLeases;
  const own: Leases = {
    async acquire(...asked) {
      const lease = await acquire(...asked);
      taken = lease?.taken;
      return lease;
    },
    renew,
    // The checkpoint that ends a run gives its lease back.
    release: (...held) => (isOver ? Promise.resolve(true) : release(...held)),
  };
  try {
    const held = await holdLease(own, key, { ttlMs: leaseMs, clock, signal }, async (lease, fence) => {
      const hold = { tenantId, runId, fence, signal: AbortSignal.any([lease, cancellation.signal]) };
      const nextAt = await work(context, hold, taken);
      isOver = nextAt === null;
      return nextAt;
    });
    // Another has it: see whether that one lived, unless the run is over (then there is nothing to lease).
    if (!held.held) return (await isOpen(context, tenantId, runId)) ? clock.now() + leaseMs : null;
    return held.result;
  } catch (error) {
    if (error === cancelled) return clock.now();
    if (isOperationError(error, 'LEASE_LOST')) {
      logger.warn({ tenantId, runId }, 'a provisioning run was taken over by another worker');
      return clock.now() + leaseMs;
    }
    if (signal.aborted) return null;
    throw error;
  } finally {
    cancellations.delete(key);
  }
}

async function isOpen({ store }: LifecycleContext, tenantId: string, runId: string): Promise<boolean> {
  const run = await store.tenant(tenantId).runs.get(runId);
  return run !== undefined && run.nextAt !== null;
}

async function work(context: LifecycleContext, hold: Hold, taken: TakenRun | undefined): Promise<number | null> {
  const { store, clock, logger, templates } = context;
  const { tenantId, runId } = hold;
  const found = taken?.run ?? (await store.tenant(tenantId).runs.get(runId));
  if (!found || found.nextAt === null) return null;
  const run = withHookSteps(context, found);
  const template = templates.of(run);
  if (!template) {
    const { serviceName, templateVersion } = run;
    logger.error({ tenantId, runId, serviceName, templateVersion }, 'a provisioning run waits for its template');
    // Kept to this process: another one may have the template.
    return clock.now() + unknownTemplateMs;
  }
  const { cancelRequestedAt } = run;
  let progress: Progress = taken
    ? { ...taken, run, standing: { customer: taken.customer, cancelRequestedAt } }
    : { run };
  while (progress.run.nextAt !== null && progress.run.nextAt <= clock.now())
    progress = await move(context, hold, progress, template);
  return progress.run.nextAt;
}

/** A run between two moves. */
interface Progress {
  run: Run;
  /** The next step, when the checkpoint after the one before has begun it too: as it was, and as it was written. */
  ahead?: { before: RunStep; begun: RunStep } | undefined;
  /** What has to be known for the next move, if it was read with the last checkpoint. */
  standing?: RunStanding | undefined;
  /** As they were read last. The service is changed with its customer alone. */
  customer?: Customer | undefined;
  service?: ServiceInstance | undefined;
}

/** One move, with its checkpoints. */
async function move(
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
  if (next.move === 'run' && operations[run.operation].undoes) {
    // Nothing more is set up for a customer who has left; what was done so far is undone, and what was not is not.
    if (cancelRequestedAt !== null || isGone(customer)) {
      const steps = ahead ? withStep(run, ahead.before) : run.steps;
      const back = { status: 'compensating', direction: 'backward', steps, nextAt: clock.now() } as const;
      return { run: { ...(await save(context, hold, run, back)), cancelRequestedAt } };
    }
  }
  if (next.move === 'run') hold.signal.throwIfAborted();
  const step = ahead?.before ?? next.step;
  if (next.move === 'run' && step.key === hookKeys.inTransaction) {
    const end = await endWithHook(context, hold, run, step);
    return 'ended' in end ? { run: end.ended } : settle(context, hold, run, end.failed, template);
  }
  const definition = definitionOf(context, template, run, step);
  let current = run;
  const status = next.move === 'run' ? 'running' : 'compensating';
  const begin = async (attempt: RunStep): Promise<RunStep> => {
    if (ahead) return ahead.begun;
    current = (await proceed(context, hold, current, { status, steps: withStep(current, attempt) })).run;
    return attempt;
  };
  const within: StepWork<ServiceStep>['within'] = async (effect) => {
    let done: RunStep | undefined;
    const saved = await store.transaction(async (trx) => {
      done = await effect(trx);
      return save(context, hold, current, { status, steps: withStep(current, done) }, trx);
    });
    current = saved;
    return done as RunStep;
  };
  const given = { run, step, definition, template, customer, begin, within };
  const result =
    next.move === 'run'
      ? await execute(context, given, hold.signal)
      : await compensateStep(context, given, hold.signal);
  return { customer, service, ...(await settle(context, hold, current, result, template)) };
}

/** The hash of the template says that its steps are those of the run. */
function definitionOf(context: LifecycleContext, template: ServiceTemplate, run: Run, step: RunStep): ServiceStep {
  if (isHookStep(step)) return hookStep(context, run, step.key);
  const { key } = step;
  return template.stepsOf(run.operation)?.find((each) => each.key === key) as ServiceStep;
}

function isGone({ stage }: Customer): boolean {
  return stage === 'inactive' || stage === 'deleted';
}

/** How each kind of step is run. */
const executors: Record<
  StepKind,
  (context: LifecycleContext, work: StepWork<never>, signal: AbortSignal) => Promise<StepResult>
> = { run: runAction, runInTransaction: runTransaction, approval: runApproval, waitMs: runWait };

function execute(context: LifecycleContext, work: StepWork<ServiceStep>, signal: AbortSignal): Promise<StepResult> {
  return executors[kindOf(work.definition)](context, work as never, signal);
}

/**
 * Writes what came of a step. Where another follows at once, one checkpoint says that this one is done and that the next
 * has begun; where none does, the end of the run says it.
 */
async function settle(
  context: LifecycleContext,
  hold: Hold,
  run: Run,
  result: StepResult,
  template: ServiceTemplate,
): Promise<Progress> {
  const { clock } = context;
  const { step, direction, retryInMs } = result;
  const steps = withStep(run, step);
  // What goes on at once stays due as it was.
  const nextAt = retryInMs === undefined ? run.nextAt : clock.now() + retryInMs;
  if (direction === 'backward')
    return { run: await save(context, hold, run, { status: 'compensating', steps, direction, nextAt }) };
  if (step.status === 'waiting') return { run: await wait(context, hold, run, step) };
  const change = { status: 'running', steps, direction, nextAt } as const;
  const done = { ...run, ...change };
  const next = nextMove(done);
  if (next.move === 'end') return { run: done };
  const isFresh = next.move === 'run' && next.step.status === 'pending' && !hold.signal.aborted;
  if (!isFresh || kindOf(definitionOf(context, template, run, next.step)) !== 'run')
    return { run: await save(context, hold, run, change) };
  const ahead = { before: next.step, begun: begun(next.step, clock.now()) };
  return { ...(await proceed(context, hold, run, { ...change, steps: withStep(done, ahead.begun) })), ahead };
}

/** Writes that a step waits, unless it was spoken to already. */
async function wait(context: LifecycleContext, hold: Hold, run: Run, step: RunStep): Promise<Run> {
  const { store, clock } = context;
  const steps = withStep(run, step);
  const heard = run.steps.find(({ key }) => key === step.key)?.status === 'waiting';
  return store.transaction(async (trx) => {
    const waiting = await save(
      context,
      hold,
      run,
      { status: 'waiting', steps, direction: 'forward', nextAt: step.waitUntil },
      trx,
    );
    // What was said before this row was locked did not find a run that waits: look, so that it is not waited for.
    const { signals } = store.tenant(run.tenantId);
    const said = heard ? [] : await signals.list(run.id, step.key, trx);
    return said.length === 0 ? waiting : save(context, hold, waiting, { nextAt: clock.now() }, trx);
  });
}

function withStep({ steps }: Run, step: RunStep): RunStep[] {
  return steps.map((each) => (each.key === step.key ? step : each));
}
