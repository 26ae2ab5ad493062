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

/** What maintenance does to a database of the host. One implementation a dialect; `database.kysely` does the talking. */
export interface MaintainedDatabase {
  /** Undefined when the table is not there. */
  describe(table: TableInTime): Promise<TableFacts | undefined>;
  size(table: string): Promise<TableSize>;
  /** Makes the room of deleted rows usable again and brings the statistics up to date, as far as the database has that. */
  vacuum(table: string): Promise<void>;
  /** Brings the planner's statistics up to date, of one table. */
  analyze(table: string): Promise<void>;
}
