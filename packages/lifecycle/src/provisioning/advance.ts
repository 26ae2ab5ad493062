import { coreErrors, holdLease, isOperationError, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { happened, recordChange, type PendingEvent } from '../customers/record.js';
import { parseRunKey, type Checkpoint } from '../store/store.js';
import type { ServiceTemplate } from './definition.js';
import { nextMove } from './plan.js';
import type { Run, RunStep } from './run.js';
import { compensateStep, runStep, type StepResult } from './steps.js';

/** How runs are worked on. */
interface ExecutionOptions {
  /** How long a worker that died keeps its run from others. */
  leaseMs: number;
}

/** Runs whose template is not registered here are looked at again after this. */
const unknownTemplateMs = 60_000;

/**
 * Takes a run as far as it goes now: until it is over, or a step has to wait for its next attempt. Holds the run's
 * lease meanwhile and writes a checkpoint before and after each step, so it is safe to call twice, on any instance, at
 * any time.
 * @returns when to call again (epoch ms), or null when the run is over or is another's
 */
export async function advance(
  context: LifecycleContext,
  { leaseMs }: ExecutionOptions,
  key: string,
  signal: AbortSignal,
): Promise<number | null> {
  const { store, clock, logger } = context;
  const { tenantId, runId } = parseRunKey(key);
  try {
    const held = await holdLease(store.runLeases, key, { ttlMs: leaseMs, clock, signal }, (lease, fence) =>
      work(context, { tenantId, runId, fence, signal: lease }),
    );
    // Another has it: see whether that one lived, unless the run is over (then there is nothing to lease).
    if (!held.held) return (await isOpen(context, tenantId, runId)) ? clock.now() + leaseMs : null;
    return held.result;
  } catch (error) {
    if (isOperationError(error, 'LEASE_LOST')) {
      logger.warn({ tenantId, runId }, 'a provisioning run was taken over by another worker');
      return clock.now() + leaseMs;
    }
    if (signal.aborted) return null;
    throw error;
  }
}

async function isOpen({ store }: LifecycleContext, tenantId: string, runId: string): Promise<boolean> {
  const run = await store.tenant(tenantId).runs.get(runId);
  return run !== undefined && run.nextAt !== null;
}

/** A run in the hands of the worker that holds its lease. */
interface Hold {
  tenantId: string;
  runId: string;
  fence: number;
  signal: AbortSignal;
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
  hold.signal.throwIfAborted();
  const next = nextMove(run);
  if (next.move === 'end') return end(context, hold, run, next.status);
  if (next.move === 'run' && (await isGone(context, run)))
    return save(context, hold, run, { direction: 'backward', nextAt: context.clock.now() });
  const definition = template.steps.find(({ key }) => key === next.step.key);
  const call = next.move === 'run' ? runStep : compensateStep;
  let current = run;
  const begin = async (step: RunStep): Promise<void> => {
    current = await save(context, hold, current, { status: 'provisioning', steps: withStep(current, step) });
  };
  // The hash of the template says that its steps are those of the run.
  const work = { run, step: next.step, definition: definition as NonNullable<typeof definition>, template, begin };
  const { step, direction, retryInMs = 0 }: StepResult = await call(context, work, hold.signal);
  return save(context, hold, current, {
    status: 'provisioning',
    steps: withStep(current, step),
    direction,
    nextAt: context.clock.now() + retryInMs,
  });
}

/** Nothing more is set up for a customer who has left; what was done so far is undone. */
async function isGone({ store }: LifecycleContext, { tenantId, customerId }: Run): Promise<boolean> {
  const customer = await store.tenant(tenantId).customers.get(customerId);
  return customer?.stage === 'inactive' || customer?.stage === 'deleted';
}

function withStep({ steps }: Run, step: RunStep): RunStep[] {
  return steps.map((each) => (each.key === step.key ? step : each));
}

/** Writes how far the run is. @throws LEASE_LOST when another worker took it over: then nothing was written */
async function save(
  context: LifecycleContext,
  { tenantId, runId, fence }: Hold,
  run: Run,
  change: Partial<Checkpoint>,
  trx?: StoreTransaction,
): Promise<Run> {
  const saved = { ...run, ...change, updatedAt: Math.max(context.clock.now(), run.updatedAt) };
  if (!(await context.store.tenant(tenantId).runs.checkpoint(runId, fence, saved, trx)))
    throw coreErrors.LEASE_LOST({ key: runId });
  return saved;
}

/** Ends the run, with its event in the customer's history, in one transaction. */
function end(context: LifecycleContext, hold: Hold, run: Run, status: 'active' | 'failed' | 'stuck'): Promise<Run> {
  const { store, clock } = context;
  const { tenantId, customerId } = run;
  return store.transaction(async (trx) => {
    const provisionedAt = status === 'active' ? clock.now() : null;
    const ended = await save(context, hold, run, { status, nextAt: null, provisionedAt }, trx);
    const customer = await store.tenant(tenantId).customers.lock(customerId, trx);
    if (customer) {
      const at = Math.max(clock.now(), customer.updatedAt);
      const event = happened({ tenantId, actor: run.requestedBy }, customerId, at, outcomeOf(run, status));
      const after = { ...customer, version: customer.version + 1, updatedAt: at };
      await recordChange(context, customer, after, [event], trx);
    }
    return ended;
  });
}

function outcomeOf({ id: requestId, serviceName, steps }: Run, status: 'active' | 'failed' | 'stuck'): PendingEvent {
  const service = { requestId, serviceName };
  if (status === 'active') return { name: 'service.provisioned', data: service };
  const broken =
    steps.find((step) => step.status === 'compensation_failed') ?? steps.find(({ error }) => error !== null);
  const data = { ...service, step: broken?.key ?? '', error: broken?.error ?? '' };
  return { name: `service.${status}`, data };
}
