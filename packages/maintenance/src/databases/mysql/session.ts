import { sql, type Kysely } from 'kysely';
import type { BatchLimits } from '../rows/dialect.js';

/**
 * Runs `work` on one connection, in UTC (a timestamp is shown in the session's zone, where an hour may happen twice) and
 * within the limits; the session is then as it was.
 */
export async function inSession<Result>(
  db: Kysely<unknown>,
  { statementTimeoutMs, lockTimeoutMs }: BatchLimits,
  work: (connection: Kysely<unknown>) => Promise<Result>,
): Promise<Result> {
  return db.connection().execute(async (connection) => {
    const seconds = sql.lit(Math.max(1, Math.ceil(lockTimeoutMs / 1000)));
    await sql`set @dm_zone = @@session.time_zone, session time_zone = '+00:00',
      session innodb_lock_wait_timeout = ${seconds}, session lock_wait_timeout = ${seconds}`.execute(connection);
    await limitStatements(connection, statementTimeoutMs);
    try {
      return await work(connection);
    } finally {
      await sql`set session time_zone = @dm_zone, session innodb_lock_wait_timeout = default,
        session lock_wait_timeout = default`.execute(connection);
      await limitStatements(connection, null);
    }
  });
}

/** MariaDB can end any statement; MySQL has that for SELECT alone, and there the pool's own deadline must do. */
async function limitStatements(connection: Kysely<unknown>, ms: number | null): Promise<void> {
  const value = ms === null ? sql`default` : sql.lit(ms / 1000);
  await sql`set session max_statement_time = ${value}`.execute(connection).catch((error: { code?: string }) => {
    if (error.code !== 'ER_UNKNOWN_SYSTEM_VARIABLE') throw error as Error;
  });
}
