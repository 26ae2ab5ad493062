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
  let [text, last] = ['', 0];
  for (const index of [...histogram.keys()].sort((a, b) => a - b)) {
    const count = histogram.get(index) ?? 0;
    if (text !== '') text += ' ';
    text += (index - last).toString(36);
    if (count !== 1) text += `:${count.toString(36)}`;
    last = index;
  }
  return text;
}

/**
 * Reads what {@link encodeHistogram} wrote. This is done for every sum that is added to: sign by sign, for to take the text
 * apart into strings takes several times as long.
 * @throws Error for any other text
 */
export function decodeHistogram(text: string): Histogram {
  const histogram = emptyHistogram();
  if (text === '') return histogram;
  let at = 0;
  /** The number that begins here; none is NaN. */
  const read = (): number => {
    let value = NaN;
    for (let digit = digitOf(text.charCodeAt(at)); digit >= 0; digit = digitOf(text.charCodeAt(++at)))
      value = (Number.isNaN(value) ? 0 : value * 36) + digit;
    return value;
  };
  const passes = (sign: string): boolean => text[at] === sign && ++at > 0;
  let index = 0;
  do {
    index += read();
    const count = passes(':') ? read() : 1;
    const isBucket = index <= lastIndex && !histogram.has(index);
    if (!isBucket || !Number.isSafeInteger(count) || count === 0) throw new Error('A stored histogram cannot be read');
    histogram.set(index, count);
  } while (passes(' '));
  if (at < text.length) throw new Error('A stored histogram cannot be read');
  return histogram;
}

/** The value of a digit in base 36, by its code; -1 for what is none. */
function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 122 ? code - 87 : -1;
}
