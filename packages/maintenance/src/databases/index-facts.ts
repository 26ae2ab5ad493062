/** What a catalogue says of an index, in terms that all databases share. */
export interface IndexFacts {
  table: string;
  name: string;
  /** Its columns or expressions in order, each with what makes it differ (collation, operator class, direction, length): equal texts, equal order. */
  keys: readonly string[];
  /** Columns that are only carried along. */
  included: readonly string[];
  /** `btree`, `hash`, ...: of a btree alone the beginning can serve for the whole. */
  method: string;
  isUnique: boolean;
  /** In what way, where there are several: equal texts, equal promises. */
  uniqueness?: string;
  isPrimary: boolean;
  /** False: queries do not use it. */
  isValid: boolean;
  /** Somebody is at work on it right now. */
  isBuilding: boolean;
  /** A constraint, the identity of replicated rows or a partitioned index stands on it: it cannot be dropped by itself. */
  isNeeded: boolean;
  /** The look-ups of a foreign key use it, and no other index would do. */
  servesForeignKey: boolean;
  /** Of a partitioned table: it has no file, but a part in each partition, and does not work while one has none. */
  isPartitioned?: boolean;
  /** Which rows it has; null for all. */
  predicate: string | null;
  bytes: number | null;
  /** How often it was used since the counting began; null where nobody counts. */
  scans: number | null;
  dropSql: string;
  /** Makes it again, with what was said of it; empty where the catalogue does not say how. */
  createSql: readonly string[];
}

/** Since when the use of indexes has been counted, and whether it was all of it. */
export interface UseCounted {
  /** Epoch ms; null where it is not known. */
  since: number | null;
  /** Why the counts say nothing; null when they do. */
  doubt: string | null;
}
