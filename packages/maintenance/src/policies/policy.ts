import type { RedisClient } from '../caches/redis.js';

/** What every policy has. Policies are made by the host application in code; a request only ever names them. */
interface PolicyBase {
  /** Unique among the policies of its kind: 1 to 64 letters, digits, `.`, `_` or `-`. */
  name: string;
  /**
   * The tenants that may have this policy carried out. Absent: every tenant, for what a policy works on is usually
   * shared infrastructure. Runs are kept for, and shown to, the tenant that asked for them.
   */
  tenants?: readonly string[];
}

/**
 * How a time column keeps its instants: `ms` and `s` are epoch milliseconds and seconds in a numeric column; `iso` is
 * text such as `2026-01-31T12:00:00.000Z` (anything else in the column is never deleted); `timestamp` is the database's
 * own type, read as UTC where it knows no zone (SQLite: text as `CURRENT_TIMESTAMP` writes it).
 */
export type TimeUnit = 'ms' | 's' | 'iso' | 'timestamp';

/** Which rows of which table may be deleted: exactly those whose time is before now minus the retention. */
export interface RetentionPolicy extends PolicyBase {
  /** A name among `databases`. */
  database: string;
  /** Exactly as the catalogue spells it. */
  table: string;
  /** PostgreSQL: default the connection's current schema. */
  schema?: string;
  timeColumn: string;
  timeUnit: TimeUnit;
  /** Rows are kept at least this many days, unless a request asks for another number. */
  retentionDays: number;
  /** The least that a request may ask for. Default 1. */
  minRetentionDays?: number;
  /** Holds the tenant's id: a tenant's run then deletes that tenant's rows alone. */
  tenantColumn?: string;
  /** Rows of the first batch; later ones adapt to how long they take. Default 1,000. */
  batchSize?: number;
}

/** Which log files may be rotated. */
export interface LogPolicy extends PolicyBase {
  /** Absolute. */
  directory: string;
  /** Files in that directory (not below it), with `*` and `?`. Default `*.log`. */
  pattern?: string;
  /** Rotate beyond this size. Default 100. 1 MB is 1,048,576 bytes. */
  maxSizeMb?: number;
  /** Rotate what began, or was last written, longer ago. Default 7. */
  maxAgeDays?: number;
  /** Delete rotated files this long after their rotation. Default 30. */
  retentionDays?: number;
  /** The least retention that a request may ask for. Default 1. */
  minRetentionDays?: number;
  /** Keep at most so many rotated files of each log. Default unlimited. */
  keepFiles?: number;
  /** Keep at most so much in rotated files of each log. Default unlimited. */
  maxTotalMb?: number;
  /**
   * Makes the writer of a log open it anew, and resolves when it has. Without it, a rotated file is compressed once no
   * process has it open for writing.
   */
  reopen?: (file: { name: string; rotatedTo: string }) => void | Promise<void>;
}

/** Which directory's stale files may be deleted. */
export interface DirectoryPolicy extends PolicyBase {
  /** Absolute. Files in it and below it, on the same file system; links are never followed. */
  directory: string;
  /** Files unused for longer are stale. */
  maxAgeDays: number;
  /** The least age that a request may ask for. Default 0. */
  minAgeDays?: number;
  /** Which of a file's times count as use; the latest decides. Default `['atime', 'mtime']`. */
  ageBy?: readonly ('atime' | 'mtime' | 'ctime')[];
}

/** Which Redis keys may be deleted. */
export interface RedisCachePolicy extends PolicyBase {
  /** The host's ioredis client. */
  redis: RedisClient;
  /** A Redis glob with at least 3 literal characters in front, e.g. `demo:cache:*`. Or give `prefix`. */
  pattern?: string;
  /** All keys that begin so; at least 3 characters. */
  prefix?: string;
  /** Spare keys used within this time (Redis `OBJECT IDLETIME`). Default: take all. */
  minIdleSeconds?: number;
}

/** A cache: keys in Redis or files in a directory. */
export type CachePolicy = RedisCachePolicy | DirectoryPolicy;

/** Everything that tasks may touch. */
export interface Policies {
  retention: readonly RetentionPolicy[];
  logs: readonly LogPolicy[];
  caches: readonly CachePolicy[];
  directories: readonly DirectoryPolicy[];
}
