import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addTo,
  decodeHistogram,
  emptyHistogram,
  encodeHistogram,
  mergeInto,
  quantile,
  type Histogram,
} from '../../src/history/histogram.js';

/** What a quantile may be off by, as a share of the value. */
const promised = 0.025;
const [leastMs, mostMs] = [0.01, 600_000];

/** Response times of every magnitude alike, not most of them huge. */
const anyTime = fc
  .double({ min: Math.log(leastMs), max: Math.log(mostMs), noNaN: true })
  .map((log) => Math.min(mostMs, Math.max(leastMs, Math.exp(log))));
const anyTimes = fc.array(anyTime, { maxLength: 200 });
const anyShare = fc.double({ min: 0, max: 1, noNaN: true });

function histogramOf(values: Iterable<number>): Histogram {
  const histogram = emptyHistogram();
  for (const value of values) addTo(histogram, value);
  return histogram;
}
function merged(...histograms: Histogram[]): Histogram {
  const sum = emptyHistogram();
  for (const histogram of histograms) mergeInto(sum, histogram);
  return sum;
}
/** By nearest rank: the smallest value that a share of all values does not exceed. */
function exactQuantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] as number;
}

describe('a quantile', () => {
  it('is within 2.5 % of the value that really has its rank', () => {
    fc.assert(
      fc.property(fc.array(anyTime, { minLength: 1, maxLength: 200 }), anyShare, (values, share) => {
        const exact = exactQuantile(values, share);
        const found = quantile(histogramOf(values), share) ?? NaN;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(promised * exact);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is as exact at both ends of the range, and at 0 and 1 is of the least and the greatest value', () => {
    const histogram = histogramOf([mostMs, 5, leastMs]);
    expect(Math.abs((quantile(histogram, 0) ?? NaN) / leastMs - 1)).toBeLessThanOrEqual(promised);
    expect(Math.abs((quantile(histogram, 1) ?? NaN) / mostMs - 1)).toBeLessThanOrEqual(promised);
  });

  it('grows with the share', () => {
    fc.assert(
      fc.property(fc.array(anyTime, { minLength: 1 }), anyShare, anyShare, (values, one, other) => {
        const histogram = histogramOf(values);
        const [low, high] = [quantile(histogram, Math.min(one, other)), quantile(histogram, Math.max(one, other))];
        expect(low).toBeLessThanOrEqual(high ?? NaN);
      }),
    );
  });

  it('of nothing is null', () => {
    expect(quantile(emptyHistogram(), 0.5)).toBeNull();
    expect(quantile(merged(emptyHistogram(), emptyHistogram()), 1)).toBeNull();
  });
});

describe('a histogram', () => {
  it.each([0, -5, 0.009, leastMs])('counts %d ms as the least it knows', (value) => {
    expect(histogramOf([value])).toEqual(histogramOf([leastMs]));
  });

  it.each([mostMs, 600_001, 1e12, Infinity])('counts %d ms as the most it knows', (value) => {
    expect(histogramOf([value])).toEqual(histogramOf([mostMs]));
  });

  it('loses no value, and stays below 450 buckets whatever it is given', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { maxLength: 300 }), (values) => {
        const histogram = histogramOf(values);
        expect([...histogram.values()].reduce((sum, count) => sum + count, 0)).toBe(values.length);
      }),
    );
    const everywhere = Array.from({ length: 20_000 }, (_, step) => leastMs * (mostMs / leastMs) ** (step / 20_000));
    expect(histogramOf(everywhere).size).toBeLessThan(450);
  });
});

describe('merging histograms', () => {
  it('gives that of all values, and leaves the other alone', () => {
    fc.assert(
      fc.property(anyTimes, anyTimes, (one, other) => {
        const [target, source] = [histogramOf(one), histogramOf(other)];
        mergeInto(target, source);
        expect(target).toEqual(histogramOf([...one, ...other]));
        expect(source).toEqual(histogramOf(other));
      }),
    );
  });

  it('comes to the same in any order and any grouping', () => {
    fc.assert(
      fc.property(anyTimes, anyTimes, anyTimes, (...values) => {
        const [a, b, c] = values.map(histogramOf) as [Histogram, Histogram, Histogram];
        expect(merged(a, b)).toEqual(merged(b, a));
        expect(merged(merged(a, b), c)).toEqual(merged(a, merged(b, c)));
        expect(merged(a, emptyHistogram())).toEqual(a);
      }),
    );
  });
});

describe('a histogram as text', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyTimes, (values) => {
        const histogram = histogramOf(values);
        expect(decodeHistogram(encodeHistogram(histogram))).toEqual(histogram);
      }),
    );
  });

  it('is the same text whatever the order of the values', () => {
    fc.assert(
      fc.property(anyTimes, (values) => {
        expect(encodeHistogram(histogramOf([...values].reverse()))).toBe(encodeHistogram(histogramOf(values)));
      }),
    );
  });

  it('stays below 1.5 KB for a day of one check a second', () => {
    // Log-logistic, with longer tails than latencies have: from 0.2 ms to 30 s around a median of 80 ms.
    const day = Array.from({ length: 86_400 }, (_, second) => 80 * Math.sqrt((second + 0.5) / (86_399.5 - second)));
    expect(encodeHistogram(histogramOf(day)).length).toBeLessThan(1_500);
  });

  it.each([
    ' ',
    'x!',
    '5:',
    ':5',
    '-1',
    '5.5',
    'A',
    '1:2:3',
    '1  2',
    '1,2',
    'NaN',
    '{}',
    '0:zzzzzzzzzzzz',
    'zzz',
    '5 0',
  ])('is refused when it is corrupt: "%s"', (text) => {
    expect(() => decodeHistogram(text)).toThrow('A stored histogram cannot be read');
  });

  it('is refused, or read as counts within the range, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'019az: -,.A') }), (text) => {
        let histogram = emptyHistogram();
        try {
          histogram = decodeHistogram(text);
        } catch (error) {
          expect(error).toHaveProperty('message', 'A stored histogram cannot be read');
        }
        for (const [index, count] of histogram) {
          expect(index).toBeLessThan(450);
          expect(Number.isSafeInteger(count)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
