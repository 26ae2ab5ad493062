import { sql, type Transaction } from 'kysely';
import type { BatchLimits, Removal, RowDialect } from '../rows/dialect.js';
import { tableId } from '../rows/due.js';
import { allMoved } from '../rows/moved.js';
import type { Sql } from '../rows/selection.js';
import { columnsOf, describeTable, tableOid } from './catalogue.js';
import { extentOf } from './extent.js';
import { afterAll, beforeAll, instantLiteral, keeps } from './instant.js';
import { lacking } from './lacking.js';
import { dropPartition, dropping, endlessPartitions, oldPartitions } from './partitions.js';
import { tableSize, vacuum } from './upkeep.js';

const integers = new Set(['bigint', 'integer', 'smallint']);

/** PostgreSQL, from version 13. */
export const postgresRows: RowDialect = {
  rowsPerSecond: 100_000,
  sizesMeasured: true,
  dropsInTransaction: true,
  countedAtOnce: null,
  pace: {
    firstRows: 2_000,
    leastRows: 10,
    mostRows: 8_000,
    leastMs: 100,
    mostMs: 250,
    restShare: 0.1,
    leastRestMs: 1,
    statementTimeoutMs: 2_500,
    lockTimeoutMs: 500,
  },
  besideOthers: {
    // Who commits beside it waits until all that a batch has written to the log is on disk.
    pace: { mostRows: 400, restShare: 1, leastRestMs: 2 },
    async written(db) {
      const { rows } = await sql<{ at: string }>`select pg_current_wal_insert_lsn()::text as at`.execute(db);
      return (rows[0] as { at: string }).at;
    },
  },
  describe: describeTable,
  columnsOf,
  lacking,
  extentOf,
  keeps,
  walkable: () => true,
  isInteger: ({ type }) => integers.has(type),
  compareTime({ timeColumn, timeUnit }, timeType, operator, instant) {
    const column = sql.id(timeColumn);
    const compared = sql`${column} ${sql.raw(operator)} ${instantLiteral(timeUnit, timeType, instant)}`;
    if (operator !== '<' || integers.has(timeType)) return compared;
    // What has no beginning is no instant, and yet before all others.
    return sql`${compared} and ${column} > ${beforeAll(timeType)}`;
  },
  hasInstant: (column, _, timeType) =>
    integers.has(timeType) ? sql`${column} is not null` : sql`${column} < ${afterAll(timeType)}`,
  instant: (column) => column,
  text: (_, reference) => sql`${reference}::text`,
  value: ({ type }, text) => sql`${text}::text::${sql.raw(type)}`,
  compare(columns, position, operator) {
    const values = columns.map((column, index) => this.value(column, position[index] as string));
    return sql`(${sql.join(columns.map(({ name }) => sql.id(name)))}) ${sql.raw(operator)} (${sql.join(values)})`;
  },
  rowList: (rows) => rows,
  // json_build_object takes a hundred arguments; a row has no such limit.
  line: (_, columns) =>
    sql`(select row_to_json(dm_row)::text from (select ${sql.join(columns.map(({ name }) => sql.id(name)))}) as dm_row)`,
  transaction: (db, limits, work) => db.transaction().execute((trx) => within(trx, limits, work)),
  read: (db, limits, work) =>
    db
      .transaction()
      .setAccessMode('read only')
      .execute((trx) => within(trx, limits, work, alone)),
  removing: (removal) => [removal.archive ? moving(removal, removal.archive) : deletion(removal)],
  async remove(trx, removal) {
    if (!removal.archive) return Number((await deletion(removal).execute(trx)).numAffectedRows ?? 0n);
    const { rows } = await moving(removal, removal.archive).execute(trx);
    return allMoved(Number(rows[0]?.moved), Number(rows[0]?.gone));
  },
  forUpdate: sql`for update`,
  async expectRows(db, from, condition) {
    const [text = ''] = await this.explain(db, sql`select 1 from ${from} where ${condition}`);
    const rows = /rows=(\d+)/.exec(text)?.[1];
    return rows === undefined ? null : Number(rows);
  },
  async explain(db, statement) {
    const { rows } = await sql<Record<string, string>>`explain ${statement}`.execute(db);
    return rows.map((row) => String(Object.values(row)[0]));
  },
  oldPartitions,
  endlessPartitions,
  partitionId: (_, { schema, name }) => tableId({ schema, table: name }),
  // Its columns are of the primary key, so that none is null.
  timeless: ({ timeColumn }, timeType, { isFirst }) =>
    isFirst === true && !integers.has(timeType) ? sql`${sql.id(timeColumn)} <= ${beforeAll(timeType)}` : null,
  dropping,
  dropPartition,
  size: (db, { schema, table }) => tableSize(db, table, schema),
  // VACUUM shortens the file, too, where its end is empty.
  giveBack: (db, table, pauses) => vacuum(db, sql`vacuum`, table, pauses),
  analyze: (db, table, pauses) => vacuum(db, sql`analyze`, table, pauses),
  async isOwn(db, { schema, table }) {
    const { rows } = await sql<{ own: boolean | null }>`
      select ${tableOid(table)} = ${tableOid(table, schema)} as own`.execute(db);
    return rows[0]?.own === true;
  },
  foreignKeysOff: () => Promise.resolve(false),
};

const deletion = ({ from, condition }: Removal): Sql => sql`delete from ${tableId(from)} where ${condition}`;

/** One statement: a row is in one of the two tables at any instant. */
function moving(removal: Removal, { to, columns: names }: NonNullable<Removal['archive']>) {
  const columns = sql.join(names.map((name) => sql.id(name)));
  return sql<{
    moved: number;
    gone: number;
  }>`with dm_gone as (${deletion(removal)} returning ${columns}), dm_moved as (
      insert into ${tableId(to)} (${columns}) overriding system value select ${columns} from dm_gone returning 1)
      select (select count(*) from dm_moved) as moved, (select count(*) from dm_gone) as gone`;
}

/** A count takes one process of the server's; parallel workers would be taken from the application. */
const alone = sql`, set_config('max_parallel_workers_per_gather', '0', true)`;

async function within<Result>(
  trx: Transaction<unknown>,
  { statementTimeoutMs, lockTimeoutMs }: BatchLimits,
  work: (trx: Transaction<unknown>) => Promise<Result>,
  more = sql``,
): Promise<Result> {
  await sql`select set_config('statement_timeout', ${String(statementTimeoutMs)}, true),
    set_config('lock_timeout', ${String(lockTimeoutMs)}, true)${more}`.execute(trx);
  return work(trx);
}
