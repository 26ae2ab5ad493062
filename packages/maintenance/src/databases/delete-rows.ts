import type { Clock } from '@dotmac/core';
import { isRetryable } from '@dotmac/core/kysely';
import type { DeletedBatch, KeyPosition, MaintainedDatabase, RowSelection, TableFacts } from './database.js';

/** How batches are cut and spaced. */
export interface BatchPace {
  /** Rows of the first batch. */
  firstRows: number;
  leastRows: number;
  mostRows: number;
  /** Batches grow while they are faster than `fastMs`, and shrink when slower than `slowMs`. */
  fastMs: number;
  slowMs: number;
  /** Between batches, as a share of the last one's time: leaves the database to others for that long. */
  restShare: number;
  leastRestMs: number;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  /** Tries of one batch, when deadlocks or lock timeouts end it. */
  attempts: number;
}

/** Adapts by time: row costs differ ten-thousandfold between a cached table and TOASTed rows on cold disks. */
const defaultPace: BatchPace = {
  firstRows: 500,
  leastRows: 10,
  mostRows: 10_000,
  fastMs: 100,
  slowMs: 250,
  restShare: 0.1,
  leastRestMs: 2,
  statementTimeoutMs: 10_000,
  lockTimeoutMs: 500,
  attempts: 5,
};

/** The next batch's rows, after one of `rows` that took `tookMs`. */
function nextRows(rows: number, tookMs: number, { fastMs, slowMs, leastRows, mostRows }: BatchPace): number {
  const wanted = tookMs < fastMs ? rows * 2 : tookMs > slowMs ? rows / 2 : rows;
  return Math.min(mostRows, Math.max(leastRows, Math.round(wanted)));
}

/** What {@link deleteRows} needs. */
export interface DeleteRowsOptions {
  clock: Clock;
  /** Looked at between batches. */
  signal: AbortSignal;
  pace?: BatchPace;
  /** Told after each batch. */
  onBatch?: (deleted: number) => void;
}

/**
 * Deletes the rows of a selection in small transactions along the primary key, resting in between.
 * @returns how many rows went; exact. Aborting leaves whole batches done.
 */
export async function deleteRows(
  database: MaintainedDatabase,
  selection: RowSelection,
  facts: TableFacts,
  { clock, signal, pace = defaultPace, onBatch = () => {} }: DeleteRowsOptions,
): Promise<{ deleted: number; batches: number }> {
  let position: KeyPosition | null = null;
  let rows = pace.firstRows;
  let deleted = 0;
  for (let batches = 1; ; batches++) {
    signal.throwIfAborted();
    const startedAt = clock.monotonic();
    const batch: DeletedBatch = await tryBatch(database, selection, facts, position, rows, { clock, signal, pace });
    const tookMs = clock.monotonic() - startedAt;
    deleted += batch.deleted;
    onBatch(batch.deleted);
    // A key that stands still would go round for ever.
    if (batch.position === null || String(batch.position) === String(position)) return { deleted, batches };
    position = batch.position;
    rows = nextRows(rows, tookMs, pace);
    await clock.sleep(Math.max(pace.leastRestMs, tookMs * pace.restShare), signal);
  }
}

async function tryBatch(
  database: MaintainedDatabase,
  selection: RowSelection,
  facts: TableFacts,
  position: KeyPosition | null,
  rows: number,
  { clock, signal, pace }: { clock: Clock; signal: AbortSignal; pace: BatchPace },
): Promise<DeletedBatch> {
  for (let attempt = 1; ; attempt++) {
    try {
      // Each try is smaller: fewer rows meet fewer locks.
      const limits = { ...pace, rows: Math.max(pace.leastRows, Math.round(rows / attempt)) };
      return await database.deleteBatch(selection, facts, position, limits);
    } catch (error) {
      if (!isRetryable(error) || attempt >= pace.attempts) throw error;
      await clock.sleep(50 * 2 ** attempt, signal);
    }
  }
}
