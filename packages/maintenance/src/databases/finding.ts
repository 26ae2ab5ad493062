/** What an adviser can find. */
export const findingKinds = [
  'stale_statistics',
  'dead_rows',
  'unused_index',
  'duplicate_index',
  'invalid_index',
  'bloated_index',
  'bloated_table',
  'bloated_database',
  'foreign_key_without_index',
  'table_without_primary_key',
  'sequence_exhaustion',
  'transaction_id_age',
  'multixact_age',
  'long_transaction',
  'prepared_transaction',
  'idle_replication_slot',
  'history_list',
  'free_pages',
  'large_wal',
  'damage',
] as const;

/** @see findingKinds */
export type FindingKind = (typeof findingKinds)[number];

/** Those that a run may act on by itself, where the host allows it: what they do needs no undoing. */
export const appliedKinds = ['stale_statistics', 'dead_rows', 'bloated_index', 'free_pages', 'large_wal'] as const;

/** @see appliedKinds */
export type AppliedKind = (typeof appliedKinds)[number];

/** How bad it is: `critical` ends in an outage when nothing is done. */
export type Severity = 'info' | 'warning' | 'critical';

/** Something that a database would be better without. */
export interface Finding {
  /** The same in every run, as long as it is the same finding: `unused_index:events.events_at`. */
  id: string;
  kind: FindingKind;
  severity: Severity;
  /** Null where it is about the database as a whole. */
  table: string | null;
  /** The index, column, sequence, session or slot, where it is about one. */
  object: string | null;
  /** For people, in a sentence. */
  message: string;
  /** What it is concluded from, as the database said it. */
  evidence: Record<string, string | number | boolean | null>;
  /** The evidence was counted from here on, epoch ms; null for what is so right now. */
  countedSince: number | null;
  /** What to think of before applying it. */
  risk: string;
  /** Does away with it; empty where that takes more than statements. In order, each by itself, in no transaction. */
  applySql: string[];
  /** Brings back what `applySql` took; empty where it takes nothing. */
  undoSql: string[];
  /** What applying it gives back, estimated; null where nothing is known or given back. */
  bytes: number | null;
}

/** A finding by its parts; what is not said is absent. */
export function finding(init: Pick<Finding, 'kind' | 'message' | 'risk'> & Partial<Omit<Finding, 'id'>>): Finding {
  const { table = null, object = null } = init;
  const about = [table, object].filter((it) => it !== null).join('.');
  return {
    id: about === '' ? init.kind : `${init.kind}:${about}`,
    severity: 'info',
    evidence: {},
    countedSince: null,
    applySql: [],
    undoSql: [],
    bytes: null,
    ...init,
    table,
    object,
  };
}
