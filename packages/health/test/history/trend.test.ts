import { sqlite } from '@dotmac/core/kysely';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encode } from 'zod';
import {
  endpointStatus,
  kyselyHealthStore,
  memoryHealthStore,
  trend,
  type HealthStore,
  type CheckResult,
  type Trend,
} from '../../src/index.js';
import { pendingBuckets } from '../../src/history/pending-buckets.js';
import { defaultRetention, planWindow, readBy } from '../../src/history/resolution.js';
import { uncheckedState } from '../../src/monitoring/directory.js';
import { seriesOf, spanOf, trendOf } from '../../src/history/trend.js';
import { encodeResult } from '../../src/history/ring.js';
import { endpointRecord } from '../support/endpoints.js';
import { storedResults } from '../support/results.js';

const now = Date.UTC(2026, 2, 1, 12, 34, 56, 789);
const hour = 3_600_000;
type Check = Pick<CheckResult, 'at' | 'status' | 'code' | 'responseTimeMs' | 'message'>;
/** Histograms are exact to this share of a value. */
const accuracy = 0.021;

describe('the time that a trend is asked over', () => {
  it('is the last day, so many hours, or from one instant to another', () => {
    expect(spanOf({}, now)).toEqual({ from: now + 1 - 24 * hour, until: now + 1 });
    expect(spanOf({ hours: 3 }, now)).toEqual({ from: now + 1 - 3 * hour, until: now + 1 });
    expect(spanOf({ hours: 3, until: now - hour }, now)).toEqual({ from: now - 4 * hour, until: now - hour });
    expect(spanOf({ from: now - hour, until: now - hour + 60_000 }, now)).toEqual({
      ...{ from: now - hour, until: now - hour + 60_000 },
    });
  });

  it.each([
    ['hours', { hours: 0 }],
    ['hours', { hours: 1.5 }],
    ['from', { hours: 1, from: now - hour }],
    ['until', { until: now + 2 }],
    ['from', { from: now - hour, until: now - hour + 59_999 }],
    ['from', { from: now, until: now - hour }],
    ['from', { from: now - 9_600 * hour - 1 }],
  ])('is refused by its %s: %j', (path, asked) => {
    expect(() => spanOf(asked, now)).toThrow(
      expect.objectContaining({
        code: 'INVALID_INPUT',
        issues: expect.arrayContaining([expect.objectContaining({ path })]),
      }),
    );
  });
});

const checkAt = (at: fc.Arbitrary<number>): fc.Arbitrary<Check> =>
  fc.record({
    at,
    status: fc.constantFrom(...endpointStatus.options),
    // Quarters add up exactly, in any order.
    responseTimeMs: fc.option(fc.integer({ min: 1, max: 240_000 }).map((quarters) => quarters / 4)),
    code: fc.constantFrom('ok', 'timeout', 'status_unexpected'),
    message: fc.constantFrom('Connected', 'No answer in time', 'Answered HTTP 503'),
  });
/** A history of up to nine days, a good part of it at the edges of windows; no two checks at one moment. */
const anyHistory = (hours: number): fc.Arbitrary<Check[]> => {
  const anywhere = fc.integer({ min: now - 216 * hour, max: now });
  const inside = fc.integer({ min: now - hours * hour, max: now });
  const edges = fc.constantFrom(now, now - 1, now - hours * hour, now - hours * hour - 1, now - hours * hour + 1);
  const at = fc.oneof(
    { weight: 1, arbitrary: anywhere },
    { weight: 4, arbitrary: inside },
    { weight: 1, arbitrary: edges },
  );
  return fc.uniqueArray(checkAt(at), { selector: (check) => check.at, maxLength: 60 });
};
const anyCase = fc.integer({ min: 1, max: 168 }).chain((hours) => fc.tuple(fc.constant(hours), anyHistory(hours)));

