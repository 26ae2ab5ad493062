import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '@dotmac/core';
import type { TableSize } from '../database.js';
import type { Extent } from './extent.js';
import type {
  Column,
  Partition,
  Position,
  RowSelection,
  Sql,
  TableFacts,
  TableInTime,
  TableName,
} from './selection.js';
import type { TimeUnit } from '../../policies/time-unit.js';

/** Limits of one batch. */
export interface BatchLimits {
  /** How long a statement may take, and wait for locks. Ms. */
  statementTimeoutMs: number;
  lockTimeoutMs: number;
}

/** How batches are cut: until one takes between `leastMs` and `mostMs`. */
export interface BatchPace extends BatchLimits {
  /** Rows of the first batch. */
  firstRows: number;
  leastRows: number;
  mostRows: number;
  leastMs: number;
  mostMs: number;
  /** Between batches the database is left to others: so long, as a share of the last one's time, but at least so long. */
  restShare: number;
  leastRestMs: number;
}

/** How work is considerate of others who write to the same database. */
export interface BesideOthers {
  /** What of the pace is otherwise while somebody writes. */
  pace: Partial<BatchPace>;
  /** It is another text after every commit of anybody. */
  written(db: Kysely<unknown>, table: TableName): Promise<string>;
  /** Do commits on this connection leave it as it was? Default: it counts all. */
  leavesOutOwn?: true;
}

/** Lets others work between steps. */
export interface Pauses {
  clock: Clock;
  signal: AbortSignal;
  /** Asked between steps: waits while the application is under pressure. Default: nothing is waited for. */
  relief?: () => Promise<void>;
}

/** What goes in one batch. */
export interface Removal {
  from: RowSelection;
  facts: TableFacts;
  /** All that must hold for a row to go. */
  condition: Sql;
  /** The rows go there instead of nowhere. Has the columns of the table. */
  archive?: { to: TableName; columns: readonly string[] } | undefined;
}

/** What one may want to do with a table. */
export interface Want {
  table: TableName;
  privileges: readonly ('SELECT' | 'DELETE' | 'INSERT' | 'UPDATE')[];
}

