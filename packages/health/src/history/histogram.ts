/**
 * How often answers took how long, in buckets whose bounds grow by a constant factor, after DDSketch (Masson, Rim, Lee:
 * "DDSketch: A fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019). Any quantile is
 * within 2 % of a value that was really seen; two histograms add up to that of both. From 0.01 ms to ten minutes; what
 * lies outside counts as the nearest of them.
 */
export type Histogram = Map<number, number>;

const accuracy = 0.02;
const gamma = (1 + accuracy) / (1 - accuracy);
const logGamma = Math.log(gamma);
const leastMs = 0.01;
const mostMs = 600_000;
const offset = Math.ceil(Math.log(leastMs) / logGamma);
const lastIndex = Math.ceil(Math.log(mostMs) / logGamma) - offset;

/** A histogram of nothing. */
export const emptyHistogram = (): Histogram => new Map();

/** Counts a value; changes the histogram. */
export function addTo(histogram: Histogram, valueMs: number): void {
  const index = valueMs > leastMs ? Math.min(lastIndex, Math.ceil(Math.log(valueMs) / logGamma) - offset) : 0;
  histogram.set(index, (histogram.get(index) ?? 0) + 1);
}

/** Adds the counts of one histogram to another, which changes. */
export function mergeInto(target: Histogram, other: Histogram): void {
  for (const [index, count] of other) target.set(index, (target.get(index) ?? 0) + count);
}

/** How many values do not exceed one, within the accuracy of the buckets. */
export function countUpTo(histogram: Histogram, valueMs: number): number {
  let count = 0;
  for (const [index, times] of histogram) if (middleOf(index) <= valueMs) count += times;
  return count;
}

/** The value that a share of all does not exceed, by nearest rank: 0 is the least, 0.5 the median. Null of nothing. */
export function quantile(histogram: Histogram, share: number): number | null {
  const sorted = [...histogram].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const rank = Math.ceil(share * total);
  let seen = 0;
  for (const [index, count] of sorted) if ((seen += count) >= rank) return middleOf(index);
  return null;
}

/** The value that is off by the same share from both bounds of a bucket. */
function middleOf(index: number): number {
  return (2 * gamma ** (index + offset)) / (gamma + 1);
}

/** A histogram as text: steps between its buckets and their counts, in base 36. */
export function encodeHistogram(histogram: Histogram): string {
  let last = 0;
  const pairs = [...histogram].sort(([a], [b]) => a - b);
  return pairs
    .map(([index, count]) => {
      const step = index - last;
      last = index;
      return count === 1 ? step.toString(36) : `${step.toString(36)}:${count.toString(36)}`;
    })
    .join(' ');
}

/**
 * Reads what {@link encodeHistogram} wrote.
 * @throws Error for any other text
 */
export function decodeHistogram(text: string): Histogram {
  const histogram = emptyHistogram();
  if (text === '') return histogram;
  let index = 0;
  for (const pair of text.split(' ')) {
    const [step = '', count = '1'] = pair.split(':');
    index += parseInt(step, 36);
    const times = parseInt(count, 36);
    const isCount = Number.isSafeInteger(times) && times > 0;
    if (!/^[0-9a-z]+(?::[0-9a-z]+)?$/.test(pair) || index > lastIndex || !isCount || histogram.has(index))
      throw new Error('A stored histogram cannot be read');
    histogram.set(index, times);
  }
  return histogram;
}
