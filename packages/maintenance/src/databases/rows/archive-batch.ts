import { sql, type Transaction } from 'kysely';
import { isOperationError } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import type { ArchiveFile, PendingRows } from './archive-file.js';
import type { Fate } from './archive-recovery.js';
import { cut, overGap, positionOf, readPosition, type Cut, type Place, type Work } from './cut.js';
import type { BatchLimits } from './dialect.js';
import { due, tableId, tableLabel } from './due.js';
import { inKeys } from './keys.js';
import type { Position, Sql } from './selection.js';

/** What {@link archiveBatch} needs. */
interface ArchiveBatchOptions {
  database: Database;
  archive: ArchiveFile;
  confirm(trx: Transaction<unknown>): Promise<void>;
  pace: BatchLimits;
  /** Told what the next reader of the archive should know, for people. */
  note?: ((message: string) => void) | undefined;
}

type Rows = Omit<Work, 'walk'>;
interface Row {
  key: Position;
  line: string;
}

/** Keys stand in one statement, and its parameters are counted in two bytes. */
const mostParameters = 30_000;
/** Of the lines of a batch, in characters: they are in memory, and in one string. */
const mostLength = 16 * 1_048_576;

/**
 * Writes rows to the archive, and deletes exactly those once they are safely there: all of them, or none. No transaction is
 * open while the disk is written; when a row has changed meanwhile, the others are written anew, and it stays for a later run,
 * so that its last state is archived.
 * @returns the rows, too, that the batch was cut to
 */
export async function archiveBatch(
  work: Work,
  options: ArchiveBatchOptions,
  place: Place,
  rows: number,
): Promise<{ deleted: number; place: Place; rows: number }> {
  const { dialect, facts } = work;
  const { database, archive, pace } = options;
  const settled = await settle(work, options);
  if (settled > 0) return { deleted: settled, place, rows };
  const most = Math.min(rows, Math.floor(mostParameters / facts.key.length));
  const batch = await dialect.read(database.kysely, pace, async (connection) => {
    const one = await cutToRead(connection, work, place, most);
    if (!one) return null;
    const found = await read(connection, work, one.condition);
    const next = found.length === 0 ? await overGap(connection, work, one.next) : one.next;
    return { found, came: { place: next, rows: one.rows } };
  });
  if (!batch) return { deleted: 0, place: { ...place, end: true }, rows };
  const { came } = batch;
  for (let left = batch.found; left.length > 0;) {
    await archive.append({ from: sourceOf(work), keys: left.map(({ key }) => key), lines: left.map((it) => it.line) });
    const { unchanged, failed } = await deleteAll(work, options, left);
    if (failed) {
      // Whoever has taken the table over has the archive, too.
      if (isOperationError(failed.error, 'LEASE_LOST')) throw failed.error as Error;
      // A commit that was not answered any more: the table knows. What this does not come to, the next batch does.
      const gone = await (failed.committing ? settle(work, options) : archive.drop().then(() => 0)).catch(() => 0);
      if (gone > 0) return { deleted: gone, ...came };
      throw failed.error as Error;
    }
    if (unchanged.length === left.length) {
      archive.keep();
      return { deleted: left.length, ...came };
    }
    await archive.drop();
    left = unchanged;
  }
  return { deleted: 0, ...came };
}

const sourceOf = ({ selection, facts }: Rows): string =>
  `${tableLabel(selection)} (${facts.key.map(({ name }) => name).join(', ')})`;

async function read(db: Transaction<unknown> | Database['kysely'], of: Rows, where: Sql): Promise<Row[]> {
  const { rows } = await reading(of, where).execute(db);
  return rows.map((row) => ({ key: readPosition(row, of.facts.key), line: row.line }));
}

const reading = ({ dialect, selection, facts }: Rows, where: Sql) => sql<{ line: string }>`
    select ${positionOf(dialect, facts.key)}, ${dialect.line(selection, facts.columns)} as line
    from ${tableId(selection)} where ${where}`;

/** What locks those rows again, and what deletes them then. */
function leaving({ dialect, selection, facts }: Rows, keys: readonly Position[]) {
  const those = inKeys(dialect, facts.key, keys);
  const condition = sql`${those} and ${due(dialect, selection, facts)} ${dialect.forUpdate}`;
  return { condition, deletion: sql`delete from ${tableId(selection)} where ${those}` };
}

