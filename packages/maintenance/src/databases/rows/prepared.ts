import type { CheckedRetention } from '../../policies/policy-set.js';
import type { Removal, RowDialect } from './dialect.js';
import type { Along, RowSelection, TableFacts } from './selection.js';

/** A policy that fits its table, as it is found now. */
export interface Prepared {
  readonly name: string;
  /** Its part in plans, progress and logs: `table:main.sessions`, with the policy's name when there are several for a table. */
  readonly target: string;
  /** What is held meanwhile: `table:main.sessions`, however the policy writes the table. */
  readonly resource: string;
  readonly database: string;
  readonly policy: CheckedRetention;
  readonly selection: RowSelection;
  readonly facts: TableFacts;
  readonly dialect: RowDialect;
  /** The table that rows are moved to. */
  readonly archive: Removal['archive'];
  /** What goes with its rows. */
  readonly along: readonly Along[];
}

/** A policy that does not fit its table, or whose table cannot be looked up now, which is no other's fault; and what went wrong. */
export type Unprepared = Pick<Prepared, 'name' | 'policy' | 'selection' | 'dialect'> & { fault: unknown };
