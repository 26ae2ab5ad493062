import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isoInstant } from '../../src/contract/iso-instant.js';

it('says what Date says, for every instant that Date can say', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.integer({ min: -6.3e13, max: 2.6e14 }), (any, near) => {
      for (const epochMs of [any, near]) expect(isoInstant(epochMs)).toBe(new Date(epochMs).toISOString());
    }),
    { numRuns: 2_000 },
  );
});

it.each([0, -1, 951_782_400_000, 1_709_164_799_999, -62_167_219_200_000, 253_402_300_799_999])(
  'holds at the edge %d',
  (epochMs) => {
    expect(isoInstant(epochMs)).toBe(new Date(epochMs).toISOString());
  },
);

it('refuses what is no instant, like Date', () => {
  expect(() => isoInstant(Number.NaN)).toThrow(RangeError);
});
