import { sql, type Kysely } from 'kysely';

/**
 * Runs `work` on one connection to which the catalogue shows sizes, counts and times of change as they are: MySQL, from 8 on,
 * shows them as they were up to a day ago otherwise (`information_schema_stats_expiry`). The session is then as it was.
 */
export function withFreshStatistics<Result>(
  db: Kysely<unknown>,
  work: (connection: Kysely<unknown>) => Promise<Result>,
): Promise<Result> {
  return db.connection().execute(async (connection) => {
    const { rows } = await sql<{ version: string }>`select version() as version`.execute(connection);
    const [{ version } = { version: '' }] = rows;
    if (/mariadb/i.test(version) || Number.parseInt(version, 10) < 8) return work(connection);
    // The host may have set its own on the connections of its pool.
    await sql`set @dm_stats_expiry = @@session.information_schema_stats_expiry,
      session information_schema_stats_expiry = 0`.execute(connection);
    try {
      return await work(connection);
    } finally {
      await sql`set session information_schema_stats_expiry = @dm_stats_expiry`.execute(connection);
    }
  });
}
