import { sql, type Kysely } from 'kysely';
import type { TableSize } from '../database.js';

/** InnoDB reuses the room of deleted rows by itself; only the statistics want care. OPTIMIZE would rebuild the table. */
export async function analyze(db: Kysely<unknown>, table: string): Promise<void> {
  await sql`analyze table ${sql.id(table)}`.execute(db);
}

/** InnoDB's own estimates. */
export async function tableSize(db: Kysely<unknown>, table: string, schema?: string): Promise<TableSize> {
  const { rows } = await sql<{ bytes: number | null }>`
    select data_length + index_length as bytes from information_schema.tables
    where table_schema = ${schema === undefined ? sql`database()` : sql`${schema}`} and binary table_name = ${table}`.execute(
    db,
  );
  return { bytes: Number(rows[0]?.bytes ?? 0), reusableBytes: 0, approximate: true };
}
