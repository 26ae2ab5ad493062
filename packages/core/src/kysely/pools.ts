import type { MysqlPool, MysqlPoolConnection, MysqlQueryResult, PostgresPool, PostgresPoolClient } from 'kysely';
import type { Clock } from '../clock.js';
import { isConnectionError, storeError, unavailable } from './errors.js';
import { isUnhurried } from './unhurried.js';

/** int8 (20) and numeric (1700): counts and sums fit a double, and node-postgres gives them as strings. */
const numericOids = new Set([20, 1700]);

/** The part of pg's `types` that a query can bring along. */
export interface PgTypes {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown;
}

interface PgClient {
  query(config: {
    text: string;
    values: unknown[];
    types: PgTypes;
    query_timeout?: number | undefined;
  }): Promise<unknown>;
  release(destroy?: boolean): void;
  on(event: 'error', listener: () => void): unknown;
  removeListener(event: 'error', listener: () => void): unknown;
}

/** The part of a pg `Pool` that is used here. A host's own pool fits. */
export interface PgPool {
  connect(): Promise<PgClient>;
  end(): Promise<void>;
  options?: { types?: PgTypes; max?: number };
}

/**
 * Statements that take as long as they take: cut off, they leave half an index or start from the beginning. Their time is
 * limited on the server, if at all.
 */
const upkeep = /^\s*(vacuum|analyze|reindex|(create|create unique|drop) index concurrently)\b/i;
const upkeepTimeoutMs = 86_400_000;

/**
 * A pg pool as Kysely wants it: int8 and numeric come as numbers (by query, so a host's pool stays as it is), a failing
 * connection becomes STORE_UNAVAILABLE and is not used again.
 */
export function guardPgPool(pool: PgPool, defaultTypes: PgTypes): PostgresPool {
  const fallback = pool.options?.types ?? defaultTypes;
  const types: PgTypes = {
    getTypeParser: (oid, format) =>
      numericOids.has(oid) && format !== 'binary' ? Number : fallback.getTypeParser(oid, format),
  };
  const guard = (client: PgClient): PostgresPoolClient => {
    let broken = false;
    // A taken client that loses its server between two statements emits an error; unheard, it would end the process.
    const onError = (): void => void (broken = true);
    client.on('error', onError);
    const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
      try {
        const query_timeout = isUnhurried() || upkeep.test(text) ? upkeepTimeoutMs : undefined;
        return await client.query({ text, values: [...values], types, query_timeout });
      } catch (error) {
        broken ||= isConnectionError(error);
        throw storeError(error, 'running a statement');
      }
    };
    const release = (): void => {
      client.removeListener('error', onError);
      client.release(broken);
    };
    return { query: query as PostgresPoolClient['query'], release };
  };
  return {
    connect: async () => {
      try {
        return guard(await pool.connect());
      } catch (error) {
        throw storeError(error, 'connecting');
      }
    },
    end: () => pool.end(),
  };
}

interface MysqlConnection {
  query(
    options: { sql: string; values: unknown[]; timeout: number },
    callback: (error: unknown, result: unknown) => void,
  ): unknown;
  release(): void;
  destroy(): void;
}

/**
 * The part of a mysql2 callback `Pool` that is used here. A host's own pool fits (the promise pool's is its `.pool`).
 */
export interface Mysql2Pool {
  getConnection(callback: (error: Error | null, connection: MysqlConnection) => void): void;
  end(callback: (error?: unknown) => void): void;
  config?: { connectionLimit?: number };
}

/** Deadlines that mysql2 leaves open. */
export interface MysqlDeadlines {
  clock: Clock;
  acquireTimeoutMs: number;
  queryTimeoutMs: number;
}

/** The driver writes values into the statement with backslashes: a session that reads these as letters is open to injection. */
const escapesWithBackslash = "set session sql_mode = replace(@@session.sql_mode, 'NO_BACKSLASH_ESCAPES', '')";

/**
 * A mysql2 pool as Kysely wants it, with the deadlines that mysql2 lacks: waiting for a free connection ends, and every
 * statement has a timeout. After a timeout the connection is destroyed, for the server may still be busy on it.
 */
export function guardMysqlPool(
  pool: Mysql2Pool,
  { clock, acquireTimeoutMs, queryTimeoutMs }: MysqlDeadlines,
): MysqlPool {
  const escaping = new WeakSet<MysqlConnection>();
  const guard = (connection: MysqlConnection): MysqlPoolConnection => {
    let broken = false;
    const query = (
      sql: string,
      values: unknown[],
      callback: (error: unknown, result: MysqlQueryResult) => void,
    ): void => {
      const timeout = isUnhurried() ? upkeepTimeoutMs : queryTimeoutMs;
      connection.query({ sql, values, timeout }, (error, result) => {
        if (error !== null && error !== undefined) broken ||= isConnectionError(error);
        callback(error ? storeError(error, 'running a statement') : error, result as MysqlQueryResult);
      });
    };
    return {
      query: query as MysqlPoolConnection['query'],
      release: () => (broken ? connection.destroy() : connection.release()),
    };
  };
  return {
    getConnection(callback) {
      const none = undefined as unknown as MysqlPoolConnection;
      let late = false;
      const cancel = clock.after(acquireTimeoutMs, () => {
        late = true;
        callback(unavailable('waiting for a free connection'), none);
      });
      const settle = (error: unknown, connection?: MysqlConnection): void => {
        if (late) return error ? undefined : connection?.release();
        cancel();
        if (error || !connection) callback(storeError(error, 'connecting'), none);
        else callback(null, guard(connection));
      };
      pool.getConnection((error, connection) => {
        if (error || escaping.has(connection)) return settle(error, connection);
        connection.query({ sql: escapesWithBackslash, values: [], timeout: queryTimeoutMs }, (failure) => {
          if (!failure) escaping.add(connection);
          else connection.destroy();
          settle(failure, connection);
        });
      });
    },
    end: (callback) => pool.end(callback),
  };
}
