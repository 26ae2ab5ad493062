import type { EndpointStatus } from '../endpoints/endpoint.js';
import { addTo, decodeHistogram, emptyHistogram, encodeHistogram, mergeInto, type Histogram } from './histogram.js';

/** What the checks of a minute, an hour or a day came to. */
export interface Bucket {
  /** Epoch ms. */
  start: number;
  /** Checks by what they found. */
  counts: Record<EndpointStatus, number>;
  /** How long the endpoint's status was which, in ms, as far as it was looked after. */
  durationMs: Record<EndpointStatus, number>;
  /** Checks with a response time, and these times' sum, least and greatest. */
  timed: number;
  sumMs: number;
  minMs: number | null;
  maxMs: number | null;
  histogram: Histogram;
}

/** What many buckets come to, without how fast the answers were. */
export type Sums = Pick<Bucket, 'counts' | 'durationMs'>;

const none = (): Record<EndpointStatus, number> => ({ healthy: 0, degraded: 0, critical: 0, offline: 0, unknown: 0 });
const statuses = Object.keys(none()) as EndpointStatus[];

/** A bucket of nothing. */
export function emptyBucket(start: number): Bucket {
  return {
    start,
    counts: none(),
    durationMs: none(),
    timed: 0,
    sumMs: 0,
    minMs: null,
    maxMs: null,
    histogram: emptyHistogram(),
  };
}

/** Counts a check; changes the bucket. */
export function addCheck(
  bucket: Bucket,
  { status, responseTimeMs }: { status: EndpointStatus; responseTimeMs: number | null },
): void {
  bucket.counts[status]++;
  if (responseTimeMs === null) return;
  bucket.timed++;
  bucket.sumMs += responseTimeMs;
  bucket.minMs = lesser(bucket.minMs, responseTimeMs);
  bucket.maxMs = greater(bucket.maxMs, responseTimeMs);
  addTo(bucket.histogram, responseTimeMs);
}

/** Counts how long a status lasted; changes the bucket. */
export function addDuration(bucket: Bucket, status: EndpointStatus, ms: number): void {
  bucket.durationMs[status] += ms;
}

/** Sums of nothing. */
export function emptySums(): Sums {
  return { counts: none(), durationMs: none() };
}

/** Adds sums to others, which change. */
export function addSums(target: Sums, other: Sums): void {
  for (const status of statuses) {
    target.counts[status] += other.counts[status];
    target.durationMs[status] += other.durationMs[status];
  }
}

/** Adds one bucket to another, which changes and keeps its start. In whatever order many are added, it comes to the same. */
export function mergeBuckets(target: Bucket, other: Bucket): void {
  addSums(target, other);
  target.timed += other.timed;
  target.sumMs += other.sumMs;
  target.minMs = lesser(target.minMs, other.minMs);
  target.maxMs = greater(target.maxMs, other.maxMs);
  mergeInto(target.histogram, other.histogram);
}

function lesser(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
function greater(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

/** A bucket's columns. */
export type BucketRow = Record<`n_${EndpointStatus}` | `ms_${EndpointStatus}`, number> & {
  start: number;
  timed: number;
  sum_ms: number;
  min_ms: number | null;
  max_ms: number | null;
  histogram: string;
};

/** A bucket as a row. */
export function bucketRow({ start, counts, durationMs, timed, sumMs, minMs, maxMs, histogram }: Bucket): BucketRow {
  return {
    start,
    n_healthy: counts.healthy,
    n_degraded: counts.degraded,
    n_critical: counts.critical,
    n_offline: counts.offline,
    n_unknown: counts.unknown,
    ms_healthy: Math.round(durationMs.healthy),
    ms_degraded: Math.round(durationMs.degraded),
    ms_critical: Math.round(durationMs.critical),
    ms_offline: Math.round(durationMs.offline),
    ms_unknown: Math.round(durationMs.unknown),
    timed,
    sum_ms: sumMs,
    min_ms: minMs,
    max_ms: maxMs,
    histogram: encodeHistogram(histogram),
  };
}

type SumsRow = Record<`n_${EndpointStatus}` | `ms_${EndpointStatus}`, number | string>;

/** Columns as sums. Drivers may give large integers as text. */
export function sumsOfRow(row: SumsRow): Sums {
  return {
    counts: {
      healthy: Number(row.n_healthy),
      degraded: Number(row.n_degraded),
      critical: Number(row.n_critical),
      offline: Number(row.n_offline),
      unknown: Number(row.n_unknown),
    },
    durationMs: {
      healthy: Number(row.ms_healthy),
      degraded: Number(row.ms_degraded),
      critical: Number(row.ms_critical),
      offline: Number(row.ms_offline),
      unknown: Number(row.ms_unknown),
    },
  };
}

/** A row as a bucket. */
export function bucketOfRow(row: BucketRow): Bucket {
  const { counts, durationMs } = sumsOfRow(row);
  return {
    start: Number(row.start),
    counts,
    durationMs,
    timed: Number(row.timed),
    sumMs: Number(row.sum_ms),
    minMs: row.min_ms === null ? null : Number(row.min_ms),
    maxMs: row.max_ms === null ? null : Number(row.max_ms),
    histogram: decodeHistogram(row.histogram),
  };
}