/** Where databases differ when rows are looked for and removed. */
export interface RowDialect {
  readonly pace: BatchPace;
  /** Undefined where the pace is the same whoever writes. */
  readonly besideOthers?: BesideOthers;
  /** What is believed of the speed of deleting, for forecasts before anything was measured. */
  readonly rowsPerSecond: number;
  /** Do sizes come from the system, and not from the database's statistics? */
  readonly sizesMeasured: boolean;
  /** How many rows are counted by one statement, where that keeps the process waiting; null where it does not. */
  readonly countedAtOnce: number | null;
  /** Undefined when the table is not there. */
  describe(db: Kysely<unknown>, table: TableInTime): Promise<TableFacts | undefined>;
  /** Of any table; empty when it is not there. */
  columnsOf(db: Kysely<unknown>, table: TableName): Promise<Column[]>;
  /**
   * Rejects when the user may not do a statement, and waits for no lock. Undefined where the catalogue shows what is there
   * to those, too, who may not read it.
   */
  mayDo?(db: Kysely<unknown>, statement: Sql): Promise<void>;
  /** The GRANTs that are missing for all that is wanted. Undefined where an error of the database names them. */
  lacking?(db: Kysely<unknown>, wants: readonly Want[]): Promise<string[]>;
  /** Is a partition dropped in the transaction in which the lease is looked at? */
  readonly dropsInTransaction: boolean;
  /** What a column can keep. */
  extentOf(column: Column): Extent;
  /** Does a column of this type keep instants in that unit? */
  keeps(timeType: string, unit: TimeUnit): boolean;
  /** Can positions in a column of this type be written without loss? */
  walkable(column: Column): boolean;
  isInteger(column: Column): boolean;
  /** The column compared with an instant (epoch ms); never true for null, or what is no instant. */
  compareTime(selection: RowSelection, timeType: string, operator: '<' | '>=', instant: number): Sql;
  /** Holds of instants; of null, and of what would sort after all instants and is none, never. */
  hasInstant(column: Sql, unit: TimeUnit, timeType: string): Sql;
  /** What instants sort by. */
  instant(column: Sql, unit: TimeUnit): Sql;
  /** A column's value as text that loses nothing, and back. */
  text(column: Column, reference: Sql): Sql;
  value(column: Column, text: string): Sql;
  /** Are the columns beyond, or not beyond, a position? */
  compare(columns: readonly Column[], position: Position, operator: '>' | '<='): Sql;
  /** Rows of values, as the right side of IN. */
  rowList(rows: Sql): Sql;
  /** A row as one line of JSON that loses nothing. */
  line(table: TableName, columns: readonly Column[]): Sql;
  /** Runs `work` in a transaction of its own, within the limits. */
  transaction<Result>(
    db: Kysely<unknown>,
    limits: BatchLimits,
    work: (trx: Transaction<unknown>) => Promise<Result>,
  ): Promise<Result>;
  /** Reads on one connection, within the limits; nothing is locked or changed. */
  read<Result>(
    db: Kysely<unknown>,
    limits: BatchLimits,
    work: (connection: Kysely<unknown>) => Promise<Result>,
  ): Promise<Result>;
  /** What removes a batch, in its order; of rows that go by their keys, which are read first, with these. */
  removing(removal: Removal, keys: readonly Position[]): Sql[];
  /** Deletes, or moves into the archive. How many. */
  remove(trx: Transaction<unknown>, removal: Removal): Promise<number>;
  /** Does `work`, which is many batches, on a database that is set up for them meanwhile. Default: it is as it is. */
  forBatches?<Result>(db: Kysely<unknown>, table: TableName, work: () => Promise<Result>): Promise<Result>;
  /** What a batch leaves to be done outside of its transaction, so that it does not fall to whoever writes next. */
  afterBatch?(db: Kysely<unknown>): Promise<void>;
  /** Locks for rows that are read to be deleted. */
  readonly forUpdate: Sql;
  /** How many rows the database's planner expects; null where it does not tell. */
  expectRows(db: Kysely<unknown>, from: Sql, condition: Sql): Promise<number | null>;
  /** The plan of a statement, a line a step. Does not execute it. */
  explain(db: Kysely<unknown>, statement: Sql): Promise<string[]>;
  /** Partitions whose rows are all due. */
  oldPartitions(db: Kysely<unknown>, selection: RowSelection, facts: TableFacts): Promise<Partition[]>;
  /** Partitions that have no end, so that none of their rows ever goes with one. */
  endlessPartitions(db: Kysely<unknown>, table: TableName): Promise<Pick<Partition, 'name' | 'schema'>[]>;
  /** A partition, to be read from. */
  partitionId(selection: RowSelection, partition: Pick<Partition, 'name' | 'schema'>): Sql;
  /** What holds of the rows of a partition whose time is no instant; null when it can have none. */
  timeless(selection: RowSelection, timeType: string, partition: Partition): Sql | null;
  /** What drops a partition, in its order. */
  dropping(table: TableName, partition: Partition): Sql[];
  /** Removes one, with all that is in it; of one that is the last, all that is in it. */
  dropPartition(
    db: Kysely<unknown>,
    selection: RowSelection,
    partition: Partition,
    limits: BatchLimits,
    confirm: (trx: Transaction<unknown>) => Promise<void>,
  ): Promise<void>;
  /** How much room the table takes; on SQLite the whole file that it is in. */
  size(db: Kysely<unknown>, table: TableName): Promise<TableSize>;
  /** After rows went: makes their room usable or gives it back, as far as the database has that. In small steps. */
  giveBack(db: Kysely<unknown>, table: TableName, pauses: Pauses): Promise<void>;
  /** Brings the planner's statistics of the table up to date. */
  analyze(db: Kysely<unknown>, table: TableName, pauses: Pauses): Promise<void>;
  /** Is that the table which the connection finds when no schema is given? */
  isOwn(db: Kysely<unknown>, table: Required<TableName>): Promise<boolean>;
  /** Does this connection let rows refer to nothing? (SQLite does, unless told otherwise.) */
  foreignKeysOff(db: Kysely<unknown>): Promise<boolean>;
}
