import { sql } from 'kysely';
import type { RowDialect } from '../rows/dialect.js';
import { tableId } from '../rows/due.js';
import { executed, oneAfterTheOther } from '../rows/moved.js';
import type { Sql } from '../rows/selection.js';
import { columnsOf, describeTable } from './catalogue.js';
import { extentOf } from './extent.js';
import { giveBack } from './give-back.js';
import { withLargeCache } from './large-cache.js';
import { fileSize, pragma } from './upkeep.js';

/** As `quote()` writes them: numbers, texts, blobs. */
const literal = /^(?:-?\d+(?:\.\d*)?(?:e[+-]?\d+)?|'(?:[^']|'')*'|x'[0-9a-f]*'|NULL)$/i;

const dayMs = 86_400_000;
/** As `julianday()` says it, by the very same division. */
const julianDay = (instant: number): number => (instant + 210_866_760_000_000) / dayMs;

/** Only what begins with a date is an instant: SQLite reads '12:30' and 'now' as times too. */
const isDated = (column: Sql): Sql =>
  sql`${column} glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' and typeof(${column}) = 'text'`;

/** SQLite, from version 3.38. */
export const sqliteRows: RowDialect = {
  rowsPerSecond: 60_000,
  sizesMeasured: true,
  dropsInTransaction: true,
  countedAtOnce: 20_000,
  // Its statements run in this process's own thread, and keep all other writers waiting: batches are shorter.
  pace: {
    firstRows: 500,
    leastRows: 10,
    mostRows: 20_000,
    // The longer, the more rows share the pages of an index that are written for them.
    leastMs: 60,
    mostMs: 120,
    restShare: 0.02,
    leastRestMs: 1,
    statementTimeoutMs: 0,
    lockTimeoutMs: 0,
  },
  besideOthers: {
    // A rest is long enough for who waits in steps of milliseconds to come in between.
    pace: { leastMs: 25, mostMs: 60, restShare: 0.1, leastRestMs: 4 },
    // Who writes on this connection has its turn between any two statements, rest or none.
    leavesOutOwn: true,
    written: async (db, { schema }) => String(await pragma(db, 'data_version', schema)),
  },
  describe: describeTable,
  columnsOf,
  extentOf,
  // A text column would compare numbers as text.
  keeps: (timeType, unit) =>
    unit === 'timestamp'
      ? /CHAR|CLOB|TEXT|DATE|TIME/.test(timeType)
      : timeType !== '' && !/CHAR|CLOB|TEXT|BLOB/.test(timeType),
  walkable: () => true,
  isInteger: ({ type }) => type === 'ROWID',
  compareTime({ timeColumn, timeUnit }, _, operator, instant) {
    const column = sql.id(timeColumn);
    const compared = sql.raw(operator);
    if (timeUnit !== 'timestamp') {
      const limit = sql`${column} ${compared} ${timeUnit === 'ms' ? instant : Math.floor(instant / 1000)}`;
      // Texts and blobs sort after all numbers: only beyond an instant do they have to be told apart, which costs a
      // deletion as much again as the rest of it.
      return operator === '<' ? limit : sql`${limit} and ${column} < ''`;
    }
    // As text, and a day off because of zones: what an index can answer.
    const near = new Date(instant + (operator === '<' ? 2 : -2) * dayMs).toISOString().slice(0, 10);
    // A date alone is a day, as on other databases: old when the whole of it is.
    return sql`${column} ${compared} ${near} and ${isDated(column)} and julianday(${column}) ${compared}
        case length(${column}) when 10 then ${julianDay(Math.floor(instant / dayMs) * dayMs)} else ${julianDay(instant)} end`;
  },
  hasInstant: (column, unit) =>
    unit === 'timestamp' ? sql`${isDated(column)} and julianday(${column}) is not null` : sql`${column} < ''`,
  instant: (column, unit) => (unit === 'timestamp' ? sql`julianday(${column})` : column),
  // Literals as SQLite itself writes them: exact for integers beyond 2^53, which JavaScript's numbers are not.
  text: (_, reference) => sql`quote(${reference})`,
  value(_, text) {
    if (/^-?\d+$/.test(text)) return sql`${BigInt(text)}`;
    if (!literal.test(text)) throw new TypeError('A position is not one that SQLite wrote.');
    return sql.raw(text);
  },
  compare(columns, position, operator) {
    const values = columns.map((column, index) => this.value(column, position[index] as string));
    return sql`(${sql.join(columns.map(({ name }) => sql.id(name)))}) ${sql.raw(operator)} (${sql.join(values)})`;
  },
  rowList: (rows) => sql`values ${rows}`,
  line(_, columns) {
    const pairs = columns.map(({ name }): Sql => {
      const value = sql`case typeof(${sql.id(name)}) when 'blob' then hex(${sql.id(name)}) else ${sql.id(name)} end`;
      return sql`json_quote(${name}) || ':' || json_quote(${value})`;
    });
    return sql`'{' || ${sql.join(pairs, sql` || ',' || `)} || '}'`;
  },
  transaction: (db, _, work) => db.transaction().execute(work),
  read: (db, _, work) => work(db),
  removing: (removal) => oneAfterTheOther(removal, removal.condition),
  // Nobody else writes in between: the transaction began with the write lock.
  remove: (trx, removal) => executed(trx, oneAfterTheOther(removal, removal.condition)),
  forBatches: withLargeCache,
  /**
   * The log begins anew. The commit has written it back already, without keeping anybody from writing; but whoever did write
   * meanwhile kept the log from being used again, so that it would grow for as long as rows go, and every writer's commit would
   * write back a part of it.
   */
  async afterBatch(db) {
    await sql`pragma wal_checkpoint(restart)`.execute(db);
  },
  forUpdate: sql``,
  expectRows: () => Promise.resolve(null),
  async explain(db, statement) {
    const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(db);
    return rows.map(({ detail }) => detail);
  },
  oldPartitions: () => Promise.resolve([]),
  endlessPartitions: () => Promise.resolve([]),
  partitionId: (selection) => tableId(selection),
  timeless: () => null,
  dropping: () => [],
  dropPartition: () => Promise.reject(new Error('SQLite has no partitions.')),
  size: (db, { schema }) => fileSize(db, schema),
  giveBack,
  async analyze(db, table) {
    await sql`pragma analysis_limit = 1000`.execute(db);
    await sql`analyze ${tableId(table)}`.execute(db);
  },
  async isOwn(db, { schema, table }) {
    if (schema !== 'main') return false;
    // A temporary table hides the other one of its name.
    const { rows } = await sql`select 1 from sqlite_temp_master where name = ${table} collate nocase`.execute(db);
    return rows.length === 0;
  },
  async foreignKeysOff(db) {
    const { rows } = await sql<{ foreign_keys: number }>`pragma foreign_keys`.execute(db);
    return rows[0]?.foreign_keys !== 1;
  },
};
