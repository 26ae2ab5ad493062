import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forecastFull, thin, type RoomSample } from '../../src/host/forecast.js';

const [hour, day] = [3_600_000, 86_400_000];
const now = Date.UTC(2026, 5, 1);
const gib = 2 ** 30;
const every = (step: number, count: number, free: (at: number, place: number) => number): RoomSample[] =>
  Array.from({ length: count }, (_, place) => {
    const at = now - (count - 1 - place) * step;
    return { at, freeBytes: free(at, place) };
  });

describe('the day when a disk is full', () => {
  it('is told from a steady fall', () => {
    const samples = every(hour, 48, (at) => 10 * gib + ((now - at) / day) * gib);
    expect(forecastFull(samples, now)).toMatchObject({ bytesPerDay: -gib, fullAt: now + 10 * day });
  });

  it('is not moved by a cleanup every night, nor by a few wild samples', () => {
    const grown = every(hour, 24 * 14, (at, place) => {
      const trend = 20 * gib + ((now - at) / day) * gib;
      return trend - (place % 24) * 0.05 * gib + (place % 97 === 0 ? 500 * gib : 0);
    });
    const { fullAt } = forecastFull(grown, now);
    expect(Math.abs(((fullAt ?? 0) - now) / day - 20)).toBeLessThan(2);
  });

  it('is not told when the room grows, stays, or is known for too short', () => {
    expect(
      forecastFull(
        every(hour, 48, (at) => at),
        now,
      ).fullAt,
    ).toBeNull();
    expect(
      forecastFull(
        every(hour, 48, () => gib),
        now,
      ),
    ).toMatchObject({ fullAt: null, bytesPerDay: 0 });
    expect(
      forecastFull(
        every(hour, 5, (at) => -at),
        now,
      ),
    ).toMatchObject({ fullAt: null, bytesPerDay: null });
    expect(
      forecastFull(
        every(day, 4, (at) => -at),
        now,
      ).bytesPerDay,
    ).toBeNull();
    expect(forecastFull([], now)).toEqual({ bytesPerDay: null, fullAt: null, samples: 0, spanMs: 0 });
  });

  it('is not told beyond ten years', () => {
    expect(
      forecastFull(
        every(day, 30, (at) => 100 * gib - (at - now) / 100),
        now,
      ).fullAt,
    ).toBeNull();
  });
});

describe('the samples that are kept', () => {
  it('are few, reach back to the first, and grow no more after a year of one every five minutes', () => {
    let kept: RoomSample[] = [];
    const begun = now - 365 * day;
    for (let at = begun; at <= now; at += 5 * 60_000) kept = thin([...kept, { at, freeBytes: 1 }], at);
    expect(kept.length).toBeGreaterThan(60);
    expect(kept.length).toBeLessThan(400);
    expect(kept[0]?.at).toBe(begun);
    expect(kept.at(-1)?.at).toBe(now);
  });

  it('are some of those that were given, in their order, the newest among them', () => {
    const sample = fc.record({ at: fc.integer({ min: now - 100 * day, max: now }), freeBytes: fc.nat() });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 60 }), (samples) => {
        const kept = thin(samples, now);
        expect(kept.every((it) => samples.includes(it))).toBe(true);
        expect(kept.map(({ at }) => at)).toEqual(kept.map(({ at }) => at).sort((a, b) => a - b));
        expect(kept.at(-1)?.at).toBe(Math.max(...samples.map(({ at }) => at)));
      }),
    );
  });
});
