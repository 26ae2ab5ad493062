import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  bucketMs,
  planWindow,
  resolutions,
  startOf,
  type Resolution,
  type Retention,
} from '../../src/history/resolution.js';

const now = Date.UTC(2026, 2, 1, 12, 34, 56, 789);
const day = 86_400_000;
/** Any retention that keeps the coarser at least as long. */
const anyRetention: fc.Arbitrary<Retention> = fc
  .tuple(
    fc.integer({ min: 0, max: 5 * day }),
    fc.integer({ min: 0, max: 40 * day }),
    fc.integer({ min: 0, max: 400 * day }),
  )
  .map(([minute, more, most]) => ({ minute, hour: minute + more, day: minute + more + most }));
const anyShare = fc.double({ min: 0, max: 1, noNaN: true });

it('a window, whatever is kept, is read once, from what is kept, in few buckets', () => {
  fc.assert(
    fc.property(anyRetention, anyShare, anyShare, fc.constantFrom(...resolutions), (retention, a, b, coarsest) => {
      const oldest = (resolution: Resolution) =>
        startOf(resolution, now - retention[resolution]) + bucketMs[resolution];
      const kept = now - oldest('day');
      fc.pre(kept > 1);
      const from = Math.floor(now - Math.max(a, b) * kept);
      const until = Math.max(from + 1, Math.floor(now + 1 - Math.min(a, b) * kept));
      const spans = planWindow({ from, until, now, coarsest }, retention);
      const finest = resolutions.find((resolution) => from >= oldest(resolution)) ?? 'day';
      expect([spans[0]?.from, spans.at(-1)?.until]).toEqual([startOf(finest, from), until]);
      for (const [index, span] of spans.entries()) {
        expect(span.from).toBeGreaterThanOrEqual(now - retention[span.resolution]);
        expect(startOf(span.resolution, span.from)).toBe(span.from);
        const next = spans[index + 1];
        if (next) expect([next.from, startOf(span.resolution, span.until)]).toEqual([span.until, span.until]);
      }
      const buckets = spans.reduce((sum, it) => sum + Math.ceil((it.until - it.from) / bucketMs[it.resolution]), 0);
      if (coarsest === 'day') expect(buckets).toBeLessThan(700);
    }),
    { numRuns: 3_000 },
  );
});
