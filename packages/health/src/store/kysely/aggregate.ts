import { numberOrNull } from '@dotmac/core/kysely';
import { sql, type Kysely } from 'kysely';
import type { EndpointStatus } from '../../endpoints/endpoint.js';
import { nearestRank, type Aggregate, type TrendWindow } from '../../history/trend.js';
import type { HealthTables } from './tables.js';

/** Sums up a window of one endpoint's samples. Every statement walks the primary key (tenant, endpoint, at). */
export async function aggregateSamples(
  kysely: Kysely<HealthTables>,
  tenantId: string,
  endpointId: string,
  { from, until, bucketMs, percentiles, issues }: TrendWindow,
): Promise<Aggregate> {
  const window = kysely
    .selectFrom('dotmac_samples')
    .where('tenant_id', '=', tenantId)
    .where('endpoint_id', '=', endpointId)
    .where('at', '>=', from)
    .where('at', '<', until);
  const start = sql<number>`at - (at % ${sql.lit(bucketMs)})`;
  const buckets = await window
    .select(['status', start.as('start')])
    .select(({ fn }) => [
      fn.countAll<number>().as('count'),
      fn.count<number>('response_time_ms').as('timed'),
      fn.sum<number | null>('response_time_ms').as('sum_ms'),
    ])
    .groupBy([start, 'status'])
    .orderBy(start)
    .execute();
  const timed = buckets.reduce((sum, bucket) => sum + Number(bucket.timed), 0);
  const ranked = window
    .where('response_time_ms', 'is not', null)
    .select('response_time_ms')
    .orderBy('response_time_ms')
    .limit(1);
  const percentilesMs: (number | null)[] = [];
  for (const percentile of percentiles) {
    const row = timed === 0 ? undefined : await ranked.offset(nearestRank(percentile, timed)).executeTakeFirst();
    percentilesMs.push(numberOrNull(row?.response_time_ms ?? null));
  }
  const rows = await window
    .where('status', '!=', 'healthy')
    .select(['at', 'status', 'message', 'response_time_ms'])
    .orderBy('at', 'desc')
    .limit(issues)
    .execute();
  return {
    buckets: buckets.map((bucket) => ({
      start: Number(bucket.start),
      status: bucket.status as EndpointStatus,
      count: Number(bucket.count),
      timed: Number(bucket.timed),
      sumMs: Number(bucket.sum_ms ?? 0),
    })),
    percentilesMs,
    issues: rows.map((row) => ({
      at: Number(row.at),
      status: row.status as EndpointStatus,
      message: row.message,
      responseTimeMs: numberOrNull(row.response_time_ms),
    })),
  };
}
