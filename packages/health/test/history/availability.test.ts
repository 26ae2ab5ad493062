import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointStatus } from '../../src/endpoints/endpoint.js';
import { availability } from '../../src/history/availability.js';

type Amounts = Record<EndpointStatus, number>;
const none: Amounts = { healthy: 0, degraded: 0, critical: 0, offline: 0, unknown: 0 };
const amount = fc.nat({ max: 1_000_000 });
const amounts: fc.Arbitrary<Amounts> = fc.record({
  healthy: amount,
  degraded: amount,
  critical: amount,
  offline: amount,
  unknown: amount,
});

describe('availability', () => {
  it('is the healthy and degraded part of what is known, of checks and of time', () => {
    const counts = { ...none, healthy: 90, degraded: 5, critical: 3, offline: 2 };
    const durationMs = { ...none, healthy: 40_000, degraded: 10_000, offline: 50_000 };
    expect(availability({ counts, durationMs }, 200_000)).toEqual({ bySamples: 95, byDuration: 50, coverage: 50 });
  });

  it('is in percent, rounded to four decimals', () => {
    const counts = { ...none, healthy: 2, offline: 1 };
    const durationMs = { ...none, degraded: 1, critical: 2 };
    expect(availability({ counts, durationMs }, 7)).toEqual({
      bySamples: 66.6667,
      byDuration: 33.3333,
      coverage: 42.8571,
    });
  });

  it('tells one bad second in a week from none', () => {
    const week = 604_800;
    expect(availability({ counts: { ...none, healthy: week - 1, offline: 1 }, durationMs: none }, 0).bySamples).toBe(
      99.9998,
    );
  });

  it('is null where nothing is known, which is not the same as 0', () => {
    const ours = { ...none, unknown: 10 };
    expect(availability({ counts: ours, durationMs: ours }, 10)).toEqual({
      bySamples: null,
      byDuration: null,
      coverage: 0,
    });
    const down = { ...none, offline: 10 };
    expect(availability({ counts: down, durationMs: down }, 10)).toEqual({
      bySamples: 0,
      byDuration: 0,
      coverage: 100,
    });
  });

  it('has no coverage over a window of no length', () => {
    expect(availability({ counts: none, durationMs: none }, 0).coverage).toBeNull();
  });

  it('does not change with what is unknown', () => {
    fc.assert(
      fc.property(amounts, amounts, amount, (counts, durationMs, unknown) => {
        const more = { counts: { ...counts, unknown }, durationMs: { ...durationMs, unknown } };
        expect(availability(more, 1_000)).toEqual(availability({ counts, durationMs }, 1_000));
      }),
    );
  });

  it('lies between 0 and 100, and is 100 exactly when nothing known was bad', () => {
    fc.assert(
      fc.property(amounts, (counts) => {
        const { bySamples } = availability({ counts, durationMs: none }, 0);
        const good = counts.healthy + counts.degraded;
        const bad = counts.critical + counts.offline;
        fc.pre(good + bad > 0);
        expect(bySamples).toBeGreaterThanOrEqual(0);
        // Four decimals of a percent tell one bad check among a million.
        if (bad === 0) expect(bySamples).toBe(100);
        else if (good + bad <= 1_000_000) expect(bySamples).toBeLessThan(100);
        else expect(bySamples).toBeLessThanOrEqual(100);
      }),
    );
  });
});
