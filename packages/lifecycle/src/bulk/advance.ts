import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { parseBulkKey } from '../store/store.js';
import { readAhead, type Ahead } from './ahead.js';
import { writeBatch } from './batch.js';
import { doOne } from './one.js';
import { isOpen, staleMs, type BulkOperation, type BulkStatus } from './operation.js';
import { advanceTo, overtaken } from './progress.js';

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
  const ahead = readAhead(context);
  try {
    while (!signal.aborted) {
      const operation = await bulk.get(target.operationId);
      if (!operation || !isOpen(operation)) return null;
      await goOn(context, operation, ahead, signal);
    }
    return null;
  } catch (error) {
    if (error !== overtaken) throw error;
    return clock.now() + staleMs;
  }
}

/** One batch of an operation, or its beginning or end. */
async function goOn(
  context: LifecycleContext,
  operation: BulkOperation,
  ahead: Ahead,
  signal: AbortSignal,
): Promise<void> {
  const { store } = context;
  const { tenantId, createdBy } = operation;
  const { bulk } = store.tenant(tenantId);
  const note = async (noted: BulkOperation, status: BulkStatus): Promise<void> => {
    await store.transaction((trx) => advanceTo(context, noted, { results: [], status }, trx));
  };
  if (operation.cancelRequestedAt !== null) return note(operation, 'cancelled');
  if (operation.status === 'pending') return note({ ...operation, total: await bulk.count(operation) }, 'running');
  const runs = await ahead.next(operation);
  if (runs.length === 0) return note(operation, 'completed');
  const identity: ScopeIdentity = { tenantId, actor: createdBy };
  let now = operation;
  for (const run of runs) {
    if (signal.aborted) return;
    if ('write' in run) {
      const written = await writeBatch(context, now, run);
      // They are looked at anew.
      if ('stale' in written) return ahead.leaveAlone(written.stale);
      now = written;
      continue;
    }
    for (const id of run.alone) {
      if (signal.aborted || (await bulk.get(operation.id))?.cancelRequestedAt !== null) break;
      now = await doOne(context, identity, now, id);
    }
    await note(now, now.status);
    if (now.cursor !== run.alone.at(-1)) return;
  }
}
