import { expect } from 'vitest';
import { endpointStatus, type Bucket, type Trend } from '../../src/index.js';
import { quantile } from '../../src/history/histogram.js';
import { exactQuantile, type HistoryOracle, type Reckoned } from './history-oracle.js';

/** What histograms promise, and what is lost where numbers are not whole. */
const accuracy = 0.02 + 1e-9;

/** That a quantile is as near as it is said to be, and something more. */
function expectClose(found: number | null, exact: number | undefined, more = 0): void {
  if (exact === undefined) expect(found).toBeNull();
  else expect(Math.abs((found ?? NaN) - exact)).toBeLessThanOrEqual(accuracy * exact + more);
}

/** Of all kinds together. */
export const sumOf = (amounts: Reckoned['counts']): number => Object.values(amounts).reduce((sum, it) => sum + it, 0);
const fourDecimals = (value: number): number => Math.round(value * 10_000) / 10_000;

function availabilityOf(amounts: Reckoned['counts']): number | null {
  const known = sumOf(amounts) - amounts.unknown;
  if (known === 0) return null;
  return fourDecimals((100 * (amounts.healthy + amounts.degraded)) / known);
}

/** That a sum is what lies within its time. */
export function expectBucket(bucket: Bucket, { counts, durationMs, times }: Reckoned): void {
  const { start, histogram, ...sums } = bucket;
  expect(sums, `from ${start} on`).toEqual({
    ...{ counts, durationMs, timed: times.length, sumMs: times.reduce((sum, time) => sum + time, 0) },
    ...{ minMs: times[0] ?? null, maxMs: times.at(-1) ?? null },
  });
  for (const share of [0.5, 0.95, 0.99]) expectClose(quantile(histogram, share), exactQuantile(times, share));
}

/** That a trend says what really was in its time, of which nothing lies behind `until`. */
export function expectTrend(trend: Trend, oracle: Pick<HistoryOracle, 'within'>, until = trend.until): void {
  const expected = oracle.within(trend.from, until);
  const total = sumOf(expected.counts);
  const countedMs = trend.until - trend.from;
  expect(trend.totalChecks).toBe(total);
  for (const status of endpointStatus.options)
    expect(trend.statusDistribution[status].count).toBe(expected.counts[status]);
  const [outside, planned] = [false, true].map((it) => oracle.within(trend.from, until, it)) as [Reckoned, Reckoned];
  expect(trend.availabilityPercentage).toBe(availabilityOf(outside.counts));
  expect(trend.availabilityByDuration).toBe(availabilityOf(outside.durationMs));
  expect(trend.maintenance).toEqual({
    checks: sumOf(planned.counts),
    percentage: fourDecimals(Math.min(100, (100 * sumOf(planned.durationMs)) / countedMs)),
    availabilityPercentage: availabilityOf(expected.counts),
    availabilityByDuration: availabilityOf(expected.durationMs),
  });
  expect(trend.series.reduce((sum, { totalChecks }) => sum + totalChecks, 0)).toBe(total);
  expect(trend.series.reduce((sum, it) => sum + it.maintenanceChecks, 0)).toBe(sumOf(planned.counts));
  const coverage = (100 * (sumOf(expected.durationMs) - expected.durationMs.unknown)) / countedMs;
  expect(Math.abs(trend.coveragePercentage - Math.min(100, coverage))).toBeLessThanOrEqual(0.000_06);
  const { times } = expected;
  const average = times.length === 0 ? null : times.reduce((sum, time) => sum + time, 0) / times.length / 1_000;
  if (average === null) expect(trend.averageResponseTime).toBeNull();
  else expect(Math.abs((trend.averageResponseTime ?? NaN) - average)).toBeLessThan(1e-6);
  const { p50ResponseTime, p95ResponseTime, p99ResponseTime } = trend;
  for (const [found, share] of [
    [p50ResponseTime, 0.5],
    [p95ResponseTime, 0.95],
    [p99ResponseTime, 0.99],
  ] as const)
    expectClose(found === null ? null : found * 1_000, exactQuantile(times, share), 1e-3);
}
