import { isIP } from 'node:net';
import { Kysely, MysqlDialect, PostgresDialect, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { systemClock, type Clock } from '../clock.js';
import { coreErrors } from '../errors/core-errors.js';
import { silentLogger, type Logger } from '../logger.js';
import { parseConnectionUrl, refuse } from './connection-url.js';
import { createDatabase, type Database } from './database.js';
import { dialectTraits, type DialectName } from './dialect.js';
import { importDriver } from './driver-import.js';
import { unavailable } from './errors.js';
import { guardMysqlPool, guardPgPool, type Mysql2Pool, type PgPool } from './pools.js';
import { SqliteDriver, type SqliteHandle } from './sqlite-driver.js';

/** Options of every database. */
export interface DatabaseOptions {
  /** Measures deadlines and waits between retries. Default the system's. */
  clock?: Clock;
  /** Told of idle connections that broke. Default silent. */
  logger?: Logger;
}

/** Options of {@link sqlite}. */
export interface SqliteOptions extends DatabaseOptions {
  /** How long to wait for another process's write. Default 5,000 ms. */
  busyTimeoutMs?: number;
  /** How long to wait for another transaction of this process. Default 10,000 ms. */
  acquireTimeoutMs?: number;
}

/**
 * Options of {@link postgres} and {@link mysql}. The limits of a host's own pool are the host's, save
 * `queryTimeoutMs` and `acquireTimeoutMs` on MySQL.
 */
export interface PoolOptions extends DatabaseOptions {
  /** Connections at most. Default 10. */
  poolSize?: number;
  /** Waiting for a connection, new or free. Default 5,000 ms. */
  acquireTimeoutMs?: number;
  /** One statement. Default 30,000 ms. */
  queryTimeoutMs?: number;
  /**
   * TLS, as the driver takes it; `true` verifies the server's certificate and name. Default none. Given an object, mysql2
   * compares names with `verifyIdentity` alone.
   */
  ssl?: boolean | { ca?: string; cert?: string; key?: string; rejectUnauthorized?: boolean; verifyIdentity?: boolean };
}

/**
 * A SQLite database through better-sqlite3. A file is opened at the first query, with WAL, `synchronous=normal` and
 * foreign keys on;
 * for a handle of the host's its file is opened a second time, so that what the host writes is never part of a transaction
 * of ours; an in-memory one is used as it is and not closed, and must not be written to while ours write.
 * @throws DRIVER_MISSING at the first query, when better-sqlite3 is not installed
 */
export function sqlite(fileOrHandle: string | SqliteHandle, options: SqliteOptions = {}): Database {
  const { clock = systemClock, busyTimeoutMs = 5_000, acquireTimeoutMs = 10_000 } = options;
  const file = typeof fileOrHandle === 'string' ? fileOrHandle : fileOrHandle.name;
  const own = typeof fileOrHandle === 'string' || (file !== undefined && file !== '' && file !== ':memory:');
  const open = async (): Promise<SqliteHandle> => {
    if (!own) return fileOrHandle as SqliteHandle;
    const { default: Sqlite } = await importDriver('better-sqlite3', 'SQLite', () => import('better-sqlite3'));
    try {
      // SQLite's own busy timeout blocks the event loop: only for the shortest of overlaps, the driver waits for the
      // rest.
      const handle = new Sqlite(file, { timeout: 2 });
      await enableWal(handle, clock);
      handle.pragma('synchronous = normal');
      handle.pragma('foreign_keys = on');
      return handle;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_FAILED')
        throw coreErrors.DRIVER_UNUSABLE({ packageName: 'better-sqlite3' }, { cause: error });
      throw unavailable('opening the SQLite file', error);
    }
  };
  const kysely = new Kysely<unknown>({
    dialect: {
      createDriver: () => new SqliteDriver(open, { clock, busyTimeoutMs, acquireTimeoutMs }, own),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createAdapter: () => new SqliteAdapter(),
      createIntrospector: (db) => new SqliteIntrospector(db),
    },
  });
  return opened('sqlite', kysely, { clock, owned: true, connections: 1 });
}

/** Several processes that open one new file at once: all but one find it locked while it changes to WAL. */
async function enableWal(handle: { pragma(source: string): unknown; close(): void }, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      handle.pragma('journal_mode = wal');
      return;
    } catch (error) {
      if (attempt === 100) {
        handle.close();
        throw error;
      }
      await clock.sleep(20);
    }
  }
}

/**
 * A PostgreSQL database through pg, by URL or on a pool of the host's (which is not closed).
 * @throws INVALID_ARGUMENT when the URL is not understood
 * @throws DRIVER_MISSING at the first query, when pg is not installed
 */
