import { coreErrors, holdLease, isOperationError } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { operations } from '../services/operation.js';
import { parseRunKey } from '../store/store.js';
import { save, type Hold } from './checkpoint.js';
import type { ServiceStep } from './definition.js';
import { endRun } from './end.js';
import { nextMove } from './plan.js';
import type { Run, RunStep } from './run.js';
import { runAction } from './steps/action.js';
import { runApproval } from './steps/approval.js';
import { compensateStep } from './steps/compensate.js';
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
  try {
    const held = await holdLease(store.runLeases, key, { ttlMs: leaseMs, clock, signal }, (lease, fence) =>
      work(context, { tenantId, runId, fence, signal: AbortSignal.any([lease, cancellation.signal]) }),
    );
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

async function work(context: LifecycleContext, hold: Hold): Promise<number | null> {
  const { store, clock, logger, templates } = context;
  const { tenantId, runId } = hold;
  let run = await store.tenant(tenantId).runs.get(runId);
  if (!run || run.nextAt === null) return null;
  const template = templates.of(run);
  if (!template) {
    const { serviceName, templateVersion } = run;
    logger.error({ tenantId, runId, serviceName, templateVersion }, 'a provisioning run waits for its template');
    // Kept to this process: another one may have the template.
    return clock.now() + unknownTemplateMs;
  }
  while (run.nextAt !== null && run.nextAt <= clock.now()) run = await move(context, hold, run, template);
  return run.nextAt;
}

/** One move, with its checkpoints. */
async function move(context: LifecycleContext, hold: Hold, run: Run, template: ServiceTemplate): Promise<Run> {
  const { store, clock } = context;
  const { customers, runs } = store.tenant(run.tenantId);
  const next = nextMove(run);
  if (next.move === 'end') return endRun(context, hold, run, next.status);
  const customer = await customers.get(run.customerId);
  if (!customer) throw coreErrors.LEASE_LOST({ key: run.id });
  if (next.move === 'run' && operations[run.operation].undoes) {
    const cancelRequestedAt = await runs.cancelRequestedAt(run.id);
    // Nothing more is set up for a customer who has left; what was done so far is undone.
    if (cancelRequestedAt !== null || isGone(customer))
      return {
        ...(await save(context, hold, run, { status: 'compensating', direction: 'backward', nextAt: clock.now() })),
        cancelRequestedAt,
      };
  }
  if (next.move === 'run') hold.signal.throwIfAborted();
  const definition = template.stepsOf(run.operation)?.find(({ key }) => key === next.step.key);
  let current = run;
  const status = next.move === 'run' ? 'running' : 'compensating';
  const begin = async (step: RunStep): Promise<void> => {
    current = await save(context, hold, current, { status, steps: withStep(current, step) });
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
  if (run.status === 'pending' && run.operation === 'provision')
    await store.tenant(run.tenantId).services.markProvisioning(run.serviceId, clock.now());
  // The hash of the template says that its steps are those of the run.
  const given = { run, step: next.step, definition: definition as ServiceStep, template, customer, begin, within };
  const result =
    next.move === 'run'
      ? await execute(context, given, hold.signal)
      : await compensateStep(context, given, hold.signal);
  return settle(context, hold, current, result);
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

/** Writes what came of a step. */
async function settle(context: LifecycleContext, hold: Hold, run: Run, result: StepResult): Promise<Run> {
  const { store, clock } = context;
  const { step, direction, retryInMs = 0 } = result;
  const steps = withStep(run, step);
  if (direction === 'backward')
    return save(context, hold, run, { status: 'compensating', steps, direction, nextAt: clock.now() + retryInMs });
  if (step.status !== 'waiting')
    return save(context, hold, run, { status: 'running', steps, direction, nextAt: clock.now() + retryInMs });
  const heard = run.steps.find(({ key }) => key === step.key)?.status === 'waiting';
  return store.transaction(async (trx) => {
    const waiting = await save(
      context,
      hold,
      run,
      { status: 'waiting', steps, direction, nextAt: step.waitUntil },
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
