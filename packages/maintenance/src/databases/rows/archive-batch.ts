import { sql, type Transaction } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { ArchiveFile } from './archive-file.js';
import { cut, overGap, positionOf, readPosition, type Place, type Work } from './cut.js';
import type { BatchLimits } from './dialect.js';
import { due, tableId } from './due.js';
import { inKeys } from './keys.js';

/** What {@link archiveBatch} needs. */
interface ArchiveBatchOptions {
  database: Database;
  archive: ArchiveFile;
  confirm(trx: Transaction<unknown>): Promise<void>;
  pace: BatchLimits;
}

/** Keys stand in one statement, and its parameters are counted in two bytes. */
const mostParameters = 30_000;

/**
 * Writes rows to the archive, and deletes exactly those once they are safely there. No transaction is open while the disk
 * is written; a row that has changed since it was written stays for a later run, so that its last state is archived.
 */
export async function archiveBatch(
  work: Work,
  { database: { kysely }, archive, confirm, pace }: ArchiveBatchOptions,
  place: Place,
  rows: number,
): Promise<{ deleted: number; place: Place }> {
  const { dialect, selection, facts } = work;
  const most = Math.min(rows, Math.floor(mostParameters / facts.key.length));
  const keyAndLine = sql`${positionOf(dialect, facts.key)}, ${dialect.line(selection, facts.columns)} as line`;
  const batch = await dialect.read(kysely, pace, async (connection) => {
    const one = await cut(connection, work, place, most);
    if (!one) return null;
    const { rows: found } = await sql<{ line: string }>`
      select ${keyAndLine} from ${tableId(selection)} where ${one.condition}`.execute(connection);
    const next = found.length === 0 ? await overGap(connection, work, one.next) : one.next;
    return { found, next };
  });
  if (!batch) return { deleted: 0, place: { ...place, end: true } };
  if (batch.found.length === 0) return { deleted: 0, place: batch.next };
  await archive.append(batch.found.map(({ line }) => line));

  const written = new Map(batch.found.map((row) => [String(readPosition(row, facts.key)), row.line]));
  const deleted = await dialect.transaction(kysely, pace, async (trx) => {
    const those = inKeys(
      dialect,
      facts.key,
      batch.found.map((row) => readPosition(row, facts.key)),
    );
    const condition = sql`${those} and ${due(dialect, selection, facts)}`;
    const { rows: now } = await sql<{ line: string }>`
      select ${keyAndLine} from ${tableId(selection)} where ${condition} ${dialect.forUpdate}`.execute(trx);
    const unchanged = now.map((row) => [readPosition(row, facts.key), row.line] as const);
    const keys = unchanged.flatMap(([key, line]) => (written.get(String(key)) === line ? [key] : []));
    if (keys.length === 0) return 0;
    const { numAffectedRows = 0n } = await sql`
      delete from ${tableId(selection)} where ${inKeys(dialect, facts.key, keys)}`.execute(trx);
    await confirm(trx);
    return Number(numAffectedRows);
  });
  return { deleted, place: batch.next };
}
