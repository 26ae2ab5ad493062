import { isOperationError } from '@dotmac/core';
import { isConnectionError, type Database } from '@dotmac/core/kysely';
import { connectFailureOf } from '@dotmac/core/net';
import { sql } from 'kysely';
import { Unreachable, WrongAnswer } from '../probes/probe.js';
import { shownVersion } from './shown.js';
import type { ServiceTarget } from './target.js';

const versions = {
  sqlite: sql<{ version: string }>`select sqlite_version() as version`,
  postgres: sql<{ version: string }>`select current_setting('server_version') as version`,
  mysql: sql<{ version: string }>`select version() as version`,
};

/** The part of a pg `Pool` that says how it is used. */
interface PgPoolUse {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly options?: { readonly max?: number | undefined };
}

/** A pool of the host's: pg's, or mysql2's with callbacks or promises. */
export type ConnectionPool = PgPoolUse | object;

/**
 * How a pool is used: `pool_in_use` of `pool_size` connections are taken, which is a share of `pool_saturation` (0 to 1), and
 * so many callers wait for one.
 */
interface PoolUse {
  pool_size?: number;
  pool_in_use?: number;
  pool_waiting?: number;
  pool_saturation?: number;
}

/** What a pool shows by itself. */
type Counted = Record<Exclude<keyof PoolUse, 'pool_saturation'>, unknown>;

/** What else is known of a database. */
export interface DatabaseTargetOptions {
  /** The pool under it, when it is one of the host's own: its use is reported as it was when the check began. */
  pool?: ConnectionPool;
}

/**
 * A database that the host has open anyway: its own pool is asked, so that the check sees what the application sees.
 * `acquire_wait_ms` is how long the check waited for a connection, a new one or a free one.
 *
 * @example
 * createHealth({ store, targets: { main: databaseTarget(database) } });
 * createHealth({ store, targets: { main: databaseTarget(postgres(pool), { pool }) } });
 */
export function databaseTarget(database: Database, { pool }: DatabaseTargetOptions = {}): ServiceTarget {
  return {
    serviceType: 'database',
    async check(signal) {
      const use = poolUse(pool);
      const started = performance.now();
      try {
        const { version, waitedMs } = await database.kysely.connection().execute(async (connection) => {
          const waitedMs = performance.now() - started;
          // Nobody waits for the answer any more; the connection is of more use to others.
          signal.throwIfAborted();
          const { rows } = await versions[database.dialect].execute(connection);
          return { version: shownVersion(rows[0]?.version), waitedMs };
        });
        const acquired = { acquire_wait_ms: Math.round(1_000 * waitedMs) / 1_000 };
        return { facts: { dialect: database.dialect, version, ...acquired, ...use } };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const failure = connectFailureOf(causeOf(error));
        if (failure.ofTls) throw failure;
        const unavailable = isConnectionError(error) || isOperationError(error);
        if (unavailable && !serverSpoke(error)) throw unreachable(poolUse(pool));
        throw new WrongAnswer('The database answered with an error', { code: 'service_refused' });
      }
    },
  };
}

function unreachable(use: ReturnType<typeof poolUse>): Unreachable {
  const { pool_size: size, pool_in_use: used = 0 } = use;
  return size !== undefined && used >= size
    ? new Unreachable('Every connection of the pool is in use', { code: 'pool_exhausted' })
    : new Unreachable('The database cannot be reached', { code: 'no_answer' });
}

const causeOf = (error: unknown): unknown => (error as { cause?: unknown }).cause ?? error;

/** A wrong password or a missing database keeps a pool from connecting, and yet the server answered. */
function serverSpoke(error: unknown): boolean {
  const { code } = causeOf(error) as { code?: unknown };
  return typeof code === 'string' && /^(?:ER_|SQLITE_NOTADB$|(?!08)(?=.*\d)[0-9A-Z]{5}$)/.test(code);
}

/** How a pool is used now; what it does not show is left out. */
function poolUse(pool: ConnectionPool | undefined): PoolUse {
  if (!pool) return {};
  const use = 'totalCount' in pool ? pgUse(pool) : mysqlUse('pool' in pool ? pool.pool : pool);
  const known: PoolUse = Object.fromEntries(
    Object.entries(use).filter(([, value]) => typeof value === 'number' && value >= 0),
  );
  const { pool_size: size, pool_in_use: used } = known;
  if (!size || used === undefined) return known;
  return { ...known, pool_saturation: Math.round((1_000 * used) / size) / 1_000 };
}

function pgUse({ totalCount, idleCount, waitingCount, options }: PgPoolUse): Counted {
  return { pool_size: options?.max, pool_in_use: totalCount - idleCount, pool_waiting: waitingCount };
}

/** mysql2 has this only under names of its own, which another version may not have. */
function mysqlUse(pool: unknown): Counted {
  const { config, _allConnections, _freeConnections, _connectionQueue } = (pool ?? {}) as Partial<
    Record<string, { connectionLimit?: unknown; length?: unknown }>
  >;
  return {
    pool_size: config?.connectionLimit,
    pool_in_use: Number(_allConnections?.length) - Number(_freeConnections?.length),
    pool_waiting: _connectionQueue?.length,
  };
}
