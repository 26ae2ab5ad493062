import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { endpointStatus, type EndpointStatus } from '../../src/endpoints/endpoint.js';
import { availability } from '../../src/history/availability.js';
import {
  addCheck,
  addDuration,
  bucketOfRow,
  bucketRow,
  emptyBucket,
  mergeBuckets,
  type Bucket,
} from '../../src/history/bucket.js';
import { quantile } from '../../src/history/histogram.js';
import { bucketMs, splitDuration, startOf, type Resolution } from '../../src/history/resolution.js';
import { randomFrom } from '../support/random.js';

const statuses = endpointStatus.options;
const day = bucketMs.day;

type Part = { status: EndpointStatus; responseTimeMs: number | null; lastedMs: number };
const anyParts: fc.Arbitrary<Part[]> = fc.array(
  fc.record({
    status: fc.constantFrom(...statuses),
    // Quarters add up exactly, in any order.
    responseTimeMs: fc.option(fc.integer({ min: 1, max: 240_000 }).map((quarters) => quarters / 4)),
    lastedMs: fc.nat({ max: day }),
  }),
  { maxLength: 30 },
);

function bucketOf(parts: readonly Part[], start = 0): Bucket {
  const bucket = emptyBucket(start);
  for (const part of parts) {
    addCheck(bucket, part);
    addDuration(bucket, part.status, part.lastedMs);
  }
  return bucket;
}
function merged(...buckets: Bucket[]): Bucket {
  const sum = emptyBucket(0);
  for (const bucket of buckets) mergeBuckets(sum, bucket);
  return sum;
}

describe('a bucket', () => {
  it('counts every check, and times those that have a response time', () => {
    const bucket = emptyBucket(60_000);
    addCheck(bucket, { status: 'healthy', responseTimeMs: 12.5 });
    addCheck(bucket, { status: 'degraded', responseTimeMs: 1_500 });
    addCheck(bucket, { status: 'offline', responseTimeMs: null });
    addDuration(bucket, 'healthy', 29_000);
    addDuration(bucket, 'healthy', 1_000);
    expect(bucket).toMatchObject({
      start: 60_000,
      counts: { healthy: 1, degraded: 1, critical: 0, offline: 1, unknown: 0 },
      durationMs: { healthy: 30_000, degraded: 0, critical: 0, offline: 0, unknown: 0 },
      timed: 2,
      sumMs: 1_512.5,
      minMs: 12.5,
      maxMs: 1_500,
    });
  });
});

describe('merging buckets', () => {
  it('gives that of all checks, keeps the start, and leaves the other alone', () => {
    fc.assert(
      fc.property(anyParts, anyParts, (one, other) => {
        const [target, source] = [bucketOf(one, 60_000), bucketOf(other, 120_000)];
        mergeBuckets(target, source);
        expect(target).toEqual(bucketOf([...one, ...other], 60_000));
        expect(source).toEqual(bucketOf(other, 120_000));
      }),
    );
  });

  it('has no least and no greatest time where there is none, which is not 0', () => {
    expect(merged(emptyBucket(0), emptyBucket(0))).toMatchObject({ timed: 0, sumMs: 0, minMs: null, maxMs: null });
  });

  it('comes to the same in any order and any grouping', () => {
    fc.assert(
      fc.property(anyParts, anyParts, anyParts, (...parts) => {
        const [a, b, c] = parts.map((it) => bucketOf(it)) as [Bucket, Bucket, Bucket];
        expect(merged(a, b)).toEqual(merged(b, a));
        expect(merged(merged(a, b), c)).toEqual(merged(a, merged(b, c)));
        expect(merged(a, emptyBucket(0))).toEqual(a);
      }),
    );
  });
});

describe('a bucket as a row', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        const bucket = bucketOf(parts, 3_600_000);
        expect(bucketOfRow(bucketRow(bucket))).toEqual(bucket);
      }),
    );
  });

  it('has plain columns of numbers and one text', () => {
    const row = bucketRow(bucketOf([{ status: 'critical', responseTimeMs: 2, lastedMs: 1_000 }]));
    expect(row).toMatchObject({ start: 0, n_critical: 1, n_healthy: 0, ms_critical: 1_000, timed: 1, sum_ms: 2 });
    expect(Object.values(row).filter((value) => typeof value !== 'number')).toEqual([row.histogram]);
    expect(typeof row.histogram).toBe('string');
  });

  it('is read from drivers that give large integers as text', () => {
    const bucket = bucketOf([{ status: 'healthy', responseTimeMs: 2, lastedMs: 1_000 }], Date.UTC(2026, 2, 1));
    const row = bucketRow(bucket);
    const asText = Object.fromEntries(Object.entries(row).map(([column, value]) => [column, String(value)]));
    expect(bucketOfRow(asText as unknown as typeof row)).toEqual(bucket);
  });

  it('is refused when its histogram is corrupt', () => {
    expect(() => bucketOfRow({ ...bucketRow(emptyBucket(0)), histogram: '?' })).toThrow('cannot be read');
  });
});

