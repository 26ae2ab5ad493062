const mebibyte = 1_048_576;

/**
 * What is usual in a second, for plans of what no earlier run has measured: on two cores and a disk that is nobody else's.
 * Rows have the rates of their databases.
 */
export const defaultRates = {
  /** Files looked at, and removed where they are to go. */
  files: 10_000,
  /** Keys of Redis, at the usual duty cycle. */
  keys: 20_000,
  /** Entries of caches in memory. */
  entries: 1_000_000,
  /** Logs given another name, with their hooks. */
  logs: 100,
  /** Bytes of logs compressed and read back. */
  compressed: 40 * mebibyte,
  /** Bytes of a database dumped, compressed and restored. */
  dumped: 10 * mebibyte,
  /** Bytes of dumps unpacked and restored. */
  restored: 20 * mebibyte,
  /** Backups removed. */
  backups: 100,
  /** Partitions dropped. */
  partitions: 5,
  /** Bytes of tables whose statistics are brought up to date: a sample is read. */
  analyzed: 500 * mebibyte,
  /** Bytes of tables vacuumed. */
  vacuumed: 50 * mebibyte,
  /** Bytes of tables of which one index is built anew. */
  rebuilt: 30 * mebibyte,
  /** Bytes of files whose free pages are given back. */
  compacted: 50 * mebibyte,
  /** Packages updated. */
  packages: 0.2,
  /** Digests sent. */
  digests: 1,
} as const;

/** How long so much takes at so much a second. Ms. */
export const msFor = (amount: number, perSecond: number): number => Math.ceil((amount / perSecond) * 1_000);
