import { sql } from 'kysely';
import type { Removal, RowDialect } from '../rows/dialect.js';
import { tableId } from '../rows/due.js';
import { executed, oneAfterTheOther } from '../rows/moved.js';
import { inKeys } from '../rows/keys.js';
import { positionOf, readPosition } from '../rows/cut.js';
import type { Column, Position, Sql } from '../rows/selection.js';
import { mayDo } from './allowed.js';
import { columnsOf, describeTable } from './catalogue.js';
import { extentOf } from './extent.js';
import { instantLiteral, keeps } from './instant.js';
import { dropPartition, dropping, endlessPartitions, oldPartitions } from './partitions.js';
import { inSession } from './session.js';
import { analyze, tableSize } from './upkeep.js';

const isInteger = ({ type }: Column): boolean => /int\b/.test(type);
const isBit = ({ type }: Column): boolean => type === 'bit';
const isBinary = ({ type }: Column): boolean => /binary|blob/.test(type);
const isDecimal = ({ type }: Column): boolean => type.startsWith('decimal');

/** MySQL 8 and MariaDB 10.5, with InnoDB. */
export const mysqlRows: RowDialect = {
  rowsPerSecond: 20_000,
  sizesMeasured: false,
  // DDL commits by itself.
  dropsInTransaction: false,
  countedAtOnce: null,
  pace: {
    firstRows: 1_000,
    leastRows: 10,
    mostRows: 10_000,
    leastMs: 100,
    mostMs: 250,
    restShare: 0.1,
    leastRestMs: 2,
    statementTimeoutMs: 2_500,
    lockTimeoutMs: 1_000,
  },
  besideOthers: {
    // Who commits beside it waits for the log of a batch.
    pace: { mostRows: 1_000, restShare: 1 },
    // Not by the log: the server itself goes on writing to it, for rows that are deleted are removed later.
    async written(db) {
      const { rows } = await sql<{ Value: string }>`show global status like 'Handler_commit'`.execute(db);
      return (rows[0] as { Value: string }).Value;
    },
  },
  describe: describeTable,
  columnsOf,
  mayDo,
  extentOf,
  keeps,
  // As text, floating point numbers are rounded.
  walkable: ({ type }) => !/float|double/.test(type),
  isInteger,
  compareTime({ timeColumn, timeUnit }, timeType, operator, instant) {
    const compared = sql`${sql.id(timeColumn)} ${sql.raw(operator)} ${instantLiteral(timeUnit, timeType, instant)}`;
    return timeUnit !== 'timestamp' || operator !== '<' ? compared : sql`${compared} and ${isDay(sql.id(timeColumn))}`;
  },
  hasInstant: (column, unit) => (unit === 'timestamp' ? isDay(column) : sql`${column} is not null`),
  instant: (column) => column,
  text: (column, reference) =>
    isBinary(column) ? sql`hex(${reference})` : sql`cast(${reference}${sql.raw(isBit(column) ? ' + 0' : '')} as char)`,
  value(column, text) {
    if (isInteger(column) || isBit(column)) return sql`${BigInt(text)}`;
    if (isBinary(column)) return sql`unhex(${text})`;
    // With a text it would be compared as a floating point number, which many decimals share.
    return isDecimal(column) && /^-?\d+(?:\.\d+)?$/.test(text) ? sql.raw(text) : sql`${text}`;
  },
  compare: (columns, position, operator) => compare(columns, position, operator),
  rowList: (rows) => rows,
  line: (_, columns) =>
    // The driver would parse JSON, and round its numbers.
    sql`cast(json_object(${sql.join(columns.flatMap((it) => [sql.lit(it.name), inJson(it)]))}) as char)`,
  transaction: (db, limits, work) =>
    inSession(db, limits, (connection) =>
      // READ COMMITTED: no gap locks on what others insert.
      connection.transaction().setIsolationLevel('read committed').execute(work),
    ),
  read: inSession,
  removing: (removal, keys) =>
    goesByKeys(removal)
      ? [lockingRead(removal), ...(keys.length === 0 ? [] : byKeys(removal, keys))]
      : oneAfterTheOther(removal, removal.condition),
  async remove(trx, removal) {
    if (!goesByKeys(removal)) return executed(trx, oneAfterTheOther(removal, removal.condition));
    const { rows } = await lockingRead(removal).execute(trx);
    const keys = rows.map((row) => readPosition(row, removal.facts.key));
    return keys.length === 0 ? 0 : executed(trx, byKeys(removal, keys));
  },
  forUpdate: sql`for update`,
  // The format is said because MySQL 9 shows a tree otherwise, in one column.
  async expectRows(db, from, condition) {
    const { rows } = await sql<{ rows: number | null; filtered?: number }>`
      explain format=traditional select 1 from ${from} where ${condition}`.execute(db);
    return rows[0]?.rows == null ? null : Number(rows[0].rows);
  },
  async explain(db, statement) {
    const { rows } = await sql<Record<string, unknown>>`explain format=traditional ${statement}`.execute(db);
    return rows.map((row) =>
      ['table', 'type', 'key', 'rows', 'Extra']
        .filter((name) => row[name] != null && row[name] !== '')
        .map((name) => `${name}: ${String(row[name])}`)
        .join(', '),
    );
  },
  oldPartitions,
  endlessPartitions,
  partitionId: (selection, { name }) => sql`${tableId(selection)} partition (${sql.id(name)})`,
  // Its columns are of the primary key, so that none is null.
  timeless: ({ timeColumn, timeUnit }) => (timeUnit === 'timestamp' ? sql`not (${isDay(sql.id(timeColumn))})` : null),
  dropping: (table, partition) => [dropping(table, partition)],
  dropPartition,
  size: (db, { schema, table }) => tableSize(db, table, schema),
  // InnoDB reuses the room of deleted rows by itself; OPTIMIZE would copy the table.
  giveBack: () => Promise.resolve(),
  analyze,
  async isOwn(db, { schema }) {
    const { rows } = await sql<{ own: string | null }>`select database() as own`.execute(db);
    return rows[0]?.own === schema;
  },
  foreignKeysOff: () => Promise.resolve(false),
};

