import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { RowDialect } from './dialect.js';
import { due, predicate, tableId } from './due.js';
import type { Partition, RowSelection, Sql, TableFacts } from './selection.js';
import { endedByTimeout } from './retry.js';

/** How many rows; counted, or what the database's planner expects. */
export interface RowCount {
  items: number;
  exact: boolean;
}

/** Longer counts end, and the planner's expectation is taken. */
const countLimits = { statementTimeoutMs: 15_000, lockTimeoutMs: 1_000 };
const dayMs = 86_400_000;
/** Larger tables are not counted as a whole: the statistics must do. */
const countedRows = 2_000_000;

/** How many rows are due now. */
export function countDue(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  facts: TableFacts,
): Promise<RowCount> {
  return count(kysely, dialect, selection, due(dialect, selection, facts));
}

/** How many rows the table has: from statistics when they say that it is large, counted otherwise. */
export async function countAll(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  { estimatedRows }: TableFacts,
): Promise<RowCount> {
  if (estimatedRows !== null && estimatedRows > countedRows) return { items: estimatedRows, exact: false };
  return count(kysely, dialect, selection, sql`true`);
}

/** How many rows of the policy, by their own time, came within the day before `now`. */
export async function countIngest(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  { timeType = '' }: TableFacts,
  now: number,
): Promise<RowCount> {
  const from = dialect.compareTime(selection, timeType, '>=', now - dayMs);
  const to = dialect.compareTime(selection, timeType, '<', now);
  const where = selection.where ? sql` and ${predicate(selection.where)}` : sql``;
  return count(kysely, dialect, selection, sql`${from} and ${to}${where}`);
}

/** Partitions are counted to the last row: what is dropped without being read would be known by nothing else. */
const partitionLimits = { statementTimeoutMs: 30_000, lockTimeoutMs: 1_000 };

/** How many rows a partition has, and of how many of them the time is no instant: they may not go. */
export async function countPartition(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  { timeType = '' }: TableFacts,
  partition: Partition,
): Promise<{ rows: number; timeless: number }> {
  const old = dialect.compareTime(selection, timeType, '<', selection.cutoff);
  const { rows } = await dialect.read(kysely, partitionLimits, (connection) =>
    sql<{ n: number; old: number | null }>`
      select count(*) as n, sum(case when ${old} then 1 else 0 end) as old
      from ${dialect.partitionId(selection, partition)}`.execute(connection),
  );
  const all = Number(rows[0]?.n ?? 0);
  return { rows: all, timeless: all - Number(rows[0]?.old ?? 0) };
}

async function count(
  db: Database['kysely'],
  dialect: RowDialect,
  from: RowSelection,
  condition: Sql,
): Promise<RowCount> {
  try {
    const items = await dialect.read(db, countLimits, async (connection) => {
      const { rows } = await sql<{ n: number }>`
        select count(*) as n from ${tableId(from)} where ${condition}`.execute(connection);
      return Number(rows[0]?.n ?? 0);
    });
    return { items, exact: true };
  } catch (error) {
    if (!endedByTimeout(error)) throw error;
    return { items: (await dialect.expectRows(db, from, condition)) ?? 0, exact: false };
  }
}
