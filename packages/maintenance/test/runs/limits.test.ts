import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitsOf, reached } from '../../src/runs/limits.js';

describe('limits', () => {
  const number = fc.nat(1_000);
  const used = fc.record({ now: number, runtimeMs: number, items: number, batches: number });
  const limits = fc.record({ until: number, runtimeMs: number, items: number, batches: number }, { requiredKeys: [] });

  it('are reached by using as much as they allow, and by nothing else', () => {
    fc.assert(
      fc.property(limits, used, (given, so) => {
        const full = [
          [so.items, given.items],
          [so.batches, given.batches],
          [so.runtimeMs, given.runtimeMs],
          [so.now, given.until],
        ].some(([used, limit]) => limit !== undefined && (used ?? 0) >= limit);
        expect(reached(given, so) !== null).toBe(full);
      }),
    );
  });

  it('once reached stay reached', () => {
    fc.assert(
      fc.property(limits, used, number, (given, so, more) => {
        if (reached(given, so) === null) return;
        expect(reached(given, { ...so, items: so.items + more, now: so.now + more })).not.toBeNull();
      }),
    );
  });

  it('come from the controls, in their units', () => {
    expect(limitsOf({ maxRuntimeSeconds: 2, maxItems: 3, maxBatches: 4 }, 5)).toEqual({
      runtimeMs: 2_000,
      items: 3,
      batches: 4,
      until: 5,
    });
  });
});
