import { sql, type Kysely } from 'kysely';
import type { SlowQueries, SlowQuery } from '../../advice.js';

/** Other statements are kept as they came, passwords and all. */
const dml = '^\\s*(/\\*.*?\\*/\\s*)*(select|insert|update|delete|merge|with)\\M';

const none = (reason: string): SlowQueries => ({ available: false, reason, queries: [] });

/** From pg_stat_statements, of this database; by the time that they took in all. */
export async function slowQueries(db: Kysely<unknown>, limit: number): Promise<SlowQueries> {
  const { rows: found } = await sql<{ view: string | null; loaded: boolean }>`
    select (select pg_catalog.format('%I.pg_stat_statements', n.nspname) from pg_catalog.pg_extension e
      join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements') as view,
      coalesce(current_setting('shared_preload_libraries', true) like '%pg_stat_statements%', false) as loaded`.execute(
    db,
  );
  const view = found[0]?.view;
  if (!found[0]?.loaded && !view) return none('pg_stat_statements is not installed');
  if (!view) return none('pg_stat_statements is loaded; CREATE EXTENSION pg_stat_statements makes its view');
  try {
    // The name was quoted by the server.
    const { rows } = await sql<SlowQuery>`
      select left(query, 500) as query, calls, mean_exec_time as "meanMs", total_exec_time as "totalMs"
      from ${sql.raw(view)} where dbid = (select oid from pg_catalog.pg_database where datname = current_database())
        and query ~* ${dml}
      order by total_exec_time desc limit ${limit}`.execute(db);
    const queries = rows.map(({ query, calls, meanMs, totalMs }) => {
      return { query, calls: Number(calls), meanMs: Number(meanMs), totalMs: Number(totalMs) };
    });
    return { available: true, reason: null, queries };
  } catch {
    return none('pg_stat_statements must be in shared_preload_libraries, and this role must be allowed to read it');
  }
}
