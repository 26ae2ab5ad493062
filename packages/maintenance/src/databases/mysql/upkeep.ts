import { sql, type Kysely } from 'kysely';
import type { TableSize } from '../database.js';
import { tableId } from '../rows/due.js';
import type { TableName } from '../rows/selection.js';
import { withFreshStatistics } from './fresh-statistics.js';
import { inSession } from './session.js';

/** Who holds the table for longer is at it, and the next run will come. */
const limits = { statementTimeoutMs: 25_000, lockTimeoutMs: 2_000 };

/**
 * InnoDB reuses the room of deleted rows by itself; only the statistics want care. OPTIMIZE would rebuild the table. What
 * goes wrong with that statement is a row of its answer.
 */
export async function analyze(db: Kysely<unknown>, table: TableName): Promise<void> {
  const { rows } = await inSession(db, limits, (connection) =>
    sql<{ Msg_type: string; Msg_text: string }>`analyze table ${tableId(table)}`.execute(connection),
  );
  const complaint = rows.find(({ Msg_type: type }) => type.toLowerCase() === 'error')?.Msg_text;
  if (complaint === undefined) return;
  const code = complaint.startsWith('Lock wait timeout') ? 'ER_LOCK_WAIT_TIMEOUT' : 'ER_ADMIN_FAILED';
  throw Object.assign(new Error(complaint), { code });
}

/** InnoDB's own estimates. */
export async function tableSize(db: Kysely<unknown>, table: string, schema?: string): Promise<TableSize> {
  const size = sql<{ bytes: number | null }>`
    select data_length + index_length as bytes from information_schema.tables
    where table_schema = ${schema === undefined ? sql`database()` : sql`${schema}`} and binary table_name = ${table}`;
  const { rows } = await withFreshStatistics(db, (connection) => size.execute(connection));
  return { bytes: Number(rows[0]?.bytes ?? 0), reusableBytes: 0, approximate: true };
}
