import type { TimeUnit } from '../policies/policy.js';

/** The rows that a retention policy is about. */
export interface RowSelection {
  table: string;
  timeColumn: string;
  timeUnit: TimeUnit;
  /** Rows strictly before it go. Epoch ms; whole seconds where the column keeps seconds. */
  cutoff: number;
}

/** One column of a primary key. */
export interface KeyColumn {
  name: string;
  /** As the database calls it. */
  type: string;
}

/** What the catalogue says of a registered table. */
export interface TableFacts {
  /** In the order of the key; empty when there is none. */
  key: readonly KeyColumn[];
  /** The type of the time column; undefined when there is no such column. */
  timeType: string | undefined;
  /** Does an index begin with the time column? */
  timeIndexed: boolean;
}

/** Where the last batch ended: the key's values as the database wrote them. */
export type KeyPosition = readonly string[];

/** One batch: rows deleted, and where to go on; null when there is nothing beyond it. */
export interface DeletedBatch {
  deleted: number;
  position: KeyPosition | null;
}

/** Limits of one batch. */
export interface BatchLimits {
  rows: number;
  /** How long a statement may take, and wait for locks. */
  statementTimeoutMs: number;
  lockTimeoutMs: number;
}

/** How much room a table takes. */
export interface TableSize {
  /** On the disk. */
  bytes: number;
  /** Of that: free inside, to be used for new rows. */
  reusableBytes: number;
  /** Some of it is taken from statistics, not measured. */
  approximate: boolean;
}

/** Something the database knows about an index. */
export interface IndexFinding {
  table: string;
  index: string;
  finding: 'unused' | 'duplicate' | 'invalid';
  /** What it takes; null where the database does not tell. */
  bytes: number | null;
  note: string;
}

/** A statement that took long, as the database normalised it (no values of anybody's). */
export interface SlowQuery {
  query: string;
  calls: number;
  meanMs: number;
}

/** Slow queries, or why there are none. */
export interface SlowQueries {
  available: boolean;
  reason: string | null;
  queries: readonly SlowQuery[];
}

/** What maintenance does to a database of the host. One implementation a dialect; `database.kysely` does the talking. */
export interface MaintainedDatabase {
  /** Undefined when the table is not there. */
  describe(selection: Pick<RowSelection, 'table' | 'timeColumn'>): Promise<TableFacts | undefined>;
  /** Does a column of this type keep instants in that unit? */
  keeps(timeType: string, unit: TimeUnit): boolean;
  countRows(selection: RowSelection, timeType: string): Promise<number>;
  /** Deletes, in a transaction of its own, the rows of the selection among the next ones by primary key. */
  deleteBatch(
    selection: RowSelection,
    facts: TableFacts,
    after: KeyPosition | null,
    limits: BatchLimits,
  ): Promise<DeletedBatch>;
  size(table: string): Promise<TableSize>;
  /** Makes the room of deleted rows usable again and brings the statistics up to date, as far as the database has that. */
  vacuum(table: string): Promise<void>;
  /** Brings the planner's statistics up to date, of one table. */
  analyze(table: string): Promise<void>;
  adviseIndexes(tables: readonly string[]): Promise<IndexFinding[]>;
  /** Builds the indexes of a table anew without blocking writers; how many. 0 where the database has no such thing. */
  rebuildIndexes(table: string): Promise<number>;
  slowQueries(limit: number): Promise<SlowQueries>;
}
