import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TimeUnit } from '../../policies/policy.js';
import type { BatchLimits, DeletedBatch, KeyPosition, RowSelection, TableFacts } from '../database.js';

const numeric = new Set(['bigint', 'integer', 'numeric', 'double precision', 'real']);
const native = new Set(['timestamp with time zone', 'timestamp without time zone', 'date']);

/** Does a column of that type keep instants in that unit? */
export function keeps(timeType: string, unit: TimeUnit): boolean {
  return (unit === 'timestamp' ? native : numeric).has(timeType);
}

/** Exactly the rows before the cutoff: comparing with null is never true. */
function isOld({ timeColumn, timeUnit, cutoff }: RowSelection, timeType: string): RawBuilder<boolean> {
  const column = sql.id(timeColumn);
  if (timeUnit === 'ms') return sql`${column} < ${cutoff}::bigint`;
  if (timeUnit === 's') return sql`${column} < ${cutoff / 1000}::bigint`;
  // A date is before the cutoff when all of its day is: casting the cutoff to a date says so.
  const utc = new Date(cutoff).toISOString().slice(0, -1);
  return sql`${column} < ${timeType === 'timestamp with time zone' ? `${utc}Z` : utc}::${sql.raw(timeType)}`;
}

/** Scans the time column's index where there is one. */
export async function countRows(db: Kysely<unknown>, selection: RowSelection, timeType: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from ${sql.id(selection.table)} where ${isOld(selection, timeType)}`.execute(db);
  return Number(rows[0]?.n);
}

/** Walks the primary key's index; deletes the window up to the `limits.rows`th old row. */
export async function deleteBatch(
  db: Kysely<unknown>,
  selection: RowSelection,
  { key, timeType = '' }: TableFacts,
  after: KeyPosition | null,
  { rows: limit, statementTimeoutMs, lockTimeoutMs }: BatchLimits,
): Promise<DeletedBatch> {
  const columns = sql.join(key.map(({ name }) => sql.id(name)));
  const at = (position: KeyPosition) =>
    sql`(${sql.join(key.map(({ type }, index) => sql`${position[index]}::text::${sql.raw(type)}`))})`;
  const beyond = after ? sql`and (${columns}) > ${at(after)}` : sql``;
  const old = isOld(selection, timeType);
  return db.transaction().execute(async (trx) => {
    await sql`select set_config('statement_timeout', ${String(statementTimeoutMs)}, true),
      set_config('lock_timeout', ${String(lockTimeoutMs)}, true)`.execute(trx);
    const texts = sql.join(key.map(({ name }, index) => sql`${sql.id(name)}::text as ${sql.id(`k${index}`)}`));
    const backwards = sql.join(key.map(({ name }) => sql`${sql.id(name)} desc`));
    const { rows } = await sql<Record<string, string>>`
      select ${texts} from (
        select ${columns} from ${sql.id(selection.table)} where ${old} ${beyond} order by ${columns} limit ${limit}
      ) as batch order by ${backwards} limit 1`.execute(trx);
    const last = rows[0];
    if (!last) return { deleted: 0, position: null };
    const position = key.map((_, index) => last[`k${index}`] as string);
    const { numAffectedRows = 0n } = await sql`
      delete from ${sql.id(selection.table)}
      where ${old} ${beyond} and (${columns}) <= ${at(position)}`.execute(trx);
    return { deleted: Number(numAffectedRows), position };
  });
}
