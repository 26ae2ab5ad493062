import type { Transaction } from 'kysely';
import { isOperationError, type Clock } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import type { ArchiveFile } from './archive-file.js';
import { maintenanceErrors } from '../../errors.js';
import { atMost, removeWithAlong } from './along.js';
import { archiveBatch } from './archive-batch.js';
import { atPace, besideOthers, type Company } from './beside-others.js';
import { cut, overGap, beginning, type Place, type Work } from './cut.js';
import type { BatchPace, Removal } from './dialect.js';
import { tableLabel } from './due.js';
import { worthRetrying } from './retry.js';

/** What {@link deleteRows} needs, besides what is to be deleted. */
export interface DeleteRowsOptions {
  database: Database;
  clock: Clock;
  /** Looked at between batches: ends the work there, or throws when another has taken it over. */
  signal: AbortSignal;
  /** Where an earlier run left off. Default the beginning. */
  from?: Place | undefined;
  /** Ends once so many have gone: a walk need not go on to the end when all that was counted is gone. Default: it does. */
  expected?: number | undefined;
  /** Where rows go. Default nowhere. */
  archive?: Removal['archive'] | ArchiveFile;
  /** Default: the dialect's, considerate of whoever else writes. */
  pace?: BatchPace | undefined;
  /** Told what people should know of the archive. */
  note?: (message: string) => void;
  /** Asked in every batch's transaction, last before the commit; what it throws rolls back. */
  confirm(trx: Transaction<unknown>): Promise<void>;
  /** How many more rows may go. */
  remaining(): number;
  /** Told after each batch; false ends the work there. */
  onBatch(batch: { deleted: number; rowsAlong: number; place: Place }): Promise<boolean>;
}

const attempts = 6;

/** What {@link deleteRows} came to. */
export interface Deleted {
  deleted: number;
  /** Of other tables, with these. */
  rowsAlong: number;
  batches: number;
  retries: number;
  tookMs: number;
  drained: boolean;
}

/**
 * Deletes rows in small transactions along their walk, resting in between: smaller ones, and longer rests, while others
 * write. Deadlocks and timeouts are retried with fewer rows.
 * @returns how many went (exact), how long that took with its rests but without what `onBatch` waited for, and whether
 * none are left
 * @throws TABLE_CONTENDED when every try at a batch failed so
 */
export function deleteRows(work: Work, options: DeleteRowsOptions): Promise<Deleted> {
  const { dialect } = work;
  const batches = (): Promise<Deleted> => inBatches(work, options);
  return dialect.forBatches ? dialect.forBatches(options.database.kysely, work.selection, batches) : batches();
}

async function inBatches(work: Work, options: DeleteRowsOptions): Promise<Deleted> {
  const { clock, signal, database, expected = Infinity } = options;
  const company = options.pace
    ? atPace(options.pace, clock)
    : besideOthers(work.dialect, database.kysely, clock, work.selection);
  let place = options.from ?? beginning;
  let rows = Math.min(company.pace.firstRows, company.pace.mostRows);
  const sum = { deleted: 0, rowsAlong: 0, batches: 0, retries: 0, tookMs: 0 };
  while (place.end !== true) {
    const most = Math.min(rows, options.remaining());
    if (most < 1 || isToEnd(signal)) return { ...sum, drained: false };
    signal.throwIfAborted();
    const { pace } = company;
    const startedAt = clock.monotonic();
    const batch = await tryBatch(work, options, place, most, pace);
    await work.dialect.afterBatch?.(database.kysely);
    const tookMs = clock.monotonic() - startedAt;
    sum.deleted += batch.deleted;
    sum.rowsAlong += batch.rowsAlong;
    sum.retries += batch.retries;
    sum.batches += 1;
    sum.tookMs += tookMs;
    if (sum.deleted >= expected) batch.place = { ...batch.place, end: true };
    // A walk that stands still would go round for ever.
    if (batch.deleted + batch.rowsAlong === 0 && JSON.stringify(batch.place) === JSON.stringify(place)) break;
    place = batch.place;
    const goOn = await options.onBatch({ deleted: batch.deleted, rowsAlong: batch.rowsAlong, place });
    if (!goOn && place.end !== true) return { ...sum, drained: false };
    if (place.end === true) break;
    const restedFrom = clock.monotonic();
    await rest(company, Math.max(pace.leastRestMs, tookMs * pace.restShare), signal);
    sum.tookMs += clock.monotonic() - restedFrom;
    // By the pace as it is now: whoever was met in between is not to meet another large one.
    rows = nextRows(Math.min(rows, batch.rows), tookMs, company.pace);
  }
  return { ...sum, drained: true };
}

/** Aborted, but not because another works here now: what was done is still this run's to tell. */
export const isToEnd = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && !isOperationError(reason, 'LEASE_LOST');

async function rest(company: Company, ms: number, signal: AbortSignal): Promise<void> {
  await company.rest(ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** The next batch's rows, after one of `rows` that took `tookMs`: by time, for what a row costs differs ten-thousandfold. */
export function nextRows(rows: number, tookMs: number, { leastMs, mostMs, leastRows, mostRows }: BatchPace): number {
  const wanted = tookMs < leastMs ? rows * 2 : tookMs > mostMs ? rows / 2 : rows;
  return Math.min(mostRows, Math.max(leastRows, Math.round(wanted)));
}

interface Batch {
  deleted: number;
  rowsAlong: number;
  place: Place;
  /** That it was cut to in the end. */
  rows: number;
  retries: number;
}

async function tryBatch(
  work: Work,
  options: DeleteRowsOptions,
  place: Place,
  rows: number,
  pace: BatchPace,
): Promise<Batch> {
  for (let attempt = 1; ; attempt++) {
    // Each try is smaller: fewer rows take less time, and meet fewer locks.
    const fewer = Math.min(rows, Math.max(pace.leastRows, Math.round(rows / attempt ** 2)));
    try {
      return { ...(await oneBatch(work, options, place, fewer, pace)), retries: attempt - 1 };
    } catch (error) {
      if (!worthRetrying(error)) throw error;
      if (attempt >= attempts)
        throw maintenanceErrors.TABLE_CONTENDED({ table: tableLabel(work.selection) }, { cause: error });
      await options.clock.sleep(25 * 2 ** attempt, options.signal);
    }
  }
}

async function oneBatch(
  work: Work,
  { database, archive, confirm, note }: DeleteRowsOptions,
  place: Place,
  rows: number,
  pace: BatchPace,
): Promise<Omit<Batch, 'retries'>> {
  const { dialect, selection, facts } = work;
  if (archive && 'append' in archive)
    return { rowsAlong: 0, ...(await archiveBatch(work, { database, archive, confirm, pace, note }, place, rows)) };
  const { along = [] } = work;
  const most = atMost(rows, along);
  return dialect.transaction(database.kysely, pace, async (trx) => {
    const batch = await cut(trx, work, place, most);
    if (!batch) return { deleted: 0, rowsAlong: 0, place: { ...place, end: true }, rows };
    const { deleted, rowsAlong, isWhole } =
      along.length > 0
        ? await removeWithAlong(trx, work, along, batch.condition)
        : {
            deleted: await dialect.remove(trx, { from: selection, facts, condition: batch.condition, archive }),
            ...{ rowsAlong: 0, isWhole: true },
          };
    const next = deleted === 0 ? await overGap(trx, work, batch.next) : batch.next;
    await confirm(trx);
    return { deleted, rowsAlong, place: isWhole ? next : place, rows: most };
  });
}
