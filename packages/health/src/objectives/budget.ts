import type { Bucket, Sums } from '../history/bucket.js';
import { countUpTo, emptyHistogram } from '../history/histogram.js';
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

/** What the checks in a bucket come to, for an indicator; availability needs no histogram. */
export function tallyOf(
  { counts, durationMs, histogram }: Sums & Partial<Pick<Bucket, 'histogram'>>,
  { indicator, threshold }: Pick<Objective, 'indicator' | 'threshold'>,
): Tally {
  const well = counts.healthy + counts.degraded;
  const total = well + counts.critical + counts.offline;
  const coveredMs = Object.entries(durationMs).reduce(
    (sum, [status, ms]) => (status === 'unknown' ? sum : sum + ms),
    0,
  );
  const timely =
    indicator === 'availability' ? well : countUpTo(histogram ?? emptyHistogram(), (threshold ?? 0) * 1_000);
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

/** What is left of one without another that is part of it. */
export function withoutTally(one: Tally, part: Tally): Tally {
  return {
    well: Math.max(0, one.well - part.well),
    timely: Math.max(0, one.timely - part.timely),
    total: Math.max(0, one.total - part.total),
    coveredMs: Math.max(0, one.coveredMs - part.coveredMs),
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

/** The share of a time in which somebody looked at so many endpoints. */
export function coverageOf({ coveredMs }: Tally, ms: number, endpoints: number): number {
  return endpoints === 0 ? 0 : Math.min(1, coveredMs / (ms * endpoints));
}

/**
 * The share of a budget that is spent. Time at which nobody looked is not spent: otherwise the first check of a new
 * endpoint could spend all of a month's at once.
 */
export function spentOf(tally: Tally, { target, coverage }: { target: number; coverage: number }): number {
  return (burnRate(tally, target) ?? 0) * coverage;
}

/** The windows that are looked at, minutes. */
export const burnWindows = { '5m': 5, '30m': 30, '1h': 60, '6h': 360, '3d': 4_320 } as const;
/** One of them. */
export type BurnWindow = keyof typeof burnWindows;

/** What a window shows. */
export interface Burn {
  /** How many times as fast as would just last; null when too little is known. */
  rate: number | null;
  /** Checks that were not good. */
  bad: number;
}

/** What nothing is known of. */
export const noBurn: Burn = { rate: null, bad: 0 };

/** A window says something once somebody looked for this share of it. */
const leastCoverage = 0.25;
/** And holds at least so many checks of an endpoint, as far as half of the endpoints go: slow ones have longer windows. */
const leastChecks = 4;
/** So many bad checks at least make an alert: one of few says little, however large a share it is. */
const fewestBad = 3;

/** How long a window is for endpoints whose intervals are these, ms. */
export function burnWindowMs(window: BurnWindow, intervalsMs: readonly number[]): number {
  const median = [...intervalsMs].sort((a, b) => a - b)[Math.floor(intervalsMs.length / 2)] ?? 0;
  return Math.max(burnWindows[window] * 60_000, leastChecks * median);
}

/** What the checks of a window show. */
export function burnOf(tally: Tally, { target, coverage }: { target: number; coverage: number }): Burn {
  const bad = tally.total - goodOf(tally);
  return { rate: coverage < leastCoverage ? null : burnRate(tally, target), bad };
}

/**
 * When a budget burns, and how badly: fast enough over a long window, and still over a short one.
 * Source: The Site Reliability Workbook (Google, 2018), chapter 5, table 5-8. For services with few requests, which
 * checks are, that chapter ("Low-Traffic Services and Error Budget Alerting") asks not to take a single failure for a
 * burning budget: hence the least coverage, longer windows for slow endpoints, and the fewest bad checks.
 */
const rules: readonly { long: BurnWindow; short: BurnWindow; rate: number; alert: 'page' | 'ticket' }[] = [
  { long: '1h', short: '5m', rate: 14.4, alert: 'page' },
  { long: '6h', short: '30m', rate: 6, alert: 'page' },
  { long: '3d', short: '6h', rate: 1, alert: 'ticket' },
];

/** What windows amount to. */
export interface BurnVerdict {
  /** The worst rule that they fulfil; undefined for none. */
  burning?: { alert: 'page' | 'ticket'; window: BurnWindow; rate: number };
  /** What it may amount to besides, as far as windows do not say enough: what is not known has not ended. */
  unknown: readonly BurnAlert[];
}

/** Asks for windows until a rule is fulfilled; for long ones, which cost more, only where the short one burns. */
export async function burningBy(over: (window: BurnWindow) => Promise<Burn>): Promise<BurnVerdict> {
  const unknown: BurnAlert[] = [];
  for (const { long, short, rate, alert } of rules) {
    const recent = await over(short);
    if (recent.rate !== null && recent.rate < rate) continue;
    const whole = recent.rate === null ? noBurn : await over(long);
    if (whole.rate === null) unknown.push(alert);
    else if (whole.rate >= rate && whole.bad >= fewestBad)
      return { burning: { alert, window: long, rate: whole.rate }, unknown };
  }
  return { unknown };
}
