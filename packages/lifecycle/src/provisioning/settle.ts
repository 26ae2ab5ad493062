import type { LifecycleContext } from '../context.js';
import { isPointless } from '../services/operation.js';
import type { Checkpoint, RunStanding } from '../store/runs.js';
import { proceed, save, type Hold } from './checkpoint.js';
import { definitionOf } from './hook-steps.js';
import { nextMove, withStep } from './plan.js';
import type { Run, RunStep } from './run.js';
import { begun } from './steps/forward.js';
import type { StepResult } from './steps/result.js';
import { kindOf, type ServiceTemplate, type StepKind } from './template.js';

/** Does a checkpoint say that a step has begun, before it is? */
const isCounted: Record<StepKind, boolean> = { run: true, runInTransaction: true, approval: false, waitMs: false };

/** A run after a step, and what the checkpoint that says so has done besides. */
interface Settled {
  run: Run;
  /** It has begun the next step: as it was, and as it was written. */
  ahead?: { before: RunStep; begun: RunStep };
  standing?: RunStanding;
}

/**
 * Writes what came of a step. Where another follows at once, one checkpoint says that this one is done and that the next
 * has begun; where none does, the end of the run says it.
 */
export async function settle(
  context: LifecycleContext,
  hold: Hold,
  run: Run,
  result: StepResult,
  template: ServiceTemplate,
): Promise<Settled> {
  const { clock } = context;
  const { step, direction, retryInMs } = result;
  const steps = withStep(run, step);
  // What goes on at once stays due as it was.
  const nextAt = retryInMs === undefined ? run.nextAt : clock.now() + retryInMs;
  if (direction === 'backward') {
    const change = { status: 'compensating', steps, direction, nextAt } as const;
    if (result.heard !== undefined) return { run: await giveUp(context, hold, run, change, result) };
    return { run: await save(context, hold, run, change) };
  }
  if (step.status === 'waiting') {
    const change = { status: 'waiting', steps, direction, nextAt: step.waitUntil } as const;
    return { run: await pause(context, hold, run, change, result) };
  }
  const change = { status: 'running', steps, direction, nextAt } as const;
  if (retryInMs !== undefined) return { run: await pause(context, hold, run, change, result) };
  const done = { ...run, ...change };
  const next = nextMove(done);
  if (next.move === 'end') return { run: done };
  const isFresh = next.move === 'run' && next.step.status === 'pending' && !hold.cut.aborted;
  const definition = isFresh && definitionOf(context, template, run, next.step);
  if (!definition || !isCounted[kindOf(definition)]) return { run: await save(context, hold, run, change) };
  const ahead = { before: next.step, begun: begun(next.step, clock.now()) };
  return { ...(await proceed(context, hold, run, { ...change, steps: withStep(done, ahead.begun) })), ahead };
}

/**
 * Writes that a run has nothing to do until a time, unless there is news for it: who cancelled it, left or spoke to its
 * step before the row was locked here made it due, and that is overwritten.
 */
async function pause(
  context: LifecycleContext,
  hold: Hold,
  run: Run,
  change: Partial<Checkpoint>,
  { step, heard = 0 }: StepResult,
): Promise<Run> {
  const { store, clock } = context;
  const { runs, signals } = store.tenant(run.tenantId);
  return store.transaction(async (trx) => {
    const paused = await save(context, hold, run, change, trx);
    const standing = await runs.standing(run.id, trx);
    const isOff = !standing || standing.cancelRequestedAt !== null || isPointless(run.operation, standing.customer);
    const said = step.status === 'waiting' ? await signals.list(run.id, step.key, trx) : [];
    if (!isOff && said.length <= heard) return paused;
    return save(context, hold, paused, { nextAt: clock.now() }, trx);
  });
}

/**
 * Writes that a step failed for nobody spoke to it in time, unless somebody did: who was told so before the row was locked
 * here may have spoken in the last moment, and the step, as it was, is looked at again.
 */
async function giveUp(
  context: LifecycleContext,
  hold: Hold,
  run: Run,
  change: Partial<Checkpoint>,
  { step, heard = 0 }: StepResult,
): Promise<Run> {
  const { store, clock } = context;
  const { signals } = store.tenant(run.tenantId);
  return store.transaction(async (trx) => {
    const givenUp = await save(context, hold, run, change, trx);
    const said = await signals.list(run.id, step.key, trx);
    if (said.length <= heard) return givenUp;
    return save(context, hold, run, { nextAt: clock.now() }, trx);
  });
}
