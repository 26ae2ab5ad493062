import { sql, type Kysely } from 'kysely';
import type { SlowQueries, SlowQuery } from '../../advice.js';
import { unread } from '../../as-far-as-allowed.js';
import { isAnswer } from '../../refused.js';
import { isCounting } from './indexes.js';

/** From performance_schema, of this database; by the time that they took in all. */
export async function slowQueries(db: Kysely<unknown>, limit: number): Promise<SlowQueries> {
  try {
    if (!(await isCounting(db))) return { available: false, reason: 'performance_schema is off', queries: [] };
    const { rows } = await sql<SlowQuery>`
      select left(digest_text, 500) as query, count_star as calls, avg_timer_wait / 1e9 as meanMs, sum_timer_wait / 1e9 as totalMs
      from performance_schema.events_statements_summary_by_digest
      where schema_name = database() and digest_text is not null order by sum_timer_wait desc limit ${sql.lit(limit)}`.execute(
      db,
    );
    const queries = rows.map(({ query, calls, meanMs, totalMs }) => {
      return { query, calls: Number(calls), meanMs: Number(meanMs), totalMs: Number(totalMs) };
    });
    return { available: true, reason: null, queries };
  } catch (error) {
    if (!isAnswer(error)) throw error;
    return { available: false, reason: unread('performance_schema', error), queries: [] };
  }
}
