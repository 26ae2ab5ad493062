import type { Bucket } from '../history/bucket.js';
import { countUpTo } from '../history/histogram.js';
import type { BurnAlert, Objective } from './objective.js';

/** What the checks of a while came to; of several whiles, the sum. */
export interface Tally {
  /** Those that were answered well. */
  well: number;
  /** Those that were answered in time, however. */
  timely: number;
  /** Those that found something out. */
  total: number;
  /** How long somebody looked, ms. */
  coveredMs: number;
}

/** What checks of nothing come to. */
export const noTally: Tally = { well: 0, timely: 0, total: 0, coveredMs: 0 };

/** What the checks in a bucket come to, for an indicator. */
export function tallyOf(
  { counts, durationMs, histogram }: Bucket,
  { indicator, threshold }: Pick<Objective, 'indicator' | 'threshold'>,
): Tally {
  const well = counts.healthy + counts.degraded;
  const total = well + counts.critical + counts.offline;
  const coveredMs = Object.entries(durationMs).reduce(
    (sum, [status, ms]) => (status === 'unknown' ? sum : sum + ms),
    0,
  );
  const timely = indicator === 'availability' ? well : countUpTo(histogram, (threshold ?? 0) * 1_000);
  return { well, timely, total, coveredMs };
}

/** Both together. */
export function addTallies(one: Tally, other: Tally): Tally {
  return {
    well: one.well + other.well,
    timely: one.timely + other.timely,
    total: one.total + other.total,
    coveredMs: one.coveredMs + other.coveredMs,
  };
}

/** The good ones. What was answered wrongly may have been answered fast: it is no better for that. */
export function goodOf({ well, timely }: Tally): number {
  return Math.min(well, timely);
}

/** How many times as fast a budget is spent as would just last for its window; null when nothing is known. */
export function burnRate(tally: Tally, target: number): number | null {
  const { total } = tally;
  return total === 0 ? null : (total - goodOf(tally)) / total / (1 - target);
}

/** The windows that are looked at, minutes. */
export const burnWindows = { '5m': 5, '30m': 30, '1h': 60, '6h': 360, '3d': 4_320 } as const;
/** One of them. */
export type BurnWindow = keyof typeof burnWindows;

/**
 * When a budget burns, and how badly: fast enough over a long window, and still over a short one.
 * Source: The Site Reliability Workbook (Google, 2018), chapter 5, table 5-8.
 */
const rules: readonly { long: BurnWindow; short: BurnWindow; rate: number; alert: BurnAlert }[] = [
  { long: '1h', short: '5m', rate: 14.4, alert: 'page' },
  { long: '6h', short: '30m', rate: 6, alert: 'page' },
  { long: '3d', short: '6h', rate: 1, alert: 'ticket' },
];

/** The rule that rates of burning fulfil first, the worst of them; undefined for none. */
export function burningBy(rates: Readonly<Record<BurnWindow, number | null>>) {
  return rules.find(({ long, short, rate }) => (rates[long] ?? 0) >= rate && (rates[short] ?? 0) >= rate);
}
