import { sql, type Kysely, type Transaction } from 'kysely';
import type { BatchLimits } from '../rows/dialect.js';
import { tableId } from '../rows/due.js';
import type { Partition, RowSelection, TableFacts } from '../rows/selection.js';
import { instantLiteral } from './instant.js';
import { inSession } from './session.js';

/** Partitions whose upper bound, which none of their rows reaches, is not after the cutoff. */
export async function oldPartitions(
  db: Kysely<unknown>,
  { schema, table, timeUnit, cutoff }: RowSelection,
  { timeType = '' }: TableFacts,
): Promise<Partition[]> {
  const { rows } = await sql<{ name: string; upTo: string; bytes: number | null }>`
    select partition_name as name, max(partition_description) as upTo,
      sum(data_length + index_length) as bytes from information_schema.partitions
    where table_schema = ${schema === undefined ? sql`database()` : sql`${schema}`} and binary table_name = ${table}
      and partition_name is not null
    group by partition_name order by min(partition_ordinal_position)`.execute(db);
  const old: Partition[] = [];
  for (const { name, upTo, bytes } of rows) {
    if (upTo === 'MAXVALUE') break;
    const bound = upTo.replace(/^'(.*)'$/, '$1');
    const literal = instantLiteral(timeUnit, timeType, cutoff);
    const type = sql.raw(timeUnit === 'timestamp' ? 'datetime(6)' : 'decimal(65, 6)');
    const { rows: compared } = await sql<{ past: number }>`
      select cast(${bound} as ${type}) <= cast(${literal} as ${type}) as past`.execute(db);
    // They are in order: what is not past has nothing past after it.
    if (Number(compared[0]?.past) !== 1) break;
    old.push({ name, upTo: bound, bytes: Number(bytes ?? 0) });
  }
  return old;
}

/**
 * Drops a partition. It commits by itself, so the lease is confirmed as the last thing before; the wait for the lock is
 * bounded.
 */
export async function dropPartition(
  db: Kysely<unknown>,
  selection: RowSelection,
  { name }: Partition,
  limits: BatchLimits,
  confirm: (trx: Transaction<unknown>) => Promise<void>,
): Promise<void> {
  await inSession(db, limits, async (connection) => {
    await connection.transaction().execute(confirm);
    await sql`alter table ${tableId(selection)} drop partition ${sql.id(name)}`.execute(connection);
  });
}
