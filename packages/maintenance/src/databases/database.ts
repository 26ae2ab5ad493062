import type { TableFacts, TableInTime } from './rows/selection.js';

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
  describe(table: TableInTime): Promise<TableFacts | undefined>;
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