/** A date of zeros, or one without a month or a day, says that there is none; and yet it is before all others. */
const isDay = (column: Sql): Sql => sql`month(${column}) > 0 and dayofmonth(${column}) > 0`;

/** A column's value for json_object, which knows no bytes. */
function inJson(column: Column): Sql {
  const id = sql.id(column.name);
  if (isBinary(column) || isBit(column)) return sql`hex(${id})`;
  return column.type === 'json' ? sql`cast(${id} as char)` : id;
}

/** `(a, b) > (x, y)`, spelled out: MariaDB does not use an index for the comparison of rows. */
function compare(columns: readonly Column[], position: Position, operator: '>' | '<='): Sql {
  const [first, ...rest] = columns as [Column, ...Column[]];
  const [id, value] = [sql.id(first.name), mysqlRows.value(first, position[0] as string)];
  if (rest.length === 0) return sql`${id} ${sql.raw(operator)} ${value}`;
  const strict = sql.raw(operator.slice(0, 1));
  const bound = sql`${id} ${sql.raw(`${operator.slice(0, 1)}=`)} ${value}`;
  return sql`(${bound} and (${id} ${strict} ${value} or ${compare(rest, position.slice(1), operator)}))`;
}

const refersToItself = ({ from, facts }: Removal): boolean =>
  facts.references.some(({ child }) => child.table === from.table && child.schema === from.schema);

/**
 * MySQL neither deletes by a condition that reads the same table, nor answers what it deleted: the rows are locked first,
 * then moved and deleted by their keys.
 */
const goesByKeys = (removal: Removal): boolean =>
  removal.archive !== undefined || removal.from.keepNewest !== undefined || refersToItself(removal);

const lockingRead = ({ from, facts, condition }: Removal) => sql<Record<string, unknown>>`
    select ${positionOf(mysqlRows, facts.key)} from ${tableId(from)} where ${condition} for update`;

const byKeys = (removal: Removal, keys: readonly Position[]): Sql[] =>
  oneAfterTheOther(removal, inKeys(mysqlRows, removal.facts.key, keys));
