import type { Expression, ExpressionBuilder, RawBuilder, SqlBool } from 'kysely';
import type { TimeUnit } from '../../policies/time-unit.js';

/** SQL, or a part of it, with its values bound. */
export type Sql = RawBuilder<unknown>;

/** A table by its exact name. */
export interface TableName {
  /** Default the connection's own. */
  schema?: string | undefined;
  table: string;
}

/**
 * What else must hold for a row to be deleted, besides its age. Called anew for each plan and run: a plan is refused when
 * the values in it have changed meanwhile, other than a `Date`.
 *
 * @example where: (eb) => eb('state', '=', 'ended')
 */
// A host types it by its own tables: `where: (eb: ExpressionBuilder<Tables, 'sessions'>) => …`.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type RowPredicate = (eb: ExpressionBuilder<any, any>) => Expression<SqlBool>;

/** Values that columns of a row must have just so. */
export type RowMatch = Readonly<Record<string, string | number>>;

/** A foreign key that refers to the table which is being cleaned. */
export interface Reference {
  child: TableName;
  childColumns: readonly string[];
  /** Those of the table referred to, in the same order. */
  columns: readonly string[];
  onDelete: 'cascade' | 'set null' | 'set default' | 'restrict';
  /** Does an index of the child begin with the first of its columns? */
  indexed: boolean;
}

/** The newest rows, which stay however old they are. */
export interface KeepNewest {
  count: number;
  /** So many for each value of this column; rows without a value stay. Default: of the whole table. */
  per?: string;
}

/** A table, and the column that says how old its rows are. */
export interface TableInTime extends TableName {
  timeColumn: string;
}

/** The rows that a retention policy is about. */
export interface RowSelection extends TableInTime {
  timeUnit: TimeUnit;
  /** Rows strictly before it go. Epoch ms; whole seconds where the column keeps seconds. */
  cutoff: number;
  match?: RowMatch | undefined;
  where?: RowPredicate | undefined;
  keepNewest?: KeepNewest | undefined;
}

/** One column, as the database calls its type. */
export interface Column {
  name: string;
  type: string;
  /** The type with its sizes, and the characters that its texts may have, where `type` leaves them out. */
  declared?: string;
  charset?: string;
  /** Computed by the database: cannot be written. */
  generated?: boolean;
}

/** Rows of another table that belong to the rows of a policy. */
export interface RowsAlong {
  /** Exact name; in the schema of the policy's table. */
  table: string;
  /** By which of its columns they belong to a row, and which of the row's each of these equals. */
  columns: Readonly<Record<string, string>>;
}

/** The same, with what the catalogue says of it. */
export interface Along {
  reference: Reference;
  /** The key of the other table. */
  key: readonly Column[];
}

/** A part of a table whose rows are all older than an instant that the catalogue knows. */
export interface Partition {
  name: string;
  schema?: string | undefined;
  /** Where it ends, as the catalogue writes it: all of its rows are before. */
  upTo: string;
  /** Has it no lower bound? What is before all instants is in it then. */
  isFirst?: boolean;
  /** Is it the last that there is? A table that cannot be without any has it emptied, and keeps it. */
  isLast?: boolean;
  /** What it takes on the disk. */
  bytes: number;
}

/** What the catalogue says of a registered table. */
export interface TableFacts {
  /** In the order of the key; empty when there is none. */
  key: readonly Column[];
  columns: readonly Column[];
  /** The type of the time column; undefined when there is no such column. */
  timeType: string | undefined;
  /** The columns of each index that can be walked, in its order. */
  indexes: readonly (readonly string[])[];
  /** From whom rows of the table are referred to. */
  references: readonly Reference[];
  /** Partitioned by ranges of the time column alone, or of what grows with it. */
  partitionedByTime: boolean;
  /** A trigger that is told of rows which are deleted, and not of partitions which are dropped; looked for where there are some. */
  deleteTrigger?: string | undefined;
  /** Rows, from the database's statistics; null when it keeps none. */
  estimatedRows: number | null;
}

/** Where a walk is: the values of its columns as text that loses nothing. */
export type Position = readonly string[];
