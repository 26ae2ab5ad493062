import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HealthContext } from '../context.js';
import { addSums, emptySums } from '../history/bucket.js';
import {
  bucketMs,
  planWindow,
  resolutions,
  startOf,
  type Resolution,
  type Retention,
  type Span,
} from '../history/resolution.js';
import {
  addTallies,
  burningBy,
  burnOf,
  burnWindowMs,
  burnWindows,
  coverageOf,
  goodOf,
  noBurn,
  noTally,
  spentOf,
  tallyOf,
  withoutTally,
  type Burn,
  type BurnVerdict,
  type BurnWindow,
  type Tally,
} from './budget.js';
import type { ObjectiveRecord, ObjectiveReport } from './objective.js';
import type { BucketSpan } from '../store/store.js';
import { countedAlike, type Readings } from './readings.js';
import { shownAgain } from './shown-twice.js';

/**
 * As many endpoints of a tag as are reckoned together: the database adds up checks, as many as a tenant can have by
 * default, and we how fast they were.
 */
const mostEndpoints = { availability: 10_000, latency: 100 };
/** Endpoints that are asked for at once: on SQLite nothing else is done meanwhile. */
const summedAtOnce = 500;

type Shown = ReturnType<HealthContext['steps']['shown']>[number];

/** What measuring works with. */
export type Measured = Pick<HealthContext, 'store' | 'directory' | 'retention' | 'clock' | 'steps' | 'shownTwice'>;

/** The endpoints that an objective is about: of those with its tag the oldest, as many as are reckoned together. */
export function endpointsOf(context: Measured, objective: ObjectiveRecord) {
  return meantBy(context, objective).slice(0, mostEndpoints[objective.indicator]);
}

function meantBy({ directory }: Measured, { tenantId, endpointId, tag }: ObjectiveRecord) {
  const named = endpointId === null ? undefined : directory.get(endpointId);
  const all = named ? [named] : endpointId === null ? [...directory.ofTenant(tenantId)] : [];
  return all
    .map(({ endpoint }) => endpoint)
    .filter((it) => it.tenantId === tenantId && (endpointId !== null || (tag !== null && it.tags.includes(tag))));
}

/** What the checks of some endpoints that an objective counts came to within a span. */
async function tallyWithin(
  context: Measured,
  objective: ObjectiveRecord,
  { ids, span }: { ids: readonly string[]; span: Span },
): Promise<Tally> {
  const tally = await tallyOfPart(context, objective, { ids, span });
  if (!objective.countsMaintenance) return tally;
  return addTallies(tally, await tallyOfPart(context, objective, { ids, span: { ...span, inMaintenance: true } }));
}

async function tallyOfPart(
  { store }: Measured,
  objective: ObjectiveRecord,
  { ids, span }: { ids: readonly string[]; span: BucketSpan },
): Promise<Tally> {
  const tenant = store.tenant(objective.tenantId);
  if (objective.indicator === 'latency') return tallyOf(await tenant.total(ids, span), objective);
  const sum = emptySums();
  for (let at = 0; at < ids.length; at += summedAtOnce) {
    if (at > 0) await nextTurn();
    for (const one of (await tenant.sums(ids.slice(at, at + summedAtOnce), span)).values()) addSums(sum, one);
  }
  return tallyOf(sum, objective);
}

/** The same of several spans. */
async function tallyOver(
  context: Measured,
  objective: ObjectiveRecord,
  ids: readonly string[],
  spans: readonly Span[],
): Promise<Tally> {
  let tally = noTally;
  for (const span of spans) tally = addTallies(tally, await tallyWithin(context, objective, { ids, span }));
  return tally;
}

const nextMinute = (at: number): number => startOf('minute', at) + bucketMs.minute;

/** As many buckets of an endpoint as a window is made of. */
const mostBuckets = 120;

/** The size of the buckets that a window is made of. */
function resolutionOf(ms: number, retention: Retention): Resolution {
  const fits = resolutions.find((it) => ms <= mostBuckets * bucketMs[it] && ms + bucketMs[it] <= retention[it]);
  return fits ?? 'day';
}

/**
 * A window in buckets of one size, up to now; it begins with a whole one. When the clock was set within it, it is what that
 * showed: buckets that were shown twice hold both times.
 */
function windowSpans(shown: readonly Shown[], resolution: Resolution): Span[] {
  const spans: Span[] = [];
  for (const { from, until } of shown.toSorted((a, b) => a.from - b.from)) {
    const span = { resolution, from: startOf(resolution, from), until: Math.floor(until) + 1 };
    const last = spans.at(-1);
    // No bucket is counted twice.
    if (last && span.from < last.until) last.until = Math.max(last.until, span.until);
    else spans.push(span);
  }
  return spans;
}

