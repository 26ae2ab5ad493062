import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketMs,
  defaultRetention,
  planWindow,
  resolutions,
  splitDuration,
  startOf,
  type Resolution,
  type Span,
} from '../../src/history/resolution.js';

const now = Date.UTC(2026, 2, 1, 12, 34, 56, 789);
const [minute, hour, day] = [bucketMs.minute, bucketMs.hour, bucketMs.day];
const anyResolution = fc.constantFrom<Resolution>(...resolutions);
const anyTime = fc.integer({ min: -Date.UTC(2100, 0, 1), max: Date.UTC(2100, 0, 1) });

describe('the start of a bucket', () => {
  it('is the last whole minute, hour or day of UTC', () => {
    expect(new Date(startOf('minute', now)).toISOString()).toBe('2026-03-01T12:34:00.000Z');
    expect(new Date(startOf('hour', now)).toISOString()).toBe('2026-03-01T12:00:00.000Z');
    expect(new Date(startOf('day', now)).toISOString()).toBe('2026-03-01T00:00:00.000Z');
  });

  it('is not after the instant, less than a bucket before it, and a start itself', () => {
    fc.assert(
      fc.property(anyResolution, anyTime, (resolution, at) => {
        const start = startOf(resolution, at);
        expect(start).toBeLessThanOrEqual(at);
        expect(at - start).toBeLessThan(bucketMs[resolution]);
        expect(startOf(resolution, start)).toBe(start);
      }),
    );
  });
});

describe('splitting a span of time', () => {
  it('gives parts that lie each in its bucket, in order, and come to the whole', () => {
    fc.assert(
      fc.property(anyResolution, anyTime, fc.double({ min: 0, max: 50, noNaN: true }), (resolution, from, buckets) => {
        const until = from + Math.round(buckets * bucketMs[resolution]);
        let at = from;
        for (const { start, ms } of splitDuration(from, until, resolution)) {
          expect(start).toBe(startOf(resolution, at));
          expect(ms).toBeGreaterThan(0);
          at += ms;
          expect(at).toBeLessThanOrEqual(start + bucketMs[resolution]);
        }
        expect(at).toBe(until);
      }),
    );
  });

  it('makes no more parts than the span touches buckets', () => {
    expect([...splitDuration(minute - 1, minute + 1, 'minute')]).toEqual([
      { start: 0, ms: 1 },
      { start: minute, ms: 1 },
    ]);
    expect([...splitDuration(minute, 2 * minute, 'minute')]).toEqual([{ start: minute, ms: minute }]);
    expect([...splitDuration(0, 400 * day, 'day')]).toHaveLength(400);
  });

  it.each([
    ['of no length', now, now],
    ['that ends before it begins', now, now - 1],
    ['that is no number', NaN, now],
  ])('gives nothing for one %s', (_, from, until) => {
    expect([...splitDuration(from, until, 'hour')]).toEqual([]);
  });

  it('makes its parts one by one, so that who asks can stop', () => {
    const first = splitDuration(0, Infinity, 'minute').next();
    expect(first.value).toEqual({ start: 0, ms: minute });
  });
});

/** Which buckets are read. */
function bucketsRead(spans: readonly Span[]): { from: number; until: number }[] {
  return spans.flatMap(({ resolution, from, until }) => {
    const step = bucketMs[resolution];
    const first = Math.ceil(from / step) * step;
    const count = Math.max(0, Math.ceil((until - first) / step));
    return Array.from({ length: count }, (_, index) => ({
      from: first + index * step,
      until: first + (index + 1) * step,
    }));
  });
}
/** The bucket that the window begins in, as fine as it is still kept whole. */
function beginning(from: number, at: number): number {
  const kept = (resolution: Resolution) =>
    startOf(resolution, at - defaultRetention[resolution]) + bucketMs[resolution];
  return startOf(resolutions.find((resolution) => from >= kept(resolution)) ?? 'day', from);
}

