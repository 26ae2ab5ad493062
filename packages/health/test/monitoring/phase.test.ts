import { newId } from '@dotmac/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextSlot } from '../../src/monitoring/phase.js';

const anyId = fc.uuid();
const anyInterval = fc.integer({ min: 5_000, max: 3_600_000 });
const anyTime = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });

describe('the next slot of an endpoint', () => {
  it('lies after now and no further than one interval away', () => {
    fc.assert(
      fc.property(anyId, anyInterval, anyTime, (id, interval, now) => {
        const slot = nextSlot(id, interval, now);
        expect(slot).toBeGreaterThan(now);
        expect(slot).toBeLessThanOrEqual(now + interval);
      }),
    );
  });

  it('keeps its phase, whenever it is asked for and however many slots were missed', () => {
    fc.assert(
      fc.property(anyId, anyInterval, anyTime, anyTime, (id, interval, one, other) => {
        expect(nextSlot(id, interval, one) % interval).toBe(nextSlot(id, interval, other) % interval);
      }),
    );
  });

  it('follows the one before by exactly one interval', () => {
    fc.assert(
      fc.property(anyId, anyInterval, anyTime, (id, interval, now) => {
        const slot = nextSlot(id, interval, now);
        expect(nextSlot(id, interval, slot)).toBe(slot + interval);
        expect(nextSlot(id, interval, slot - 1)).toBe(slot);
      }),
    );
  });
});

describe('the slots of many endpoints', () => {
  it('are spread evenly over the interval, though their ids were made in one burst', () => {
    const perTenth = Array<number>(10).fill(0);
    for (let count = 0; count < 10_000; count++) {
      const tenth = Math.floor((nextSlot(newId(), 30_000, 0) % 30_000) / 3_000);
      perTenth[tenth] = (perTenth[tenth] ?? 0) + 1;
    }
    // 1,000 are expected in each; eight standard deviations are 240, and come by chance once in 10^13 runs.
    expect(Math.min(...perTenth)).toBeGreaterThan(760);
    expect(Math.max(...perTenth)).toBeLessThan(1_240);
  });
});
