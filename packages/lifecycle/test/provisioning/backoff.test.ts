import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/provisioning/plan.js';

const policy = fc.record({
  attempts: fc.integer({ min: 2, max: 40 }),
  firstBackoffMs: fc.integer({ min: 1, max: 100_000 }),
  longestBackoffMs: fc.integer({ min: 1, max: 10_000_000 }),
});
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
/** A policy, and a number of failures after which it still tries again. */
const goingOn = policy.chain((of) => fc.tuple(fc.constant(of), fc.integer({ min: 1, max: of.attempts - 1 })));
const wait = (failures: number, of: Parameters<typeof backoffMs>[1], luck: number): number =>
  backoffMs(failures, of, undefined, () => luck) ?? Number.NaN;

describe('the wait before a step is tried again', () => {
  it('lies between half of the doubled first wait and all of it, and never above the longest', () => {
    fc.assert(
      fc.property(goingOn, random, ([of, failures], luck) => {
        const whole = Math.min(of.longestBackoffMs, of.firstBackoffMs * 2 ** (failures - 1));
        const ms = wait(failures, of, luck);
        expect(ms).toBeGreaterThanOrEqual(Math.round(whole / 2));
        expect(ms).toBeLessThanOrEqual(Math.min(whole, of.longestBackoffMs));
      }),
    );
  });

  it('takes the whole of that range: half without luck, all of it with much', () => {
    expect([0, 0.5, 0.999].map((luck) => wait(3, { attempts: 4 }, luck))).toEqual([2_000, 3_000, 3_998]);
    const drawn = Array.from({ length: 50 }, () => backoffMs(2));
    expect(new Set(drawn).size).toBeGreaterThan(1);
  });

  it('grows with each failure, to the longest, for the same luck', () => {
    const waits = Array.from({ length: 9 }, (_, index) => wait(index + 1, { attempts: 10 }, 0));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    fc.assert(
      fc.property(goingOn, random, ([of, failures], luck) => {
        if (failures > 1) expect(wait(failures, of, luck)).toBeGreaterThanOrEqual(wait(failures - 1, of, luck));
      }),
    );
  });

  it('ends with the last attempt: three of them where nothing else is said', () => {
    fc.assert(
      fc.property(policy, fc.nat(10), (of, beyond) => {
        expect(backoffMs(of.attempts + beyond, of)).toBeUndefined();
      }),
    );
    expect([1, 2, 3].map((failures) => backoffMs(failures) === undefined)).toEqual([false, false, true]);
  });
});