/** The statements of a batch of this condition, in their order; those that go by keys with these. */
export function archiving(of: Rows, condition: Sql, keys: readonly Position[]): Sql[] {
  if (keys.length === 0) return [reading(of, condition)];
  const { condition: locking, deletion } = leaving(of, keys);
  return [reading(of, condition), reading(of, locking), deletion];
}

/** Cuts a batch whose lines may be in memory together, or of a single row. */
async function cutToRead(
  db: Database['kysely'],
  work: Work,
  place: Place,
  rows: number,
): Promise<(Cut & { rows: number }) | null> {
  const one = await cut(db, work, place, rows);
  if (!one || rows === 1) return one && { ...one, rows };
  const { dialect, selection, facts } = work;
  const { rows: measured } = await sql<{ length: number | null }>`
    select sum(length(${dialect.line(selection, facts.columns)})) as length
    from ${tableId(selection)} where ${one.condition}`.execute(db);
  const length = Number(measured[0]?.length ?? 0);
  if (length <= mostLength) return { ...one, rows };
  // At least halved: how long they are differs.
  return cutToRead(db, work, place, Math.max(1, Math.floor(rows * Math.min(1 / 2, mostLength / length))));
}

/** What came of deleting rows. */
interface Deleting {
  /** Those that are as they were written: they went if all of them are. */
  unchanged: Row[];
  /** What failed after the commit was asked for may have been committed; what failed before was surely not. */
  failed?: { error: unknown; committing: boolean };
}

/** Deletes the rows if all of them are as they were written. */
async function deleteAll(
  work: Work,
  { database, confirm, pace }: ArchiveBatchOptions,
  written: readonly Row[],
): Promise<Deleting> {
  const { dialect } = work;
  const known = new Map(written.map(({ key, line }) => [String(key), line]));
  let committing = false;
  const deleting = dialect.transaction(database.kysely, pace, async (trx) => {
    const { condition, deletion } = leaving(work, written.map(({ key }) => key)); // prettier-ignore
    const unchanged = (await read(trx, work, condition)).filter(({ key, line }) => known.get(String(key)) === line);
    if (unchanged.length < written.length) return unchanged;
    const { numAffectedRows } = await deletion.execute(trx);
    if (Number(numAffectedRows) !== written.length) throw new Error('Fewer rows went than were locked.');
    await confirm(trx);
    committing = true;
    return unchanged;
  });
  return deleting.then(
    (unchanged) => ({ unchanged }),
    (error: unknown) => ({ unchanged: [], failed: { error, committing } }),
  );
}

/**
 * Asks the table what became of rows that are still pending; how many of them are gone. Those of which it cannot be told
 * stay in the archive, and count as standing: whichever of them do are due still.
 */
async function settle(work: Work, { database, archive, pace, note }: ArchiveBatchOptions): Promise<number> {
  const { pending } = archive;
  if (!pending) return 0;
  const fate = await fateOf(work, database, pace, pending);
  if (fate === 'standing') await archive.drop();
  else archive.keep();
  if (fate === 'unclear') note?.(doubled(archive.name));
  return fate === 'deleted' ? pending.keys.length : 0;
}

/** What is said, in the run's log, of rows whose fate is unclear. */
export const doubled = (archive: string): string =>
  `others were at the last rows in ${archive}: they may be in a later archive, too`;

/**
 * What became of rows whose process does not know: they were deleted together, or not at all. Waits for the transaction of a
 * dead process that is still at them.
 */
export async function fateOf(
  work: Rows,
  { kysely }: Database,
  limits: BatchLimits,
  { from, keys, lines }: PendingRows,
): Promise<Fate> {
  const { dialect, facts } = work;
  // The policy may be about another table by now.
  if (from !== sourceOf(work) || keys.length === 0) return 'unclear';
  const standing = await dialect.transaction(kysely, limits, (trx) =>
    read(trx, work, sql`${inKeys(dialect, facts.key, keys)} ${dialect.forUpdate}`),
  );
  if (standing.length === 0) return 'deleted';
  // All are there, and none is as it was: keys that are used again, or rows that somebody has changed since.
  const written = new Map(keys.map((key, index) => [String(key), lines[index]]));
  const unchanged = standing.some(({ key, line }) => written.get(String(key)) === line);
  return standing.length === keys.length && unchanged ? 'standing' : 'unclear';
}