/** Stores a history for an endpoint of its own, among another's, and asks for its trend. */
async function trendFrom(store: HealthStore, history: readonly Check[], hours: number): Promise<Trend> {
  const [endpoint, other] = [endpointRecord(), endpointRecord()];
  await store.tenant('acme').insert(endpoint);
  await store.tenant('acme').insert(other);
  const resultsOf = (endpointId: string, checks: readonly Check[]) =>
    checks.map((check) => ({ ...check, tenantId: 'acme', endpointId, phases: {} }));
  const pending = pendingBuckets();
  for (const result of [...resultsOf(endpoint.id, history), ...resultsOf(other.id, history.slice(3))])
    pending.add(result, { status: 'unknown', checkedAt: null }, 0);
  const deltas = [...pending.takeOf(endpoint.id), ...pending.takeOf(other.id)];
  const kept = { ...uncheckedState, endpoint };
  await store.settle({ states: [kept], chunks: [], deltas, incidents: [], events: [] });
  const issues = resultsOf(endpoint.id, history).filter(({ status }) => status !== 'healthy');
  const place = { tenantId: 'acme', endpointId: endpoint.id, ring: 'issues' as const, added: 1 };
  const chunks = issues.map((result, slot) => ({ ...place, slot, body: encodeResult(result) }));
  await store.settle({ states: [kept], chunks, deltas: [], incidents: [], events: [] });
  const spans = planWindow(
    { from: now + 1 - hours * hour, until: now + 1, now, coarsest: seriesOf(hours).coarsest },
    defaultRetention,
  );
  const read = readBy(spans, now + 1);
  const { buckets } = store.tenant('acme');
  const found = await Promise.all(spans.map((span) => buckets(endpoint.id, span)));
  const last = (await storedResults(store, endpoint.id, 'issues')).slice(0, 20);
  const shown = last.filter(({ at }) => at >= now + 1 - hours * hour);
  return trendOf(endpoint, hours, { buckets: found.flat(), maintenance: [], read, issues: shown });
}

type Percentile = 'p50ResponseTime' | 'p95ResponseTime' | 'p99ResponseTime';
/** Where a window really begins: with a whole minute, or, where minutes are not kept any more, a whole hour. */
function beginning(hours: number): number {
  const from = now + 1 - hours * hour;
  const unit = hours < 72 ? 60_000 : hour;
  return Math.floor(from / unit) * unit;
}

/** The same from the definitions, by looking at every check for every figure. */
function oracle(
  history: readonly Check[],
  hours: number,
): Omit<Trend, 'endpointId' | 'availabilityByDuration' | 'coveragePercentage' | 'maintenance'> {
  const from = beginning(hours);
  const checks = history.filter(({ at }) => at >= from && at <= now).sort((a, b) => a.at - b.at);
  const times = checks.flatMap(({ responseTimeMs }) => responseTimeMs ?? []).sort((a, b) => a - b);
  // Nearest rank: the smallest value that so many percent of the values do not exceed.
  const percentile = (percent: number) =>
    seconds(times.find((time) => times.filter((it) => it <= time).length * 100 >= percent * times.length));
  const shares = endpointStatus.options.map((status) => {
    const count = checks.filter((it) => it.status === status).length;
    return [status, { count, percentage: count === 0 ? 0 : fourDecimals((count * 100) / checks.length) }];
  });
  const { widthMs: bucketMs } = seriesOf(hours);
  const starts = [...new Set(checks.map(({ at }) => Math.floor(at / bucketMs) * bucketMs))];
  return {
    endpointName: 'gateway',
    periodHours: hours,
    countedHours: fourDecimals((now + 1 - beginning(hours)) / hour),
    from: beginning(hours),
    until: now + 1,
    totalChecks: checks.length,
    availabilityPercentage: availability(checks),
    averageResponseTime: average(checks),
    p50ResponseTime: percentile(50),
    p95ResponseTime: percentile(95),
    p99ResponseTime: percentile(99),
    statusDistribution: Object.fromEntries(shares) as Trend['statusDistribution'],
    recentIssues: checks
      .filter(({ status }) => status !== 'healthy')
      .reverse()
      .slice(0, 20)
      .map(({ at, status, code, message, responseTimeMs }) => ({
        timestamp: at,
        status,
        code,
        message,
        responseTime: seconds(responseTimeMs),
      })),
    series: starts.map((timestamp) => {
      const within = checks.filter(({ at }) => at >= timestamp && at < timestamp + bucketMs);
      return {
        timestamp,
        totalChecks: within.length,
        maintenanceChecks: 0,
        availabilityPercentage: availability(within),
        // In these histories no status lasts.
        availabilityByDuration: null,
        averageResponseTime: average(within),
      };
    }),
  };
}
const seconds = (ms: number | null | undefined): number | null =>
  typeof ms === 'number' ? Math.round(ms * 1_000) / 1_000_000 : null;
