import { coreErrors, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Checkpoint, RunStanding } from '../store/runs.js';
import { runTopic } from './follow.js';
import type { Run } from './run.js';

/** A run in the hands of the worker that holds its lease. */
export interface Hold {
  tenantId: string;
  runId: string;
  fence: number;
  /** Aborts when the lease is lost or the process stops. */
  signal: AbortSignal;
  /** Aborts also when the run is cancelled: what goes forward is cut short by that, what is undone never is. */
  cut: AbortSignal;
}

/** Writes how far a run is. @throws LEASE_LOST when another worker took it over: then nothing was written */
export async function save(
  context: LifecycleContext,
  { tenantId, runId, fence }: Hold,
  run: Run,
  change: Partial<Checkpoint>,
  trx?: StoreTransaction,
): Promise<Run> {
  const { saved, written } = next(context, run, change);
  if (!(await context.store.tenant(tenantId).runs.checkpoint(runId, fence, written, trx)))
    throw coreErrors.LEASE_LOST({ key: runId });
  const tell = (): void => context.streams.tell(runTopic(tenantId, runId), 'news');
  if (trx === undefined) tell();
  else context.store.afterCommit(trx, tell);
  return saved;
}

/** The same for a run that goes on, with what has to be known then. @throws LEASE_LOST */
export async function proceed(
  context: LifecycleContext,
  { tenantId, runId, fence }: Hold,
  run: Run,
  change: Partial<Checkpoint>,
): Promise<{ run: Run; standing: RunStanding }> {
  const { saved, written } = next(context, run, change);
  const standing = await context.store.tenant(tenantId).runs.proceed(runId, fence, written);
  if (!standing) throw coreErrors.LEASE_LOST({ key: runId });
  context.streams.tell(runTopic(tenantId, runId), 'news');
  return { run: saved, standing };
}

function next({ clock }: LifecycleContext, run: Run, change: Partial<Checkpoint>) {
  const saved = { ...run, ...change, updatedAt: Math.max(clock.now(), run.updatedAt) };
  // The first checkpoint: from now on the service is being set up.
  const begunService = run.status === 'pending' && run.operation === 'provision' ? run.serviceId : undefined;
  return { saved, written: { ...saved, begunService } };
}