/** By which share a percentile may be off; the rest is for the rounding of floating point. */
const stated = 0.02 + 1e-9;
/** Sums up by a coarser resolution, every bucket through its row, as a store would. */
function rolledUp(buckets: Iterable<Bucket>, resolution: Resolution): Bucket[] {
  const sums = new Map<number, Bucket>();
  for (const bucket of buckets) {
    const start = startOf(resolution, bucket.start);
    const sum = sums.get(start) ?? emptyBucket(start);
    mergeBuckets(sum, bucketOfRow(bucketRow(bucket)));
    sums.set(start, sum);
  }
  return [...sums.values()];
}

describe('a week of one check a second', () => {
  const begin = Date.UTC(2026, 1, 23, 0, 0, 0, 250);
  const checks = 7 * 86_400;
  const end = begin + checks * 1_000;
  const found = new Uint8Array(checks);
  const times = new Float64Array(checks);
  const minutes = new Map<number, Bucket>();
  const direct = emptyBucket(startOf('day', begin));
  let hours: Bucket[];
  let days: Bucket[];

  const minuteOf = (start: number): Bucket =>
    minutes.get(start) ?? (minutes.set(start, emptyBucket(start)).get(start) as Bucket);
  beforeAll(() => {
    const random = randomFrom(20_260_223);
    let status = 0;
    for (let index = 0; index < checks; index++) {
      const at = begin + index * 1_000;
      // Statuses come in runs of about eight minutes, so that many of them cross borders.
      if (random() < 0.002) status = Math.floor(random() * statuses.length);
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      found[index] = status;
      const responseTimeMs = status >= 3 ? null : 40 * Math.exp(0.8 * normal);
      times[index] = responseTimeMs ?? NaN;
      const check = { status: statuses[status] as EndpointStatus, responseTimeMs };
      addCheck(minuteOf(startOf('minute', at)), check);
      addCheck(direct, check);
      for (const { start, ms } of splitDuration(at, at + 1_000, 'minute'))
        addDuration(minuteOf(start), check.status, ms);
      addDuration(direct, check.status, 1_000);
    }
    hours = rolledUp(minutes.values(), 'hour');
    days = rolledUp(hours, 'day');
  });

  /** The same from the raw checks of a span, by looking at every one of them. */
  function oracle(from: number, until: number) {
    const counts = Object.fromEntries(statuses.map((status) => [status, 0])) as Bucket['counts'];
    const durationMs = { ...counts };
    const timed: number[] = [];
    for (let index = 0; index < checks; index++) {
      const at = begin + index * 1_000;
      const status = statuses[found[index] as number] as EndpointStatus;
      durationMs[status] += Math.max(0, Math.min(until, at + 1_000) - Math.max(from, at));
      if (at < from || at >= until) continue;
      counts[status]++;
      if (!Number.isNaN(times[index])) timed.push(times[index] as number);
    }
    return { counts, durationMs, sorted: Float64Array.from(timed).sort() };
  }
  function compare(bucket: Bucket, from: number, until: number): void {
    const { counts, durationMs, sorted } = oracle(from, until);
    expect(bucket.counts).toEqual(counts);
    expect(bucket.durationMs).toEqual(durationMs);
    expect(bucket.timed).toBe(sorted.length);
    const sum = sorted.reduce((total, value) => total + value, 0);
    expect(Math.abs(bucket.sumMs - sum)).toBeLessThanOrEqual(1e-9 * sum);
    expect([bucket.minMs, bucket.maxMs]).toEqual([sorted[0] ?? null, sorted.at(-1) ?? null]);
    for (const share of [0.5, 0.95, 0.99]) {
      const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1];
      const guess = quantile(bucket.histogram, share);
      if (exact === undefined) expect(guess).toBeNull();
      else expect(Math.abs((guess ?? NaN) - exact)).toBeLessThanOrEqual(stated * exact);
    }
  }

  it('comes to the same by minutes, hours and days as counted from every check', () => {
    compare(merged(...days), begin, end);
    expect([minutes.size, hours.length, days.length]).toEqual([10_081, 169, 8]);
  });

  it('comes to the same summed up at once as through the three resolutions', () => {
    const through = merged(...days);
    expect({ ...through, sumMs: 0, start: 0 }).toEqual({ ...direct, sumMs: 0, start: 0 });
    expect(through.sumMs / direct.sumMs).toBeCloseTo(1, 9);
  });

  it('is right for each day, and for hours and minutes among them', () => {
    for (const bucket of days) compare(bucket, bucket.start, bucket.start + day);
    for (const bucket of hours.filter((_, index) => index % 42 === 0))
      compare(bucket, bucket.start, bucket.start + bucketMs.hour);
    for (const bucket of [...minutes.values()].filter((_, index) => index % 2_520 === 0))
      compare(bucket, bucket.start, bucket.start + bucketMs.minute);
  });

  it('has the availability that every check and every second give, with the whole known part covered', () => {
    const { counts } = oracle(begin, end);
    const known = checks - counts.unknown;
    const percent = (part: number, whole: number) => Math.round((1e6 * part) / whole) / 1e4;
    const [good, coverage] = [percent(counts.healthy + counts.degraded, known), percent(known, checks)];
    expect(availability(merged(...days), checks * 1_000)).toEqual({ bySamples: good, byDuration: good, coverage });
  });
});