export function postgres(urlOrPool: string | PgPool, options: PoolOptions = {}): Database {
  const {
    clock = systemClock,
    logger = silentLogger,
    poolSize = 10,
    acquireTimeoutMs = 5_000,
    queryTimeoutMs = 30_000,
  } = options;
  const parts =
    typeof urlOrPool === 'string' ? parseConnectionUrl(urlOrPool, ['postgres', 'postgresql'], 5432) : undefined;
  const connections = typeof urlOrPool === 'string' ? poolSize : (urlOrPool.options?.max ?? null);
  const createPool = async () => {
    const { default: pg } = await importDriver('pg', 'PostgreSQL', () => import('pg'));
    if (!parts) return guardPgPool(urlOrPool as PgPool, pg.types);
    const pool = new pg.Pool({
      ...parts,
      max: poolSize,
      connectionTimeoutMillis: acquireTimeoutMs,
      query_timeout: queryTimeoutMs,
      // The server gives up a little before we do, so that the connection stays usable.
      statement_timeout: Math.max(1, queryTimeoutMs - 250),
      idle_in_transaction_session_timeout: 2 * queryTimeoutMs,
      application_name: 'dotmac',
      allowExitOnIdle: true,
      ssl: options.ssl ?? parts.ssl,
    });
    // One that is cut off while it is opened may fail before whoever asked for it listens: that, too, would go unheard.
    pool.on('connect', (client) => client.on('error', () => undefined));
    // Without a listener an idle connection's end would end the process.
    pool.on('error', (error) =>
      logger.warn({ code: (error as { code?: string }).code }, 'an idle database connection broke'),
    );
    return guardPgPool(pool as unknown as PgPool, pg.types);
  };
  return opened('postgres', new Kysely<unknown>({ dialect: new PostgresDialect({ pool: createPool }) }), {
    clock,
    owned: parts !== undefined,
    connections,
  });
}

/**
 * A MySQL or MariaDB database through mysql2, by URL or on a callback pool of the host's (which is not closed, and
 * should
 * have `charset: 'utf8mb4'` and the flag FOUND_ROWS, mysql2's default).
 * @throws INVALID_ARGUMENT when the URL is not understood
 * @throws DRIVER_MISSING at the first query, when mysql2 is not installed
 */
export function mysql(urlOrPool: string | Mysql2Pool, options: PoolOptions = {}): Database {
  const { clock = systemClock, poolSize = 10, acquireTimeoutMs = 5_000, queryTimeoutMs = 30_000 } = options;
  const parts = typeof urlOrPool === 'string' ? parseConnectionUrl(urlOrPool, ['mysql', 'mariadb'], 3306) : undefined;
  if (parts && (options.ssl ?? parts.ssl) === true && isIP(parts.host) !== 0)
    throw refuse('mysql2 verifies the names of servers, and no addresses; give its name');
  const connections = typeof urlOrPool === 'string' ? poolSize : (urlOrPool.config?.connectionLimit ?? null);
  const createPool = async () => {
    if (!parts) return guardMysqlPool(urlOrPool as Mysql2Pool, { clock, acquireTimeoutMs, queryTimeoutMs });
    const { default: mysql2 } = await importDriver('mysql2', 'MySQL', () => import('mysql2'));
    const pool = mysql2.createPool({
      ...parts,
      password: parts.password ?? '',
      connectionLimit: poolSize,
      connectTimeout: acquireTimeoutMs,
      charset: 'utf8mb4',
      timezone: 'Z',
      supportBigNumbers: true,
      decimalNumbers: true,
      multipleStatements: false,
      ssl: mysqlTls(options.ssl ?? parts.ssl),
    });
    return guardMysqlPool(pool as unknown as Mysql2Pool, { clock, acquireTimeoutMs, queryTimeoutMs });
  };
  return opened('mysql', new Kysely<unknown>({ dialect: new MysqlDialect({ pool: createPool }) }), {
    clock,
    owned: parts !== undefined,
    connections,
  });
}

/** mysql2 verifies certificates by default, but not whose they are; it takes an object or nothing. */
function mysqlTls(ssl: NonNullable<PoolOptions['ssl']>) {
  return ssl === false ? undefined : ssl === true ? { verifyIdentity: true } : ssl;
}

/**
 * The database that a URL names: `sqlite:ops.db`, `postgres://…` or `mysql://…`.
 * @throws INVALID_ARGUMENT when it is none of these
 */
export function databaseFromUrl(url: string, options: PoolOptions & SqliteOptions = {}): Database {
  const scheme = /^([a-z]+):/.exec(url)?.[1];
  if (scheme === 'postgres' || scheme === 'postgresql') return postgres(url, options);
  if (scheme === 'mysql' || scheme === 'mariadb') return mysql(url, options);
  const file = /^(?:sqlite|file):(?:\/\/)?([^?#]+)$/.exec(url)?.[1];
  if (file === undefined) throw refuse('it starts with none of sqlite:, postgres:// and mysql://');
  return sqlite(file, options);
}

/** A database on a Kysely instance of the host's, which is never closed from here. */
export function fromKysely<Tables>(
  kysely: Kysely<Tables>,
  dialect: DialectName,
  { clock = systemClock }: DatabaseOptions = {},
): Database {
  return opened(dialect, kysely as unknown as Kysely<unknown>, { clock, owned: false, connections: null });
}

function opened(
  dialect: DialectName,
  kysely: Kysely<unknown>,
  { clock, owned, connections }: { clock: Clock; owned: boolean; connections: number | null },
): Database {
  const close = (): Promise<void> => (owned ? kysely.destroy() : Promise.resolve());
  return createDatabase({ kysely, dialect, clock, connections, traits: dialectTraits[dialect], close });
}
