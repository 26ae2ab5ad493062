import type { InputIssue } from '@dotmac/core';
import { instant, invalidInput } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus } from '../endpoints/endpoint.js';
import { outcomeCode } from '../probes/outcomes.js';
import { availability } from './availability.js';
import { emptyBucket, mergeBuckets, type Bucket } from './bucket.js';
import { quantile } from './histogram.js';
import { bucketMs, type Resolution } from './resolution.js';
import type { CheckResult } from './result.js';

const percentage = z.number().min(0).max(100);
const seconds = z.number().nullable().meta({ description: 'Seconds; null when nothing answered' });
const share = z.object({ count: z.int(), percentage });

/** How an endpoint did over some time. */
export const trend = z
  .object({
    endpointId: z.string(),
    endpointName: z.string(),
    periodHours: z.number().meta({ description: 'As it was asked for' }),
    countedHours: z.number().meta({ description: 'From `from` to `until`: what shares of the period are shares of' }),
    from: instant.meta({
      description:
        'From when on checks were counted: a whole minute, and where minutes or hours are not kept any more, a whole hour or day',
    }),
    until: instant.meta({ description: 'Until when, likewise' }),
    totalChecks: z
      .int()
      .meta({ description: 'Those in planned maintenance included, as in all that is not said to be without' }),
    availabilityPercentage: percentage.nullable().meta({
      description:
        'Healthy and degraded checks among those that are known, planned maintenance left out; null without any',
    }),
    availabilityByDuration: percentage.nullable().meta({ description: 'The same by how long the status was which' }),
    coveragePercentage: percentage.meta({
      description: 'The share of the period in which the endpoint was looked after',
    }),
    maintenance: z
      .object({
        checks: z.int().meta({ description: 'Those of total_checks that were made in it' }),
        percentage: percentage.meta({ description: 'The share of the period that it took, as far as somebody looked' }),
        availabilityPercentage: percentage
          .nullable()
          .meta({ description: 'The availability, had it not been left out' }),
        availabilityByDuration: percentage.nullable(),
      })
      .meta({ description: 'Planned maintenance: the minutes in which a maintenance window lasted, as it was then' }),
    averageResponseTime: seconds,
    p50ResponseTime: seconds,
    p95ResponseTime: seconds,
    p99ResponseTime: seconds,
    statusDistribution: z.object({ healthy: share, degraded: share, critical: share, offline: share, unknown: share }),
    recentIssues: z.array(
      z.object({
        timestamp: instant,
        status: endpointStatus,
        code: outcomeCode,
        message: z.string(),
        responseTime: seconds,
      }),
    ),
    series: z.array(
      z.object({
        timestamp: instant,
        totalChecks: z.int(),
        maintenanceChecks: z.int(),
        availabilityPercentage: percentage.nullable(),
        availabilityByDuration: percentage.nullable(),
        averageResponseTime: seconds,
      }),
    ),
  })
  .meta({ id: 'EndpointTrend' });

/** @see trend */
export type Trend = z.output<typeof trend>;

const statuses = endpointStatus.options;
const toSeconds = (ms: number | null | undefined): number | null =>
  ms === null || ms === undefined ? null : Math.round(ms * 1_000) / 1_000_000;
/** To four decimals: two of them would show 99.996 % as 100. */
const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/** As far back as a trend goes: days are kept for one more by default. */
const longestHours = 400 * 24;

/** What a trend is asked over. */
export const trendQuery = z.object({
  hours: z.coerce
    .number()
    .int()
    .min(1)
    .max(longestHours)
    .optional()
    .meta({ description: 'The hours up to `until`; default 24. Or give `from`' }),
  from: instant.optional().meta({ description: 'At most 400 days ago' }),
  until: instant
    .optional()
    .meta({ description: 'Not later than now, and `from` at least a minute before; default now' }),
});

/** {@link trendQuery}; instants in epoch ms. */
export type TrendWindow = z.output<typeof trendQuery>;

/**
 * The span that is asked for, `until` exclusive; epoch ms.
 * @throws INVALID_INPUT
 */
export function spanOf({ hours, from: given, until: end }: TrendWindow, now: number): { from: number; until: number } {
  const issues: InputIssue[] = [];
  const miss = (path: string, message: string): void => void issues.push({ path, message });
  if (hours !== undefined && !(Number.isInteger(hours) && hours >= 1 && hours <= longestHours))
    miss('hours', `A whole number from 1 to ${longestHours}`);
  if (hours !== undefined && given !== undefined) miss('from', 'Give this or hours, and not both');
  const until = end ?? now + 1;
  const from = given ?? until - (hours ?? 24) * bucketMs.hour;
  if (until > now + 1) miss('until', 'This is not yet');
  if (!(until - from >= bucketMs.minute)) miss('from', 'At least a minute before until');
  if (from < now - longestHours * bucketMs.hour) miss('from', 'At most 400 days ago');
  if (issues.length > 0) throw invalidInput(issues);
  return { from, until };
}