/** The endpoints that can burn a budget: paused ones do not. */
const burntBy = (context: Measured, objective: ObjectiveRecord) =>
  endpointsOf(context, objective).filter(({ pausedAt }) => pausedAt === null);

/** Looks at an objective's windows, each as it is asked for. */
function burnOver(context: Measured, objective: ObjectiveRecord, readings?: Readings) {
  const endpoints = burntBy(context, objective);
  const ids = endpoints.map(({ id }) => id);
  const intervals = endpoints.map(({ checkInterval }) => checkInterval * 1_000);
  const over = async (window: BurnWindow): Promise<Burn> => {
    if (ids.length === 0) return noBurn;
    const ms = burnWindowMs(window, intervals);
    const read = async (): Promise<Tally> => {
      const shown = context.steps.shown(ms);
      const again = shownAgain(shown);
      const resolution = resolutionOf(ms, context.retention);
      const tally = await tallyOver(context, objective, ids, windowSpans(shown, resolution));
      if (!again) return tally;
      const buckets = { from: startOf(resolution, again.from), until: nextMinute(again.until) };
      return withoutTally(tally, context.shownTwice.heldWithin(countedAlike(objective), buckets));
    };
    const tally = await (readings ? readings.share(objective, { window, endpoints: ids.length }, read) : read());
    return burnOf(tally, { target: objective.target, coverage: coverageOf(tally, ms, ids.length) });
  };
  return { isEmpty: ids.length === 0, over };
}

/**
 * Notes what the buckets of an objective hold that the clock, as it was set back, is to show a second time. To be called
 * about once a minute.
 */
export async function lookAhead(context: Measured, objective: ObjectiveRecord): Promise<void> {
  const { clock, steps, shownTwice, retention } = context;
  const [now, latest, counted] = [clock.now(), steps.latest(), countedAlike(objective)];
  const next = nextMinute(now);
  if (latest >= next) {
    const ids = burntBy(context, objective).map(({ id }) => id);
    const spans = planWindow({ from: next, until: latest + 1, now: latest }, retention);
    shownTwice.note(counted, next, await tallyOver(context, objective, ids, spans));
  } else if (shownTwice.isAhead(counted)) shownTwice.note(counted, next, noTally);
}

/** Whether an objective's budget burns. That of nothing does not. */
export async function verdictOn(
  context: Measured,
  objective: ObjectiveRecord,
  readings: Readings,
): Promise<BurnVerdict> {
  const { isEmpty, over } = burnOver(context, objective, readings);
  return isEmpty ? { unknown: [] } : burningBy(over);
}

/** What became of an objective's budget over its whole window. */
export async function budgetOf(context: Measured, objective: ObjectiveRecord) {
  const now = context.clock.now();
  const windowMs = objective.windowDays * 86_400_000;
  const ids = endpointsOf(context, objective).map(({ id }) => id);
  const spans = planWindow({ from: now + 1 - windowMs, until: now + 1, now }, context.retention);
  const tally = ids.length === 0 ? noTally : await tallyOver(context, objective, ids, spans);
  const coverage = coverageOf(tally, windowMs, ids.length);
  const spent = spentOf(tally, { target: objective.target, coverage });
  return { tally, coverage, seconds: ((1 - objective.target) * windowMs) / 1_000, spent, left: 1 - spent };
}

/** How an objective is doing. */
export async function reportOn(context: Measured, record: ObjectiveRecord): Promise<ObjectiveReport> {
  const { tenantId: _, burn: __, countsMaintenance = false, ...objective } = record;
  const { tally, coverage, ...budget } = await budgetOf(context, record);
  const { over } = burnOver(context, record);
  const windows = Object.keys(burnWindows) as BurnWindow[];
  const burns = new Map(await Promise.all(windows.map(async (window) => [window, await over(window)] as const)));
  const { burning } = await burningBy((window) => Promise.resolve(burns.get(window) ?? noBurn));
  const [meant, counted] = [meantBy(context, record).length, endpointsOf(context, record).length];
  return {
    ...objective,
    countsMaintenance,
    endpoints: counted,
    leftOut: meant - counted,
    attained: tally.total === 0 ? null : goodOf(tally) / tally.total,
    checks: tally.total,
    coverage,
    budget,
    burnRates: [...burns].map(([window, { rate }]) => ({ window, rate })),
    burning: burning?.alert ?? 'none',
  };
}
