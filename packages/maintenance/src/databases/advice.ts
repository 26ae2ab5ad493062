import type { Finding } from './finding.js';
import type { Pauses } from './rows/dialect.js';

/** From where on something is a finding. */
export interface AdviceLimits {
  /** Share of a table's rows that changed since it was analysed, and how many at least. */
  staleShare: number;
  staleRows: number;
  /** Share of dead rows among all, and how many at least. */
  deadShare: number;
  deadRows: number;
  /** Share of a table or index that is air, and how many bytes at least. */
  bloatShare: number;
  bloatBytes: number;
  /** Share of the numbers of a sequence that are used up. */
  exhaustedShare: number;
  /** Transactions since the oldest that is not frozen yet; the database stops at 2^31. */
  transactionIdAge: number;
  multixactAge: number;
  /** How long a transaction may be open, or prepared. Ms. */
  longTransactionMs: number;
  /** What a replication slot that nobody reads, or a write-ahead log, may keep. */
  retainedWalBytes: number;
  /** InnoDB: old versions of rows that are not purged yet. */
  historyList: number;
}

/** What is worth a look on most systems. */
export const adviceLimits: AdviceLimits = {
  staleShare: 0.2,
  staleRows: 5_000,
  deadShare: 0.2,
  deadRows: 50_000,
  bloatShare: 0.4,
  bloatBytes: 32 * 1_048_576,
  exhaustedShare: 0.7,
  transactionIdAge: 500_000_000,
  multixactAge: 800_000_000,
  longTransactionMs: 15 * 60_000,
  retainedWalBytes: 256 * 1_048_576,
  historyList: 500_000,
};

/** What to look at. */
export interface AdviceRequest {
  /** Exact names; null for all tables of the connection's own schema. */
  tables: readonly string[] | null;
  /** Epoch ms: ages are counted from it. */
  asOf: number;
  limits: AdviceLimits;
  /** Read every page and judge whether it is sound; SQLite alone, and as long as that takes. */
  checkIntegrity: boolean;
}

/** What was found. */
export interface Advice {
  findings: Finding[];
  /** What could not be judged, and why. For people. */
  notes: string[];
}

/** A statement that took long, as the database normalised it (no values of anybody's). */
export interface SlowQuery {
  query: string;
  calls: number;
  meanMs: number;
  totalMs: number;
}

/** The statements that took most time in all, and why there are none, or some are left out. */
export interface SlowQueries {
  available: boolean;
  reason: string | null;
  queries: readonly SlowQuery[];
}

/** What came of building an index anew. */
export interface Rebuilt {
  index: string;
  outcome: 'rebuilt' | 'refused' | 'failed' | 'stopped';
  /** Why it was not rebuilt; null when it was. */
  reason: string | null;
  /** Given back to the system; measured. */
  bytes: number;
}

/** An index as it was at some time. */
export interface KnownIndex {
  name: string;
  /** Of this index under this name: no other has it. */
  id: string;
  isValid: boolean;
}

/** What building indexes anew may take; the signal ends it. */
export interface RebuildLimits extends Pauses {
  /** The ids of the table's indexes before the first try; what is there besides may be what a try left. */
  known: readonly string[];
  /** Free room on the disk of the database; null when nobody knows. */
  freeBytes: number | null;
  /** Indexes up to this size are built anew even then. */
  unmeasuredBytes: number;
  /** How long to wait for a lock. Ms. */
  lockTimeoutMs: number;
}

/** One thing that is done to a database. */
export interface UpkeepWork {
  does: 'analyze' | 'vacuum' | 'rebuild' | 'compact';
  table: string | null;
  index?: string;
}

/** What advising on a database, and acting on it, takes. One implementation a dialect. */
export interface DatabaseUpkeep {
  /** The tables of those names that are there; with null, all of the connection's own schema. */
  tables(named: readonly string[] | null): Promise<string[]>;
  advise(request: AdviceRequest): Promise<Advice>;
  slowQueries(limit: number): Promise<SlowQueries>;
  /** The indexes of a table, so that it can be told what a rebuilding left; empty where none can be built anew. */
  indexes(table: string): Promise<KnownIndex[]>;
  /**
   * Builds one index anew, beside its readers and writers where the database can. What an earlier try left is dropped
   * first. Says what went wrong, and never throws for it.
   */
  rebuildIndex(table: string, index: string, limits: RebuildLimits): Promise<Rebuilt>;
  /** Brings the planner's statistics up to date. The signal ends it, where that takes long: it rejects then. */
  analyze(table: string, pauses: Pauses): Promise<void>;
  /** Makes the room of dead rows usable again. The signal ends it: it rejects then. */
  vacuum(table: string, pauses: Pauses): Promise<void>;
  /** The statements that do it, as people would write them; none where nothing is done. */
  statements(work: UpkeepWork): string[];
  /** Gives free pages back, or writes the write-ahead log into the database; for SQLite. */
  compact(pauses: Pauses): Promise<void>;
}
