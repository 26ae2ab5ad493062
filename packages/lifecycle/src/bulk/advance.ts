import type { LifecycleContext } from '../context.js';
import { parseBulkKey } from '../store/store.js';
import { readAhead, type Ahead } from './ahead.js';
import { lineUp } from './line.js';
import { doOne } from './one.js';
import { isOpen, staleMs, type BulkOperation, type BulkStatus } from './operation.js';
import { advanceTo, overtaken } from './progress.js';

/** An operation goes on for so long, and then lets others have their turn. */
const turnMs = 5_000;
/** It stays away for so long when another has waited for it. */
const pauseMs = 1_000;

/**
 * Goes on with an operation for a turn, in batches, when there is one to be had. It moves on by compare-and-swap in the transaction that does the
 * work, so that no customer is given the command twice, whoever dies when; who was overtaken leaves it to the other.
 * @returns when to come again (epoch ms), or null when it is over, or told when it is its turn
 */
export async function advanceBulk(context: LifecycleContext, key: string, signal: AbortSignal): Promise<number | null> {
  const { clock, turns } = context;
  if (!turns.take(key)) return null;
  const turn = new AbortController();
  const cancel = clock.after(turnMs, () => turn.abort());
  let nextAt: number | null = null;
  let isAwaited = false;
  try {
    nextAt = await advanceUntil(context, key, AbortSignal.any([signal, turn.signal]));
  } finally {
    cancel();
    isAwaited = turns.leave();
  }
  if (signal.aborted) return null;
  return nextAt !== null && isAwaited ? Math.max(nextAt, clock.now() + pauseMs) : nextAt;
}

async function advanceUntil(context: LifecycleContext, key: string, signal: AbortSignal): Promise<number | null> {
  const { store, clock, standstills } = context;
  const target = parseBulkKey(key);
  if (!target) return null;
  const { bulk } = store.tenant(target.tenantId);
  const ahead = readAhead(context);
  try {
    while (!signal.aborted) {
      const operation = await bulk.get(target.operationId);
      if (!operation || !isOpen(operation)) {
        standstills.delete(target.operationId);
        return null;
      }
      await goOn(context, operation, ahead, signal);
    }
    return clock.now();
  } catch (error) {
    if (error !== overtaken) throw error;
    return clock.now() + staleMs;
  }
}

/** Some batches of an operation, as long as nothing comes between, or its beginning or end. */
async function goOn(
  context: LifecycleContext,
  operation: BulkOperation,
  ahead: Ahead,
  signal: AbortSignal,
): Promise<void> {
  const { store } = context;
  const { bulk } = store.tenant(operation.tenantId);
  const note = async (noted: BulkOperation, status: BulkStatus): Promise<void> => {
    await store.transaction((trx) => advanceTo(context, noted, { results: [], status }, trx));
  };
  const isCancelled = async (): Promise<boolean> => (await bulk.get(operation.id))?.cancelRequestedAt !== null;
  if (operation.cancelRequestedAt !== null) return note(operation, 'cancelled');
  if (operation.status === 'pending') return note({ ...operation, total: await bulk.count(operation) }, 'running');
  let line = lineUp(context, operation);
  try {
    do {
      const runs = await ahead.next({ ...operation, cursor: line.cursor });
      for (const run of runs) {
        if (signal.aborted) return;
        const written = 'write' in run ? await line.add(run) : await line.end();
        // They are looked at anew.
        if (written && 'stale' in written) return ahead.leaveAlone(written.stale);
        if ('write' in run || !written) continue;
        const done = await oneByOne(context, written, run.alone, signal);
        if (done.cursor !== run.alone.at(-1)) return;
        line = lineUp(context, done);
      }
      if (runs.length > 0) continue;
      const written = await line.end();
      return 'stale' in written ? ahead.leaveAlone(written.stale) : await note(written, 'completed');
    } while (!signal.aborted && !(await isCancelled()));
  } finally {
    await line.settled();
  }
}

/** Gives the command to customers by themselves, until it is to stop. Returns how far the operation is. */
async function oneByOne(
  context: LifecycleContext,
  operation: BulkOperation,
  customerIds: readonly string[],
  signal: AbortSignal,
): Promise<BulkOperation> {
  const { store } = context;
  const { id, tenantId, createdBy } = operation;
  let now = operation;
  for (const customerId of customerIds) {
    const stored = await store.tenant(tenantId).bulk.get(id);
    if (signal.aborted || stored?.cancelRequestedAt !== null) break;
    now = await doOne(context, { tenantId, actor: createdBy }, now, customerId);
  }
  await store.transaction((trx) => advanceTo(context, now, { results: [], status: now.status }, trx));
  return now;
}
