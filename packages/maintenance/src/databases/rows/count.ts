import { sql, type RawBuilder } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import { beginning, cut, overGap, type Work } from './cut.js';
import type { RowDialect } from './dialect.js';
import { all, due, narrowing, tableId } from './due.js';
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

/**
 * How many rows are due now. Where one statement for all would keep the process waiting, it is one for each stretch of the walk.
 * @param signal looked at before each
 */
export async function countDue({ kysely }: Database, work: Work, signal: AbortSignal): Promise<RowCount> {
  const { dialect, selection, facts } = work;
  signal.throwIfAborted();
  const atOnce = dialect.countedAtOnce;
  if (atOnce === null) return count(kysely, dialect, selection, due(dialect, selection, facts));
  let items = 0;
  for (let place = beginning; place.end !== true; signal.throwIfAborted()) {
    const stretch = await cut(kysely, work, place, atOnce);
    if (!stretch) break;
    const found = await count(kysely, dialect, selection, stretch.condition);
    items += found.items;
    place = found.items === 0 ? await overGap(kysely, work, stretch.next) : stretch.next;
  }
  return { items, exact: true };
}

/** How many rows the table has: from statistics when they say that it is large, counted otherwise. */
export async function countAll(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  { estimatedRows }: TableFacts,
): Promise<RowCount> {
  if (estimatedRows !== null && estimatedRows > countedRows) {
    // The catalogue's number is of the last analysis, of a partitioned table perhaps of one years ago; the planner looks at what is there.
    const expected = (await dialect.expectRows(kysely, tableId(selection), sql`1 = 1`)) ?? estimatedRows;
    if (expected > countedRows) return { items: expected, exact: false };
  }
  return count(kysely, dialect, selection, null);
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
  return count(kysely, dialect, selection, all([from, to, ...narrowing(selection)]));
}

/** A partition, which is read no further than there is time for: it goes whole, however many rows it has. */
export interface PartitionCount extends RowCount {
  /** Why it may not go, for people; null when it may. */
  stays: string | null;
}

/** How many rows a partition has, of which each must be of an instant: counted, or by statistics where they are many. */
export async function countPartition(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  { timeType = '' }: TableFacts,
  partition: Partition,
): Promise<PartitionCount> {
  const from = dialect.partitionId(selection, partition);
  const inTime = <Row>(statement: RawBuilder<Row>): Promise<Row[] | undefined> =>
    dialect
      .read(kysely, countLimits, async (connection) => (await statement.execute(connection)).rows)
      .catch(unlessEnded);
  const expected = (await dialect.expectRows(kysely, from, sql`1 = 1`)) ?? 0;
  if (expected <= countedRows) {
    const old = dialect.compareTime(selection, timeType, '<', selection.cutoff);
    const counted = await inTime(sql<{ n: number; old: number | null }>`
      select count(*) as n, sum(case when ${old} then 1 else 0 end) as old from ${from}`);
    const items = Number(counted?.[0]?.n);
    const timeless = items - Number(counted?.[0]?.old ?? 0);
    if (counted) return { items, exact: true, stays: timeless === 0 ? null : noInstant(selection, timeless) };
  }
  const rows = { items: Math.max(1, expected), exact: false };
  const condition = dialect.timeless(selection, timeType, partition);
  if (condition === null) return { ...rows, stays: null };
  const found = await inTime(sql`select 1 from ${from} where ${condition} limit 1`);
  const unknown = `whether ${selection.timeColumn} is an instant in each of its rows could not be read in time`;
  return { ...rows, stays: !found ? unknown : found.length === 0 ? null : noInstant(selection, 'some') };
}

/** Has a partition rows from before the cutoff? Null where that cannot be read in the time of a batch. */
export async function hasOldRows(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  { timeType = '' }: TableFacts,
  partition: Pick<Partition, 'name' | 'schema'>,
): Promise<boolean | null> {
  const old = dialect.compareTime(selection, timeType, '<', selection.cutoff);
  const asked = sql`select 1 from ${dialect.partitionId(selection, partition)} where ${old} limit 1`;
  const found = await dialect
    .read(kysely, dialect.pace, async (connection) => (await asked.execute(connection)).rows)
    .catch(unlessEnded);
  return found ? found.length > 0 : null;
}

const noInstant = ({ timeColumn }: RowSelection, rows: number | 'some'): string =>
  `of ${rows} of its rows ${timeColumn} is no instant`;

function unlessEnded(error: unknown): undefined {
  if (!endedByTimeout(error)) throw error;
}

/** @param condition null for all rows: with whatever condition SQLite reads each of them, and without any it adds up its pages */
async function count(
  db: Database['kysely'],
  dialect: RowDialect,
  from: RowSelection,
  condition: Sql | null,
): Promise<RowCount> {
  const where = condition === null ? sql`` : sql` where ${condition}`;
  try {
    const items = await dialect.read(db, countLimits, async (connection) => {
      const { rows } = await sql<{ n: number }>`
        select count(*) as n from ${tableId(from)}${where}`.execute(connection);
      return Number(rows[0]?.n ?? 0);
    });
    return { items, exact: true };
  } catch (error) {
    if (!endedByTimeout(error)) throw error;
    return { items: (await dialect.expectRows(db, tableId(from), condition ?? sql`1 = 1`)) ?? 0, exact: false };
  }
}
