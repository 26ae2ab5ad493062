import type { Database } from '@dotmac/core/kysely';
import type { BackupPolicy } from '../backups/policy.js';
import type { KeepNewest, RowMatch, RowPredicate, RowsAlong, TableName } from '../databases/rows/selection.js';
import type { MemoryCache } from '../caches/memory.js';
import type { RedisClient } from '../caches/redis/client.js';
import type { AppliedKind } from '../databases/finding.js';
import type { DirectoryPolicy } from './directory-policy.js';
import type { LogPolicy } from './log-policy.js';
import type { NamedPolicy } from './named-policy.js';
import type { TimeUnit } from './time-unit.js';

/** Rows of one table that may be deleted once they are old. */
export interface RetentionPolicy extends NamedPolicy {
  /** The key of the database in `databases`. */
  database: string;
  /** Exact name. Looked up in the catalogue before every use. */
  table: string;
  /** Of the table, when it is not the connection's own: a schema of PostgreSQL, a database of MySQL, one attached to SQLite. */
  schema?: string;
  /** Rows go whose value in it is before the cutoff; null never is. */
  timeColumn: string;
  /** Default `ms`. */
  timeUnit?: TimeUnit;
  /** Days to keep when a request does not say. */
  retentionDays: number;
  /** A request, plan or schedule may not ask for less. Default `retentionDays`: it may only ask for more. */
  minRetentionDays?: number;
  /**
   * A request for fewer days that does not name this policy is no fault: the policy keeps `retentionDays` then. One that names
   * it is refused. Default false: both are. Not with a `minRetentionDays` below `retentionDays`, which would let it ask for fewer.
   */
  keepsOwnDays?: boolean;
  /**
   * Only rows with just these values in these columns, as the column compares (MySQL and MariaDB: by its collation). An index
   * helps that has some of them before the time column, besides one that begins with the time column.
   *
   * @example match: { state: 'ended' }
   */
  match?: RowMatch;
  /** What else must hold for a row to go. It narrows: it is bound, and stands in parentheses. */
  where?: RowPredicate;
  /** So many of the newest rows stay however old they are: of the table, or of each value of a column. Rows at one instant count by their key (SQLite: by the rowid, where the table has one). */
  keepNewest?: number | KeepNewest;
  /**
   * Rows of other tables that belong to a row, and go with it: in its batch, before it, up to 500 at a time, so that a row with
   * more of them goes in several batches. As by a foreign key with `on delete cascade`, which there need not be; with `archive`
   * they cannot be named. An index of each must begin with its columns. Default none.
   */
  along?: readonly RowsAlong[];
  /** Rows are kept there before they go: a table of the same database that has all of its columns, or files in a directory. Default they just go. */
  archive?: TableName | { directory: string };
  /** The share of the table that may go in one run before somebody has to confirm it, above 0 to 1. Default 0.5. */
  maxShare?: number;
  /** Cleans a table although no index begins with its time column: every run reads all of it. Default false. */
  allowFullScan?: boolean;
}

/** Redis keys that may be removed at any time, by a pattern with at least three literal characters in front. */
export interface RedisCachePolicy extends NamedPolicy {
  /** A client of a single node, of a cluster or through sentinels. One with ioredis's `keyPrefix` is refused by the run. */
  redis: () => RedisClient | Promise<RedisClient>;
  /** As `MATCH` of SCAN takes it: `demo:cache:*`. */
  pattern: string;
  /** `remove` (the default), or `expire`: keys without a time to live get one, and none is removed. */
  action?: 'remove' | 'expire';
  /** For `expire`: the time to live, spread upwards by a tenth. Default 86,400. */
  ttlSeconds?: number;
  /** Only keys that nobody read or wrote for so long. Default all. Needs a `maxmemory-policy` that is not LFU. */
  minIdleSeconds?: number;
  /** Only keys that take at least so much. Default all. */
  minBytes?: number;
  /** The share of time that a server may be kept at it, above 0, to 1. Default 0.2. */
  dutyCycle?: number;
  /**
   * More than this share of all keys of the database (and more than `unaskedItems`) waits for somebody's confirmation; above 0, to 1.
   * They are counted first then, which takes as long as removing them, and says how long the rest will take. Default: all
   * may go uncounted, for what keeps a cache may lose it.
   */
  maxShare?: number;
}

/** A cache in the memory of the process that runs the task. */
export interface MemoryCachePolicy extends NamedPolicy {
  /** The cache; asked for at each run. An lru-cache fits as it is. */
  memory: () => MemoryCache;
  /** What goes: `stale` entries (the default), or `all`. */
  remove?: 'stale' | 'all';
  /**
   * For `all`: more than this share of the entries (and more than `unaskedItems`) waits for somebody's confirmation; above 0, to 1.
   * Default 1: all may go. Of `stale` ones nobody asks: what has expired is nobody's any more.
   */
  maxShare?: number;
}

/** A cache that may be cleared. */
export type CachePolicy = RedisCachePolicy | MemoryCachePolicy | DirectoryPolicy;

/** A database that `performance_optimization` may look at beyond the tables of retention policies. */
export interface UpkeepPolicy extends NamedPolicy {
  /** The key of the database in `databases`. */
  database: string;
  /** Exact names of tables. Default all of the connection's own schema. */
  tables?: readonly string[];
  /** What a run may do by itself, when it is asked to. Default nothing: it advises. */
  apply?: readonly AppliedKind[];
  /** Free room on the disk of the database, in bytes. Without it only indexes up to 256 MiB are built anew. */
  freeBytes?: () => number | Promise<number>;
}

/** Packages whose updates `security_updates` reports, and applies where that is allowed. */
export interface UpdatePolicy extends NamedPolicy {
  /** `apt`: those of this machine, Debian or Ubuntu. `npm`: those of a project with a lock file. */
  manager: 'apt' | 'npm';
  /** For `npm`: where the project is. Absolute. */
  directory?: string;
  /** What a run may apply when it is asked to: updates of security, or nothing (the default). */
  apply?: 'nothing' | 'security';
  /**
   * The share of the pending updates that may be applied in one run before somebody has to confirm it, when they are more than
   * `unaskedItems`; above 0, to 1. Default 0.5.
   */
  maxShare?: number;
  /** For `apt`: ask the archives what is new before each look. Needs root. Default false. */
  refresh?: boolean;
  /** Options in front of every command of the package manager. */
  options?: readonly string[];
}

/** All that the host lets maintenance touch. A request names policies, never a path, table or pattern. */
export interface MaintenancePolicies {
  /** Databases by name, for `retention` and `upkeep`. Pools need two connections: one cancels what the other is at. */
  databases?: Record<string, Database>;
  /** What `performance_optimization` looks at beyond the tables of `retention`, and may do. Default nothing. */
  upkeep?: readonly UpkeepPolicy[];
  /** Packages that `security_updates` reports on, and may bring up to date. Default none. */
  updates?: readonly UpdatePolicy[];
  /** Rows that `database_cleanup` deletes once they are old. Default none. */
  retention?: readonly RetentionPolicy[];
  /** Logs that `log_rotation` rotates. Default none. */
  logs?: readonly LogPolicy[];
  /** What `cache_cleanup` cleans: in Redis, in memory, in files. Default nothing. */
  caches?: readonly CachePolicy[];
  /** What `disk_cleanup` may delete from, e.g. directories of uploads that were never finished. Default nothing. */
  directories?: readonly DirectoryPolicy[];
  /** Databases that `backup_management` dumps. Default none. */
  backups?: readonly BackupPolicy[];
}
