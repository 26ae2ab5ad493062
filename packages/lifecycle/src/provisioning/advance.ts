import { describeError, holdLease, isOperationError, type Leases } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { parseRunKey } from '../store/store.js';
import type { TakenRun } from '../store/runs.js';
import { cancelled } from './cancel.js';
import type { Hold } from './checkpoint.js';
import { withHookSteps } from './hook-steps.js';
import { move, type Progress } from './move.js';
import type { Run } from './run.js';

/** Runs whose template is not registered here are looked at again after this. */
const unknownTemplateMs = 60_000;

/**
 * Takes a run as far as it goes now: until it is over, or a step has to wait for its next attempt, a decision or a
 * time. Holds the run's lease meanwhile and writes a checkpoint before and after each step, so it is safe to call
 * twice, on any instance, at any time.
 * @returns when to call again (epoch ms), or null when the run is over or is another's
 */
export async function advance(context: LifecycleContext, key: string, signal: AbortSignal): Promise<number | null> {
  const { store, clock, logger, cancellations, leaseMs } = context;
  const { tenantId, runId } = parseRunKey(key);
  const { runs } = store.tenant(tenantId);
  const cancellation = new AbortController();
  const onCancelled = (): void => cancellation.abort(cancelled);
  cancellations.on(key, onCancelled);
  let isOver = false;
  let taken: TakenRun | undefined;
  const { acquire, renew, release } = store.runLeases;
  const own: Leases = {
    async acquire(...asked) {
      const lease = await acquire(...asked, context.templates.hashes);
      taken = lease?.taken;
      return lease;
    },
    async renew(...held) {
      if (!(await renew(...held))) return false;
      if (await isToBeCut(context, tenantId, runId)) cancellation.abort(cancelled);
      return true;
    },
    // The checkpoint that ends a run gives its lease back.
    release: (...held) => (isOver ? Promise.resolve(true) : release(...held)),
  };
  try {
    const held = await holdLease(own, key, { ttlMs: leaseMs, clock, signal }, async (lease, fence) => {
      const cut = AbortSignal.any([lease, cancellation.signal]);
      const nextAt = await work(context, { tenantId, runId, fence, signal: lease, cut }, taken);
      isOver = nextAt === null;
      return nextAt;
    });
    if (!held.held) return whenNotTaken(context, await runs.get(runId));
    if (held.result === null) return null;
    // Who had news for the run until its lease was given back found it taken: it is for this one to see that it is due.
    return (await runs.get(runId))?.nextAt ?? null;
  } catch (error) {
    if (error === cancelled) return clock.now();
    if (isOperationError(error, 'LEASE_LOST')) {
      logger.warn({ tenantId, runId }, 'a provisioning run was taken over by another worker');
      return clock.now() + leaseMs;
    }
    if (signal.aborted) return null;
    throw error;
  } finally {
    cancellations.off(key, onCancelled);
  }
}

/**
 * Did somebody, perhaps in another process, ask for a run to be cancelled that goes on as if nobody had? When that cannot be
 * read, the next renewal of the lease looks again: the lease is not lost by it.
 */
async function isToBeCut({ store, logger }: LifecycleContext, tenantId: string, runId: string): Promise<boolean> {
  try {
    const run = await store.tenant(tenantId).runs.get(runId);
    return run?.direction === 'forward' && run.cancelRequestedAt !== null;
  } catch (error) {
    logger.warn({ tenantId, runId, ...describeError(error) }, 'whether a run was cancelled could not be read');
    return false;
  }
}

/** When to look again at a run that could not be taken (epoch ms); null when it is over. */
function whenNotTaken({ clock, logger, templates, leaseMs }: LifecycleContext, run: Run | undefined): number | null {
  if (!run || run.nextAt === null) return null;
  // Another has it: see whether that one lived.
  if (templates.of(run)) return clock.now() + leaseMs;
  const { tenantId, id: runId, serviceName, templateVersion } = run;
  // It is not taken, not even for a moment: another process may have the template, and would wait for the lease to end.
  logger.error({ tenantId, runId, serviceName, templateVersion }, 'a provisioning run waits for its template');
  return clock.now() + unknownTemplateMs;
}

/** Goes on with a run that was taken. Returns when it is due again (epoch ms); null: it is over. */
async function work(context: LifecycleContext, hold: Hold, taken: TakenRun | undefined): Promise<number | null> {
  const { store, clock, templates } = context;
  const { tenantId, runId } = hold;
  const found = taken?.run ?? (await store.tenant(tenantId).runs.get(runId));
  if (!found || found.nextAt === null) return null;
  const run = withHookSteps(context, found);
  const template = templates.of(run);
  if (!template) throw new Error(`The run ${runId} was taken without its template.`);
  const { cancelRequestedAt } = run;
  let progress: Progress = taken
    ? { ...taken, run, standing: { customer: taken.customer, cancelRequestedAt } }
    : { run };
  while (progress.run.nextAt !== null && progress.run.nextAt <= clock.now())
    progress = await move(context, hold, progress, template);
  return progress.run.nextAt;
}
