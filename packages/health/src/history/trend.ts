import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus, type EndpointStatus } from '../endpoints/endpoint.js';

const percentage = z.number().min(0).max(100);
const seconds = z.number().nullable().meta({ description: 'Seconds; null when nothing answered' });
const share = z.object({ count: z.int(), percentage });

/** How an endpoint did over some hours. */
export const trend = z
  .object({
    endpointId: z.string(),
    endpointName: z.string(),
    periodHours: z.number(),
    totalChecks: z.int(),
    availabilityPercentage: percentage
      .nullable()
      .meta({ description: 'Healthy and degraded checks among those that are known; null without any' }),
    averageResponseTime: seconds,
    p50ResponseTime: seconds,
    p95ResponseTime: seconds,
    p99ResponseTime: seconds,
    statusDistribution: z.object({ healthy: share, degraded: share, critical: share, offline: share, unknown: share }),
    recentIssues: z.array(
      z.object({ timestamp: instant, status: endpointStatus, message: z.string(), responseTime: seconds }),
    ),
    series: z.array(
      z.object({
        timestamp: instant,
        totalChecks: z.int(),
        availabilityPercentage: percentage.nullable(),
        averageResponseTime: seconds,
      }),
    ),
  })
  .meta({ id: 'EndpointTrend' });

/** @see trend */
export type Trend = z.output<typeof trend>;

/** What is asked of a store: from and until (exclusive) in epoch ms, in buckets of so many ms. */
export interface TrendWindow {
  from: number;
  until: number;
  bucketMs: number;
  /** The percentiles wanted of the response times, by the nearest-rank method. */
  percentiles: readonly number[];
  /** How many issues, newest first. */
  issues: number;
}

/** What a store gives back. */
export interface Aggregate {
  /** One for each bucket and status that has samples, by time. */
  buckets: readonly {
    start: number;
    status: EndpointStatus;
    count: number;
    /** Over the samples with a response time. */
    timed: number;
    sumMs: number;
  }[];
  /** In the order asked for; null without any response time. */
  percentilesMs: readonly (number | null)[];
  issues: readonly { at: number; status: EndpointStatus; message: string; responseTimeMs: number | null }[];
}

const statuses = endpointStatus.options;
const toSeconds = (ms: number | null | undefined): number | null =>
  ms === null || ms === undefined ? null : Math.round(ms * 1_000) / 1_000_000;
const round = (value: number): number => Math.round(value * 100) / 100;

/** As far back as a trend goes: a week. */
export const mostHours = 168;

/** The window of the last `hours`: 60 aligned buckets of whole minutes, and the beginning of another. */
export function trendWindow(hours: number, now: number): TrendWindow {
  const bucketMs = hours * 60_000;
  return { from: now - hours * 3_600_000, until: now + 1, bucketMs, percentiles: [0.5, 0.95, 0.99], issues: 20 };
}

/** The rank of a percentile among `count` sorted values, from 0 (nearest-rank method). */
export function nearestRank(percentile: number, count: number): number {
  return Math.max(0, Math.ceil(percentile * count) - 1);
}

/** The trend of an endpoint from what its store has summed up. */
export function trendOf({ id, name }: { id: string; name: string }, periodHours: number, aggregate: Aggregate): Trend {
  const { buckets, percentilesMs, issues } = aggregate;
  const whole = sumUp(buckets);
  const starts = [...new Set(buckets.map(({ start }) => start))];
  const distribution = statuses.map((status) => {
    const count = whole.counts[status];
    return [status, { count, percentage: whole.total === 0 ? 0 : round((100 * count) / whole.total) }] as const;
  });
  return {
    endpointId: id,
    endpointName: name,
    periodHours,
    totalChecks: whole.total,
    availabilityPercentage: whole.availability,
    averageResponseTime: toSeconds(whole.averageMs),
    p50ResponseTime: toSeconds(percentilesMs[0]),
    p95ResponseTime: toSeconds(percentilesMs[1]),
    p99ResponseTime: toSeconds(percentilesMs[2]),
    statusDistribution: Object.fromEntries(distribution) as Trend['statusDistribution'],
    recentIssues: issues.map(({ at, status, message, responseTimeMs }) => ({
      timestamp: at,
      status,
      message,
      responseTime: toSeconds(responseTimeMs),
    })),
    series: starts.map((start) => {
      const { total, availability, averageMs } = sumUp(buckets.filter((bucket) => bucket.start === start));
      return {
        timestamp: start,
        totalChecks: total,
        availabilityPercentage: availability,
        averageResponseTime: toSeconds(averageMs),
      };
    }),
  };
}

function sumUp(buckets: Aggregate['buckets']) {
  const counts: Record<EndpointStatus, number> = { healthy: 0, degraded: 0, critical: 0, offline: 0, unknown: 0 };
  let [timed, sumMs] = [0, 0];
  for (const bucket of buckets) {
    counts[bucket.status] += bucket.count;
    timed += bucket.timed;
    sumMs += bucket.sumMs;
  }
  const available = counts.healthy + counts.degraded;
  const known = available + counts.critical + counts.offline;
  return {
    counts,
    total: known + counts.unknown,
    availability: known === 0 ? null : round((100 * available) / known),
    averageMs: timed === 0 ? null : sumMs / timed,
  };
}
