import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TimeUnit } from '../../policies/policy.js';
import type { BatchLimits, DeletedBatch, KeyPosition, RowSelection, TableFacts } from '../database.js';

/** Does a column declared so keep instants in that unit? A text column would compare numbers as text. */
export function keeps(timeType: string, unit: TimeUnit): boolean {
  const isText = /CHAR|CLOB|TEXT|DATE|TIME/.test(timeType);
  return unit === 'timestamp' ? isText : timeType !== '' && !/CHAR|CLOB|TEXT|BLOB/.test(timeType);
}

/** Exactly the rows before the cutoff. What is no number, or no time that SQLite can read, is never old. */
function isOld({ timeColumn, timeUnit, cutoff }: RowSelection): RawBuilder<boolean> {
  const column = sql.id(timeColumn);
  if (timeUnit === 'timestamp')
    return sql`typeof(${column}) = 'text' and julianday(${column}) < julianday(${new Date(cutoff).toISOString()})`;
  const before = timeUnit === 'ms' ? cutoff : cutoff / 1000;
  return sql`typeof(${column}) in ('integer', 'real') and ${column} < ${before}`;
}

/** Scans the time column's index where there is one. */
export async function countRows(db: Kysely<unknown>, selection: RowSelection): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from ${sql.id(selection.table)} where ${isOld(selection)}`.execute(db);
  return Number(rows[0]?.n);
}

/**
 * Walks the primary key; deletes the window up to the `limits.rows`th old row. Key values travel as literals written by
 * SQLite's own `quote()`: exact for integers beyond 2^53, which JavaScript's numbers are not.
 */
export async function deleteBatch(
  db: Kysely<unknown>,
  selection: RowSelection,
  { key }: TableFacts,
  after: KeyPosition | null,
  { rows: limit }: BatchLimits,
): Promise<DeletedBatch> {
  const table = sql.id(selection.table);
  const columns = sql.join(key.map(({ name }) => sql.id(name)));
  const at = (position: KeyPosition): RawBuilder<unknown> =>
    sql`(${sql.join(position.map((literal) => sql.raw(literal)))})`;
  const beyond = after ? sql`and (${columns}) > ${at(after)}` : sql``;
  const old = isOld(selection);
  return db.transaction().execute(async (trx) => {
    const literals = sql.join(key.map(({ name }, index) => sql`quote(${sql.id(name)}) as ${sql.id(`k${index}`)}`));
    const { rows } = await sql<Record<string, string>>`
      select ${literals} from ${table} where ${old} ${beyond} order by ${columns} limit 1 offset ${limit - 1}`.execute(
      trx,
    );
    // The last window is open at its end; and what one statement counts is what it deleted.
    const last = rows[0] && key.map((_, index) => rows[0]?.[`k${index}`] as string);
    const { numAffectedRows = 0n } = await sql`
      delete from ${table} where ${old} ${beyond} ${last ? sql`and (${columns}) <= ${at(last)}` : sql``}`.execute(trx);
    return { deleted: Number(numAffectedRows), position: last ?? null };
  });
}