const fourDecimals = (value: number): number => Math.round(value * 10_000) / 10_000;
function availability(checks: readonly Check[]): number | null {
  const known = checks.filter(({ status }) => status !== 'unknown');
  const good = known.filter(({ status }) => status === 'healthy' || status === 'degraded');
  return known.length === 0 ? null : fourDecimals((100 * good.length) / known.length);
}
function average(checks: readonly Check[]): number | null {
  const times = checks.flatMap(({ responseTimeMs }) => responseTimeMs ?? []);
  return times.length === 0 ? null : seconds(times.reduce((sum, time) => sum + time, 0) / times.length);
}

const database = sqlite(':memory:');
const onSqlite = kyselyHealthStore(database);
beforeAll(() => onSqlite.migrate());
afterAll(() => database.close());

describe.each([
  ['in memory', memoryHealthStore(), 300],
  ['on SQLite', onSqlite, 150],
] as const)('the trend of an endpoint %s', (_, store, numRuns) => {
  it('is what counting by hand gives', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async ([hours, history]) => {
        const {
          endpointId: _,
          availabilityByDuration: __,
          coveragePercentage: ___,
          maintenance: ____,
          ...found
        } = await trendFrom(store, history, hours);
        const expected = oracle(history, hours);
        for (const name of ['p50ResponseTime', 'p95ResponseTime', 'p99ResponseTime'] satisfies Percentile[]) {
          const exact = expected[name];
          if (exact === null) expect(found[name]).toBeNull();
          else expect(Math.abs((found[name] ?? 0) - exact)).toBeLessThanOrEqual(accuracy * exact);
          found[name] = exact;
        }
        // Issues are shown by their own times; those in the minute that the window begins in may be left out.
        const first = now + 1 - hours * hour;
        expected.recentIssues = expected.recentIssues.filter(({ timestamp }) => timestamp >= first);
        expect(found).toEqual(expected);
      }),
      { numRuns },
    );
  });

  it('fits its schema, and adds up', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async ([hours, history]) => {
        const found = await trendFrom(store, history, hours);
        expect(() => encode(trend, found)).not.toThrow();
        const counts = Object.values(found.statusDistribution).map(({ count }) => count);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(found.totalChecks);
        expect(found.series.reduce((sum, { totalChecks }) => sum + totalChecks, 0)).toBe(found.totalChecks);
        expect(found.series.length).toBeLessThanOrEqual(61);
        const { p50ResponseTime: p50, p95ResponseTime: p95, p99ResponseTime: p99 } = found;
        if (p50 !== null) expect([p50, p95, p99]).toEqual([p50, p95, p99].sort((a, b) => Number(a) - Number(b)));
      }),
      { numRuns: 60 },
    );
  });

  it('is empty without checks', async () => {
    expect(await trendFrom(store, [], 24)).toMatchObject({
      totalChecks: 0,
      availabilityPercentage: null,
      averageResponseTime: null,
      p50ResponseTime: null,
      p95ResponseTime: null,
      p99ResponseTime: null,
      statusDistribution: { healthy: { count: 0, percentage: 0 }, unknown: { count: 0, percentage: 0 } },
      recentIssues: [],
      series: [],
    });
  });

  it('does not show one failure of thousands as none', async () => {
    const history = Array.from({ length: 25_000 }, (_, index) => ({
      ...{ at: now - index, status: index === 9 ? ('offline' as const) : ('healthy' as const) },
      ...{ code: 'ok' as const, responseTimeMs: null, message: '' },
    }));
    const shown = await trendFrom(store, history, 1);
    expect(encode(trend, shown)).toMatchObject({
      availabilityPercentage: 99.996,
      maintenance: { availabilityPercentage: 99.996 },
      statusDistribution: { offline: { count: 1, percentage: 0.004 } },
      series: [{ availabilityPercentage: 99.996 }],
    });
  });

  it('leaves trouble of our own out of the availability', async () => {
    const statuses = ['healthy', 'degraded', 'offline', 'critical', 'unknown', 'unknown'] as const;
    const history = statuses.map((status, index) => ({
      at: now - index,
      status,
      code: 'ok',
      responseTimeMs: null,
      message: '',
    }));
    expect(await trendFrom(store, history, 1)).toMatchObject({ totalChecks: 6, availabilityPercentage: 50 });
    const ours = history.filter(({ status }) => status === 'unknown');
    expect(await trendFrom(store, ours, 1)).toMatchObject({ totalChecks: 2, availabilityPercentage: null });
  });
});