/** The points of a trend's series: how wide they are, and the coarsest buckets that make them up. At most 61. */
export function seriesOf(hours: number): { widthMs: number; coarsest: Resolution } {
  if (hours <= 24) return { widthMs: Math.ceil(hours) * bucketMs.minute, coarsest: 'minute' };
  if (hours <= 168) return { widthMs: Math.ceil(hours / 60) * bucketMs.hour, coarsest: 'hour' };
  return { widthMs: Math.ceil(hours / 24 / 60) * bucketMs.day, coarsest: 'day' };
}

/** What a trend is made of. */
export interface TrendParts {
  /** Those outside of planned maintenance, by time, and those within. */
  buckets: readonly Bucket[];
  maintenance: readonly Bucket[];
  /** What they lie in, `until` exclusive; epoch ms. */
  read: { from: number; until: number };
  /** The last results that were not healthy, newest first. */
  issues: readonly CheckResult[];
}

/** What lies in planned maintenance, and what does not. */
type Parts = Record<'planned' | 'other', Bucket>;
const partsAt = (start: number): Parts => ({ planned: emptyBucket(start), other: emptyBucket(start) });

function together({ planned, other }: Parts): Bucket {
  const whole = emptyBucket(other.start);
  for (const part of [planned, other]) mergeBuckets(whole, part);
  return whole;
}

/** The trend of an endpoint. */
export function trendOf(
  { id, name }: { id: string; name: string },
  periodHours: number,
  { buckets, maintenance, read, issues }: TrendParts,
): Trend {
  const parts = partsAt(0);
  const points = new Map<number, Parts>();
  const { widthMs } = seriesOf(periodHours);
  const add = (bucket: Bucket, part: keyof Parts): void => {
    mergeBuckets(parts[part], bucket);
    const start = bucket.start - (bucket.start % widthMs);
    const point = points.get(start) ?? partsAt(start);
    mergeBuckets(point[part], bucket);
    points.set(start, point);
  };
  for (const bucket of buckets) add(bucket, 'other');
  for (const bucket of maintenance) add(bucket, 'planned');
  const whole = together(parts);
  const total = checksOf(whole);
  const distribution = statuses.map((status) => {
    const count = whole.counts[status];
    return [status, { count, percentage: total === 0 ? 0 : round((100 * count) / total) }] as const;
  });
  // A histogram knows its values to 2 %; the least and the greatest are known exactly.
  const percentile = (share: number): number | null => {
    const ms = quantile(whole.histogram, share);
    return ms === null ? null : toSeconds(Math.min(Math.max(ms, whole.minMs ?? ms), whole.maxMs ?? ms));
  };
  const periodMs = read.until - read.from;
  const [outside, all] = [availability(parts.other, periodMs), availability(whole, periodMs)];
  return {
    endpointId: id,
    endpointName: name,
    periodHours,
    countedHours: round(periodMs / bucketMs.hour),
    from: read.from,
    until: read.until,
    totalChecks: total,
    availabilityPercentage: outside.bySamples,
    availabilityByDuration: outside.byDuration,
    coveragePercentage: round(Math.min(100, all.coverage ?? 0)),
    maintenance: {
      checks: checksOf(parts.planned),
      percentage: round(periodMs > 0 ? Math.min(100, (100 * lastedMs(parts.planned)) / periodMs) : 0),
      availabilityPercentage: all.bySamples,
      availabilityByDuration: all.byDuration,
    },
    averageResponseTime: averageOf(whole),
    p50ResponseTime: percentile(0.5),
    p95ResponseTime: percentile(0.95),
    p99ResponseTime: percentile(0.99),
    statusDistribution: Object.fromEntries(distribution) as Trend['statusDistribution'],
    recentIssues: issues.map(({ at, status, code, message, responseTimeMs }) => ({
      timestamp: at,
      status,
      code,
      message,
      responseTime: toSeconds(responseTimeMs),
    })),
    series: [...points].sort(([a], [b]) => a - b).map(([timestamp, point]) => pointOf(timestamp, point)),
  };
}

function pointOf(timestamp: number, parts: Parts): Trend['series'][number] {
  const [whole, { bySamples, byDuration }] = [together(parts), availability(parts.other, 0)];
  return {
    timestamp,
    totalChecks: checksOf(whole),
    maintenanceChecks: checksOf(parts.planned),
    availabilityPercentage: bySamples,
    availabilityByDuration: byDuration,
    averageResponseTime: averageOf(whole),
  };
}

function checksOf({ counts }: Bucket): number {
  return statuses.reduce((sum, status) => sum + counts[status], 0);
}

function lastedMs({ durationMs }: Bucket): number {
  return statuses.reduce((sum, status) => sum + durationMs[status], 0);
}

function averageOf({ timed, sumMs }: Bucket): number | null {
  return timed === 0 ? null : toSeconds(sumMs / timed);
}
