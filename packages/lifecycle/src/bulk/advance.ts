import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { parseBulkKey } from '../store/store.js';
import { doBatch } from './batch.js';
import { doOne } from './one.js';
import { isOpen, staleMs, type BulkOperation, type BulkStatus } from './operation.js';
import { plannable } from './plan.js';
import { advanceTo, overtaken } from './progress.js';

/** Customers that go into one transaction. */
const batchSize = 1_000;

/**
 * Goes on with an operation until it is over, in batches. It moves on by compare-and-swap in the transaction that does the
 * work, so that no customer is given the command twice, whoever dies when; who was overtaken leaves it to the other.
 * @returns when to come again (epoch ms), or null when it is over
 */
export async function advanceBulk(context: LifecycleContext, key: string, signal: AbortSignal): Promise<number | null> {
  const { store, clock } = context;
  const target = parseBulkKey(key);
  if (!target) return null;
  const { bulk } = store.tenant(target.tenantId);
  try {
    while (!signal.aborted) {
      const operation = await bulk.get(target.operationId);
      if (!operation || !isOpen(operation)) return null;
      await goOn(context, operation, signal);
    }
    return null;
  } catch (error) {
    if (error !== overtaken) throw error;
    return clock.now() + staleMs;
  }
}

/** One batch of an operation, or its beginning or end. */
async function goOn(context: LifecycleContext, operation: BulkOperation, signal: AbortSignal): Promise<void> {
  const { store } = context;
  const { tenantId, createdBy, command, input, dryRun } = operation;
  const { bulk } = store.tenant(tenantId);
  const note = async (noted: BulkOperation, status: BulkStatus): Promise<void> => {
    await store.transaction((trx) => advanceTo(context, noted, { results: [], status }, trx));
  };
  if (operation.cancelRequestedAt !== null) return note(operation, 'cancelled');
  if (operation.status === 'pending') return note({ ...operation, total: await bulk.count(operation) }, 'running');
  const ids = await bulk.match(operation, batchSize);
  if (ids.length === 0) return note(operation, 'completed');
  const identity: ScopeIdentity = { tenantId, actor: createdBy };
  const step = plannable(context, identity, command, input);
  const served = step && !dryRun ? await bulk.served(ids) : new Set<string>();
  let now = operation;
  for (const { isFast, run } of runsOf(ids, (id) => step !== undefined && !served.has(id))) {
    if (signal.aborted) return;
    if (isFast && step) {
      now = await doBatch(context, identity, now, step, run);
      // Some got a service meanwhile: look again.
      if (now.cursor !== run.at(-1)) return;
      continue;
    }
    for (const id of run) {
      if (signal.aborted || (await bulk.get(operation.id))?.cancelRequestedAt !== null) break;
      now = await doOne(context, identity, now, id);
    }
    await note(now, now.status);
    if (now.cursor !== run.at(-1)) return;
  }
}

/** Neighbours that are done in the same way. */
function runsOf(ids: readonly string[], isFast: (id: string) => boolean): { isFast: boolean; run: string[] }[] {
  const runs: { isFast: boolean; run: string[] }[] = [];
  for (const id of ids) {
    const fast = isFast(id);
    const last = runs.at(-1);
    if (last?.isFast === fast) last.run.push(id);
    else runs.push({ isFast: fast, run: [id] });
  }
  return runs;
}
