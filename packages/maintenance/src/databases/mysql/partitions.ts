import { sql, type Kysely, type Transaction } from 'kysely';
import type { BatchLimits } from '../rows/dialect.js';
import { tableId } from '../rows/due.js';
import type { TimeUnit } from '../../policies/time-unit.js';
import type { Partition, RowSelection, Sql, TableFacts, TableName } from '../rows/selection.js';
import { instantLiteral } from './instant.js';
import { inSession } from './session.js';

type Bound = (cutoff: Sql, instant: number, unit: TimeUnit) => Sql;

const seconds: Bound = (_, instant) => sql`${Math.floor(instant / 1000)}`;
/**
 * By what a table may be partitioned so that its partitions follow each other in time: the column itself, or what grows with
 * it. Of each, what it is of the cutoff: a partition whose bound is not beyond that has rows before the cutoff alone.
 */
const orderedInTime: Readonly<Record<string, Bound>> = {
  '?': (cutoff, _, unit) => sql`cast(${cutoff} as ${sql.raw(unit === 'timestamp' ? 'datetime(6)' : 'decimal(65, 6)')})`,
  'year(?)': (cutoff) => sql`year(${cutoff})`,
  'to_days(?)': (cutoff) => sql`to_days(${cutoff})`,
  'to_seconds(?)': (cutoff) => sql`to_seconds(${cutoff})`,
  // Of timestamps alone, whose seconds are the same in all zones.
  'unix_timestamp(?)': seconds,
  'floor(unix_timestamp(?))': seconds,
};

/** How the partitions of a table follow from its time column, by their expression in the catalogue; undefined when they do not. */
export function boundInTime(expression: string, timeColumn: string): Bound | undefined {
  const [before, after, ...more] = expression.split(`\`${timeColumn.replaceAll('`', '``')}\``);
  if (after === undefined || more.length > 0) return undefined;
  const form = `${before}?${after}`.toLowerCase();
  return Object.hasOwn(orderedInTime, form) ? orderedInTime[form] : undefined;
}

/** The one up to MAXVALUE. */
export async function endlessPartitions(
  db: Kysely<unknown>,
  { schema, table }: TableName,
): Promise<Pick<Partition, 'name'>[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct partition_name as name from information_schema.partitions
    where table_schema = ${schema === undefined ? sql`database()` : sql`${schema}`} and binary table_name = ${table}
      and partition_description = 'MAXVALUE'`.execute(db);
  return rows;
}

/** Partitions whose upper bound, which none of their rows reaches, is not after the cutoff. */
export async function oldPartitions(
  db: Kysely<unknown>,
  { schema, table, timeColumn, timeUnit, cutoff }: RowSelection,
  { timeType = '' }: TableFacts,
): Promise<Partition[]> {
  const { rows } = await sql<{ name: string; expression: string; upTo: string; bytes: number | null }>`
    select partition_name as name, max(partition_expression) as expression, max(partition_description) as upTo,
      sum(data_length + index_length) as bytes from information_schema.partitions
    where table_schema = ${schema === undefined ? sql`database()` : sql`${schema}`} and binary table_name = ${table}
      and partition_name is not null
    group by partition_name order by min(partition_ordinal_position)`.execute(db);
  const old: Partition[] = [];
  for (const { name, expression, upTo, bytes } of rows) {
    const boundOf = boundInTime(expression, timeColumn);
    if (!boundOf || upTo === 'MAXVALUE') break;
    const bound = upTo.replace(/^'(.*)'$/, '$1');
    const type = sql.raw(bound === upTo ? 'decimal(65, 6)' : 'datetime(6)');
    const { rows: compared } = await sql<{ past: number }>`
      select cast(${bound} as ${type}) <= ${boundOf(instantLiteral(timeUnit, timeType, cutoff), cutoff, timeUnit)} as past`.execute(
      db,
    );
    // They are in order: what is not past has nothing past after it.
    if (Number(compared[0]?.past) !== 1) break;
    old.push({ name, upTo: bound, isLast: old.length + 1 === rows.length, bytes: Number(bytes ?? 0) });
  }
  return old;
}

/** Drops it, or empties it, when it is the last: no table is left without (error 1508). */
export const dropping = (table: TableName, { name, isLast }: Partition): Sql =>
  sql`alter table ${tableId(table)} ${sql.raw(isLast ? 'truncate' : 'drop')} partition ${sql.id(name)}`;

/**
 * Drops a partition. It commits by itself, so the lease is confirmed as the last thing before; the wait for the lock is
 * bounded.
 */
export async function dropPartition(
  db: Kysely<unknown>,
  selection: RowSelection,
  partition: Partition,
  limits: BatchLimits,
  confirm: (trx: Transaction<unknown>) => Promise<void>,
): Promise<void> {
  await inSession(db, limits, async (connection) => {
    await connection.transaction().execute(confirm);
    await dropping(selection, partition).execute(connection);
  });
}