/** Windows that end with the present, at any moment of a day, as they are asked for; all but the oldest day's. */
const anyWindow = fc.record({
  now: fc.integer({ min: now, max: now + 2 * day }),
  length: fc.oneof(
    fc.integer({ min: 1, max: 2 * hour }),
    fc.integer({ min: 1, max: 4 * day }),
    fc.integer({ min: 1, max: 40 * day }),
    fc.integer({ min: 1, max: 399 * day }),
    // About as long as minutes and hours are kept.
    fc.integer({ min: -2 * minute, max: 2 * minute }).map((more) => defaultRetention.minute + more),
    fc.integer({ min: -2 * hour, max: 2 * hour }).map((more) => defaultRetention.hour + more),
  ),
});
/** Windows that lie anywhere in the days of which minutes are kept. */
const recentWindow = fc
  .tuple(fc.integer({ min: 0, max: 3 * day - 2 * minute }), fc.integer({ min: 0, max: 3 * day - 2 * minute }))
  .map((ages) => ({ from: now - Math.max(...ages) - 1, until: now - Math.min(...ages) }));

describe('the plan of a window that ends now', () => {
  it('reads every instant once, from the bucket that the window begins in', () => {
    fc.assert(
      fc.property(anyWindow, ({ now: at, length }) => {
        const from = at + 1 - length;
        const read = bucketsRead(planWindow({ from, until: at + 1, now: at }, defaultRetention));
        expect(read[0]?.from).toBe(beginning(from, at));
        for (const [index, { until }] of read.slice(0, -1).entries()) expect(read[index + 1]?.from).toBe(until);
        expect(read.at(-1)?.from).toBeLessThanOrEqual(at);
        expect(read.at(-1)?.until).toBeGreaterThan(at);
      }),
      { numRuns: 1_000 },
    );
  });

  it('asks for no bucket that is not kept any more', () => {
    fc.assert(
      fc.property(anyWindow, ({ now: at, length }) => {
        const from = at + 1 - length;
        for (const span of planWindow({ from, until: at + 1, now: at }, defaultRetention))
          expect(span.from).toBeGreaterThanOrEqual(at - defaultRetention[span.resolution]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads fewer than 700 buckets, in at most five spans', () => {
    fc.assert(
      fc.property(anyWindow, ({ now: at, length }) => {
        const spans = planWindow({ from: at + 1 - length, until: at + 1, now: at }, defaultRetention);
        expect(spans.length).toBeLessThanOrEqual(5);
        expect(bucketsRead(spans).length).toBeLessThan(700);
      }),
      { numRuns: 1_000 },
    );
    const longest = planWindow({ from: now + 1 - 400 * day, until: now + 1, now }, defaultRetention);
    expect(bucketsRead(longest).length).toBeLessThan(700);
  });
});

describe('the plan of a window of the last days', () => {
  it('overshoots it by less than a minute on either side, and reads what is between once', () => {
    fc.assert(
      fc.property(recentWindow, ({ from, until }) => {
        const read = bucketsRead(planWindow({ from, until, now }, defaultRetention));
        expect(read[0]?.from).toBe(startOf('minute', from));
        expect(read.at(-1)?.until).toBe(startOf('minute', until - 1) + minute);
        for (const [index, it] of read.slice(0, -1).entries()) expect(read[index + 1]?.from).toBe(it.until);
      }),
      { numRuns: 1_000 },
    );
  });

  it('has nothing coarser than what is asked for', () => {
    fc.assert(
      fc.property(recentWindow, anyResolution, ({ from, until }, coarsest) => {
        for (const { resolution } of planWindow({ from, until, now, coarsest }, defaultRetention))
          expect(bucketMs[resolution]).toBeLessThanOrEqual(bucketMs[coarsest]);
      }),
    );
  });

  it('is whole days, at their edges whole hours, and at the edges of these minutes', () => {
    const at = (text: string) => Date.parse(`2026-${text}:00Z`);
    const plan = planWindow({ from: at('02-26T22:58'), until: at('03-01T01:02'), now }, defaultRetention);
    expect(plan).toEqual([
      { resolution: 'minute', from: at('02-26T22:58'), until: at('02-26T23:00') },
      { resolution: 'hour', from: at('02-26T23:00'), until: at('02-27T00:00') },
      { resolution: 'day', from: at('02-27T00:00'), until: at('03-01T00:00') },
      { resolution: 'hour', from: at('03-01T00:00'), until: at('03-01T01:00') },
      { resolution: 'minute', from: at('03-01T01:00'), until: at('03-01T01:02') },
    ]);
  });
});

describe('retention by default', () => {
  it('keeps the coarser the longer, and hours and days for 35 and 401 days', () => {
    expect(defaultRetention).toMatchObject({ hour: 35 * day, day: 401 * day });
    expect(defaultRetention.minute).toBeGreaterThanOrEqual(2 * day);
    expect(defaultRetention.minute).toBeLessThan(defaultRetention.hour);
  });
});
