import { sql, type Kysely } from 'kysely';
import { isAnswer, isDenial } from '../../refused.js';
import type { SlowQueries, SlowQuery } from '../../advice.js';

/** Other statements are kept as they came, passwords and all. */
const dml = '^\\s*(/\\*.*?\\*/\\s*)*(select|insert|update|delete|merge|with)\\M';

const none = (reason: string): SlowQueries => ({ available: false, reason, queries: [] });

/** From pg_stat_statements, of this database; by the time that they took in all. */
export async function slowQueries(db: Kysely<unknown>, limit: number): Promise<SlowQueries> {
  const { rows: found } = await sql<{ view: string | null; loaded: boolean | null; seesAll: boolean }>`
    select (select pg_catalog.format('%I.pg_stat_statements', n.nspname) from pg_catalog.pg_extension e
      join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements') as view,
      (select setting like '%pg_stat_statements%' from pg_catalog.pg_settings where name = 'shared_preload_libraries') as loaded,
      pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') as "seesAll"`.execute(db);
  const { view, loaded, seesAll } = found[0] as (typeof found)[number];
  if (!view)
    return none(
      loaded === null
        ? 'this database has no view of pg_stat_statements, and this role may not see whether it is loaded (missing: GRANT pg_read_all_settings)'
        : loaded
          ? 'pg_stat_statements is loaded; CREATE EXTENSION pg_stat_statements makes its view'
          : 'pg_stat_statements is not installed',
    );
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
    const reason = seesAll ? null : 'statements of other roles are hidden (missing: GRANT pg_read_all_stats)';
    return { available: true, reason, queries };
  } catch (error) {
    if (!isAnswer(error)) throw error;
    if (isDenial(error)) return none(`this role may not read pg_stat_statements (missing: GRANT SELECT ON ${view})`);
    return none('pg_stat_statements must be in shared_preload_libraries');
  }
}
