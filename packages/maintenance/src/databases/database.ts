import type { TimeUnit } from '../policies/policy.js';

/** Where a registered table is. */
export interface TableName {
  schema?: string | undefined;
  table: string;
}

/** What the catalogue says of a table. */
export interface TableFacts {
  /** The schema it was found in; empty where the database has none (SQLite). */
  schema: string;
  table: string;
  /** By column name, the declared type in lower case. */
  columns: ReadonlyMap<string, string>;
  /** In the order of the key; empty without one. */
  primaryKey: readonly string[];
  /** First columns of its usable indexes, the primary key's included. */
  leadingIndexColumns: ReadonlySet<string>;
  /** Estimated by the database. */
  rows: number;
  /** Further facts that only this dialect's own files read. */
  rowIdentity: string;
}

/** Which rows of a table are due: their time lies before `before`, null never does. */
export interface DueRows {
  facts: TableFacts;
  timeColumn: string;
  timeUnit: TimeUnit;
  /** Epoch ms, exclusive. */
  before: number;
  /** Only this tenant's rows. */
  tenant?: { column: string; value: string } | undefined;
}

/** Sizes in bytes. */
export interface TableSize {
  /** What the file system gives to the table (SQLite: to the database file). */
  bytes: number;
  /** Of these, free for new rows; null when the database does not tell. */
  reusableBytes: number | null;
}

/** What an upkeep operation came to. */
export interface Upkeep {
  /** Its statements, in order, for people to read. */
  statements: string[];
  /** Why something was left out or failed; empty when all is well. */
  notes: string[];
}

/** One piece of advice on an index. Nothing is dropped. */
export interface IndexFinding {
  table: string;
  index: string;
  finding: 'unused' | 'duplicate' | 'invalid';
  advice: string;
}

/** One kind of statement that took much time. */
export interface SlowQuery {
  /** Normalised by the database: constants are replaced. */
  query: string;
  calls: number;
  meanMs: number;
  totalMs: number;
}

/** A database of the host's, as maintenance works on it. Picked by dialect in `maintain.ts`; siblings have the same files. */
export interface MaintainedDatabase {
  readonly dialect: 'sqlite' | 'postgres' | 'mysql';
  /** A table by its exact name; undefined when there is none. */
  describe(name: TableName): Promise<TableFacts | undefined>;
  /** How many rows are due. */
  countDue(rows: DueRows): Promise<number>;
  /**
   * Deletes up to `limit` due rows in one short transaction that gives way to others.
   * @throws BATCH_TIMED_OUT when it took longer than a batch may
   */
  deleteBatch(rows: DueRows, limit: number, policy: string): Promise<number>;
  size(facts: TableFacts): Promise<TableSize>;
  /** Makes the room of deleted rows usable again and brings statistics up to date; `rebuild` also where that locks the table. */
  vacuum(facts: TableFacts, options: { rebuild: boolean }): Promise<Upkeep>;
  updateStatistics(facts: TableFacts): Promise<Upkeep>;
  rebuildIndexes(facts: TableFacts, signal: AbortSignal): Promise<Upkeep & { rebuilt: number }>;
  adviseIndexes(facts: TableFacts): Promise<IndexFinding[]>;
  /** The slowest kinds of statement; `available: false` with the reason where the database keeps no record. */
  slowQueries(limit: number): Promise<{ available: boolean; reason: string | null; queries: SlowQuery[] }>;
}
