import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { TimeUnit } from '../../policies/policy.js';
import type { BatchLimits, DeletedBatch, KeyColumn, KeyPosition, RowSelection, TableFacts } from '../database.js';

const numeric = new Set(['bigint', 'int', 'decimal', 'double', 'float']);
const native = new Set(['datetime', 'timestamp', 'date']);

/** Does a column of that type keep instants in that unit? */
export function keeps(timeType: string, unit: TimeUnit): boolean {
  return (unit === 'timestamp' ? native : numeric).has(timeType);
}

/** Exactly the rows before the cutoff: comparing with null is never true. */
function isOld({ timeColumn, timeUnit, cutoff }: RowSelection, timeType: string): RawBuilder<boolean> {
  const column = sql.id(timeColumn);
  if (timeUnit !== 'timestamp') return sql`${column} < ${timeUnit === 'ms' ? cutoff : cutoff / 1000}`;
  // A timestamp is shown in the connection's time zone, so the cutoff has to be as well; a datetime is UTC by our rule.
  if (timeType === 'timestamp') return sql`${column} < from_unixtime(${sql.lit(cutoff)} / 1000)`;
  const utc = new Date(cutoff)
    .toISOString()
    .replace('T', ' ')
    .slice(0, timeType === 'date' ? 10 : -1);
  return sql`${column} < ${utc}`;
}

/** Scans the time column's index where there is one. */
export async function countRows(db: Kysely<unknown>, selection: RowSelection, timeType: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from ${sql.id(selection.table)} where ${isOld(selection, timeType)}`.execute(db);
  return Number(rows[0]?.n);
}

const isInteger = ({ type }: KeyColumn): boolean => /int\b/.test(type);
const isBinary = ({ type }: KeyColumn): boolean => /binary|blob|^bit/.test(type);

/** A key's value as text that loses nothing, and back. */
const written = (column: KeyColumn) =>
  isBinary(column) ? sql`hex(${sql.id(column.name)})` : sql`cast(${sql.id(column.name)} as char)`;
const read = (column: KeyColumn, text: string) =>
  isInteger(column) ? sql`${BigInt(text)}` : isBinary(column) ? sql`unhex(${text})` : sql`${text}`;

/**
 * `(a, b) > (x, y)`, spelled out: MariaDB does not use an index for the comparison of rows.
 */
function beyond(key: readonly KeyColumn[], position: KeyPosition, operator: '>' | '<='): RawBuilder<boolean> {
  const strict = sql.raw(operator.slice(0, 1));
  const [first] = key as [KeyColumn];
  const rest = key.slice(1);
  const value = read(first, position[0] as string);
  if (rest.length === 0) return sql`${sql.id(first.name)} ${sql.raw(operator)} ${value}`;
  const next = beyond(rest, position.slice(1), operator);
  const hint = sql`${sql.id(first.name)} ${sql.raw(`${operator.slice(0, 1)}=`)} ${value}`;
  return sql`(${hint} and (${sql.id(first.name)} ${strict} ${value} or ${next}))`;
}

/** Walks the primary key (which is the table itself); deletes the window up to the `limits.rows`th old row. */
export async function deleteBatch(
  db: Kysely<unknown>,
  selection: RowSelection,
  { key, timeType = '' }: TableFacts,
  after: KeyPosition | null,
  { rows: limit, statementTimeoutMs, lockTimeoutMs }: BatchLimits,
): Promise<DeletedBatch> {
  const table = sql.id(selection.table);
  const old = sql`${isOld(selection, timeType)} ${after ? sql`and ${beyond(key, after, '>')}` : sql``}`;
  const columns = sql.join(key.map(({ name }) => sql.id(name)));
  return db.connection().execute(async (connection) => {
    await limitSession(connection, statementTimeoutMs, lockTimeoutMs);
    try {
      // READ COMMITTED: no gap locks on what others insert.
      return await connection
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (trx) => {
          const texts = sql.join(key.map((column, index) => sql`${written(column)} as ${sql.id(`k${index}`)}`));
          const { rows } = await sql<Record<string, string>>`
            select ${texts} from ${table} where ${old} order by ${columns} limit 1 offset ${sql.lit(limit - 1)}`.execute(
            trx,
          );
          const last = rows[0] && key.map((_, index) => String(rows[0]?.[`k${index}`]));
          const upTo = last ? sql`and ${beyond(key, last, '<=')}` : sql``;
          const { numAffectedRows = 0n } = await sql`delete from ${table} where ${old} ${upTo}`.execute(trx);
          return { deleted: Number(numAffectedRows), position: last ?? null };
        });
    } finally {
      await sql`set session innodb_lock_wait_timeout = default`.execute(connection);
      await limitStatements(connection, null);
    }
  });
}

async function limitSession(connection: Kysely<unknown>, statementMs: number, lockMs: number): Promise<void> {
  await sql`set session innodb_lock_wait_timeout = ${sql.lit(Math.max(1, Math.ceil(lockMs / 1000)))}`.execute(
    connection,
  );
  await limitStatements(connection, statementMs);
}

/** MariaDB can end any statement; MySQL has that for SELECT alone, and there the pool's own deadline must do. */
async function limitStatements(connection: Kysely<unknown>, ms: number | null): Promise<void> {
  const value = ms === null ? sql`default` : sql.lit(ms / 1000);
  await sql`set session max_statement_time = ${value}`.execute(connection).catch((error: { code?: string }) => {
    if (error.code !== 'ER_UNKNOWN_SYSTEM_VARIABLE') throw error as Error;
  });
}