describe('a year of one check a second', () => {
  const begin = Date.UTC(2026, 0, 1);
  const daysOfYear = 365;
  /** Log-normal response times in their order, so that counting which was drawn how often says every percentile. */
  const drawn = 2 ** 13;
  const random = randomFrom(7);
  const times = Float64Array.from({ length: drawn }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return 40 * Math.exp(0.8 * normal);
  }).sort();

  /** What was found in a span, counted without buckets. */
  const tally = () => ({ checks: new Uint32Array(statuses.length), draws: new Uint32Array(drawn) });
  function compare(bucket: Bucket, { checks, draws }: ReturnType<typeof tally>): void {
    expect(statuses.map((status) => bucket.counts[status])).toEqual([...checks]);
    expect(statuses.map((status) => bucket.durationMs[status])).toEqual([...checks].map((count) => count * 1_000));
    const timed = draws.reduce((sum, count) => sum + count, 0);
    expect(bucket.timed).toBe(timed);
    const sumMs = draws.reduce((sum, count, rank) => sum + count * (times[rank] as number), 0);
    expect(Math.abs(bucket.sumMs - sumMs)).toBeLessThanOrEqual(1e-9 * sumMs);
    const extremes = [draws.findIndex((count) => count > 0), draws.findLastIndex((count) => count > 0)];
    expect([bucket.minMs, bucket.maxMs]).toEqual(extremes.map((rank) => times[rank] ?? null));
    for (const share of [0.5, 0.95, 0.99]) {
      let left = Math.max(1, Math.ceil(share * timed));
      const exact = times[draws.findIndex((count) => (left -= count) <= 0)] as number;
      expect(Math.abs((quantile(bucket.histogram, share) ?? NaN) - exact)).toBeLessThanOrEqual(stated * exact);
    }
  }

  it('comes to the same for each day and for the whole, by minutes, hours and days', () => {
    const whole = tally();
    const year = emptyBucket(begin);
    const check = { status: 'healthy' as EndpointStatus, responseTimeMs: null as number | null };
    let status = 0;
    for (let index = 0; index < daysOfYear; index++) {
      const today = emptyBucket(begin + index * day);
      const oracle = tally();
      for (let hour = 0; hour < 24; hour++) {
        const thisHour = emptyBucket(today.start + hour * bucketMs.hour);
        for (let minute = 0; minute < 60; minute++) {
          const thisMinute = emptyBucket(thisHour.start + minute * bucketMs.minute);
          for (let second = 0; second < 60; second++) {
            if (random() < 0.002) status = Math.floor(random() * statuses.length);
            const rank = status >= 3 ? undefined : Math.floor(random() * drawn);
            check.status = statuses[status] as EndpointStatus;
            check.responseTimeMs = rank === undefined ? null : (times[rank] as number);
            addCheck(thisMinute, check);
            addDuration(thisMinute, check.status, 1_000);
            oracle.checks[status]!++;
            if (rank !== undefined) oracle.draws[rank]!++;
          }
          mergeBuckets(thisHour, thisMinute);
        }
        mergeBuckets(today, bucketOfRow(bucketRow(thisHour)));
      }
      compare(today, oracle);
      for (const [rank, count] of oracle.draws.entries()) whole.draws[rank]! += count;
      for (const [found, count] of oracle.checks.entries()) whole.checks[found]! += count;
      mergeBuckets(year, bucketOfRow(bucketRow(today)));
    }
    compare(year, whole);
    expect(Object.values(year.counts).reduce((sum, count) => sum + count, 0)).toBe(31_536_000);
  }, 120_000);
});
