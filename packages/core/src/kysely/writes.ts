import type { RawBuilder } from 'kysely';

/** Values by column. A column that is undefined is an error of the caller. */
export type WriteRow = Record<string, unknown>;

/** New rows of one table. */
export interface InsertRows {
  insert: string;
  /** All of one shape. */
  rows: readonly WriteRow[];
  /** Columns whose values the database reckons, the same for every row; without parameters. */
  computed?: Record<string, RawBuilder<unknown>>;
  /** Skips rows that are there already, under whichever unique key. Default: they are an error. */
  skipExisting?: boolean;
}

/** One write on one table. */
export type Write =
  InsertRows | { update: string; set: WriteRow; where: WriteRow } | { delete: string; where: WriteRow };

/** Writes of one commit. Values are strings, numbers, booleans or null, and no column is of the type `json`. */
export interface WritesTogether {
  /** A row that has to be there, and that nobody else may change meanwhile; otherwise nothing is written at all. */
  holding?: { table: string; where: WriteRow } | undefined;
  /** Has to change exactly one row; otherwise nothing is written at all. */
  guard: Extract<Write, { update: string }>;
  /** What follows from it. No two of them, nor one and the guard, may touch the same row. */
  then: readonly Write[];
}
