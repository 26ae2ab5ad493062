import { fakeClock } from '@dotmac/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createHealth,
  defineProbe,
  Unreachable,
  WrongAnswer,
  type EndpointStatus,
  type Health,
  type HealthStore,
  type Resolution,
} from '../../src/index.js';
import { CannotCheck } from '../../src/probes/probe.js';
import { HistoryOracle } from '../support/history-oracle.js';
import { expectBucket, expectTrend } from '../support/trends.js';
import { healthStores } from '../support/stores.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const widths = { minute, hour, day };
const retentionDays = { minute: 1, hour: 2, day: 401 };
const keptResults = { recent: 20, issues: 20 };

/** The endpoints of a history, by tenant, with what the seconds between two of their checks may be. */
const cast = {
  often: { tenantId: 'acme', checkInterval: 60 },
  hourly: { tenantId: 'acme', checkInterval: 3_600 },
  // Of so long an interval, times are told by the minutes that hours begin with.
  daily: { tenantId: 'acme', checkInterval: 86_400 },
  others: { tenantId: 'globex', checkInterval: 60 },
} as const;
type Name = keyof typeof cast;
/** Every day for 90 minutes over those with a tag; and once, for minutes that it neither begins nor ends with. */
const [nightly, once] = [
  { from: 2 * hour, until: 3.5 * hour },
  { from: 10 * hour + 30_500, until: 10 * hour + 1_210_250 },
];
const firstDay = Date.UTC(2026, 0, 1);
function isPlanned(name: Name, minuteAt: number): boolean {
  if (name === 'daily' || name === 'others') return false;
  const ofDay = minuteAt % day;
  if (ofDay >= nightly.from && ofDay < nightly.until) return true;
  const ofAll = minuteAt - firstDay;
  return name === 'often' && ofAll + minute > once.from && ofAll < once.until;
}
const names = Object.keys(cast) as Name[];

/** How much later: so many ms, or as many as there are to the end of a minute, an hour or a day, and a few besides. */
type Gap = number | { toEndOf: number; besides: number };
type Known = Exclude<EndpointStatus, 'unknown'>;
type Step =
  | { do: 'check'; name: Name; after: Gap; status: EndpointStatus; responseTimeMs: number }
  | { do: 'tell'; name: Name; after: Gap; status: Known; responseTimeMs: number }
  | { do: 'tellLate'; name: Name; agoMs: number; status: Known; responseTimeMs: number }
  | { do: 'wait' | 'restart' | 'read' };

const anyName = fc.constantFrom(...names);
const toldStatus = fc.constantFrom<Known>('healthy', 'healthy', 'degraded', 'critical', 'offline');
const anyStatus = fc.constantFrom<EndpointStatus>('healthy', 'degraded', 'critical', 'offline', 'unknown');
// Quarters add up exactly, in any order.
const anyTime = fc.integer({ min: 1, max: 36_000 }).map((quarters) => quarters / 4);
const anyGap: fc.Arbitrary<Gap> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 * second }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 2 * minute }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 * hour }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 * hour }) },
  {
    weight: 4,
    arbitrary: fc.record({ toEndOf: fc.constantFrom(minute, hour, day), besides: fc.constantFrom(-1, 0, 1) }),
  },
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('tell' as const),
      name: anyName,
      after: anyGap,
      status: toldStatus,
      responseTimeMs: anyTime,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('check' as const),
      name: anyName,
      after: anyGap,
      status: anyStatus,
      responseTimeMs: anyTime,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('tellLate' as const),
      name: anyName,
      agoMs: fc.integer({ min: 0, max: hour }),
      status: toldStatus,
      responseTimeMs: anyTime,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read' as const) }) },
);
const anyScript = fc.array(anyStep, { minLength: 30, maxLength: 120, size: 'max' });

/** Lives through a script with a health of its own on a store, and an oracle for every endpoint. */
async function staged(store: HealthStore) {
  const clock = fakeClock(firstDay);
  let passedMs = 0;
  const itsClock = { ...clock, monotonic: () => clock.monotonic() + passedMs };
  const next = new Map<string, { status: EndpointStatus; responseTimeMs: number }>();
  const oracles = new Map<string, HistoryOracle>();
  const played = defineProbe({
    serviceType: 'played',
    summary: 'Is what the test says',
    addressing: 'none',
    config: z.strictObject({ name: z.string() }),
    run({ config: { name } }) {
      const { status, responseTimeMs } = next.get(name) ?? { status: 'healthy', responseTimeMs: 1 };
      const isTimed = status !== 'offline' && status !== 'unknown';
      oracles.get(name)?.checked({ at: clock.now(), status, responseTimeMs: isTimed ? responseTimeMs : null });
      if (status === 'unknown') return Promise.reject(new CannotCheck('We cannot ask'));
      if (status === 'offline') return Promise.reject(new Unreachable('It is gone'));
      if (status === 'critical') return Promise.reject(new WrongAnswer('It is wrong', { responseTimeMs }));
      return Promise.resolve({
        responseTimeMs,
        message: 'It is there',
        ...(status === 'degraded' && { degraded: 'It limps' }),
      });
    },
  });
  const begin = async (): Promise<Health> => {
    const health = createHealth({
      ...{ store, clock: itsClock, probes: [played], retentionDays, keptResults },
      checkIntervals: { max: day / second },
    });
    await health.start();
    return health;
  };
  let health = await begin();
  const scopeOf = (name: Name) => health.scope({ tenantId: cast[name].tenantId, actor: 'user:1' });
  const ids = new Map<Name, string>();
  for (const name of names) {
    const { checkInterval } = cast[name];
    oracles.set(name, new HistoryOracle((2 * checkInterval + 5) * second, (at) => isPlanned(name, at)));
    const { id } = await scopeOf(name).endpoints.register({
      ...{ name, serviceType: 'played', config: { name }, checkInterval, timeout: 5 },
      ...{ retryCount: 1, expectedResponseTime: 10, tags: name === 'daily' ? [] : ['patched'] },
    });
    ids.set(name, id);
  }
  const { windows } = scopeOf('often');
  const windowIds = [
    await windows.create({ name: 'Nightly', cron: '0 2 * * *', duration: 90 * 60, tags: ['patched'] }),
    await windows.create({
      ...{ name: 'Once', endpointIds: [ids.get('often') ?? ''] },
      ...{ startsAt: firstDay + once.from, endsAt: firstDay + once.until },
    }),
  ].map(({ id }) => id);
  const idOf = (name: Name): string => ids.get(name) ?? '';
  const oracleOf = (name: Name): HistoryOracle => oracles.get(name) as HistoryOracle;
  // None of its timers notices: hours pass without a check that the script does not ask for.
  const pass = (gap: Gap): void => {
    const now = clock.now();
    const ms = typeof gap === 'number' ? gap : gap.toEndOf - (now % gap.toEndOf) + gap.besides;
    clock.set(now + ms);
    passedMs += ms;
  };
  const play = async (step: Step): Promise<void> => {
    switch (step.do) {
      case 'tell':
      case 'tellLate': {
        const { name, status, responseTimeMs } = step;
        if (step.do === 'tell') pass(step.after);
        const at = clock.now() - (step.do === 'tellLate' ? step.agoMs : 0);
        oracleOf(name).told({ at, status, responseTimeMs });
        return scopeOf(name).record(idOf(name), { at, status, responseTimeMs });
      }
      case 'check': {
        pass(step.after);
        next.set(step.name, step);
        const checked = scopeOf(step.name).endpoints.check(idOf(step.name));
        let hasEnded = false;
        void checked.finally(() => (hasEnded = true)).catch(() => undefined);
        while (!hasEnded) await clock.advance(1);
        await checked;
        return;
      }
      case 'wait':
        return clock.advance(2 * second);
      case 'restart':
        await health.stop();
        await clock.advance(second);
        health = await begin();
        return;
      case 'read':
        return compare();
    }
  };
  const compare = async (): Promise<void> => {
    for (const name of names) await compareBuckets(name, 0);
  };
  /** The sums of one endpoint as they are stored, those that begin from `from` on, at every resolution. */
  const compareBuckets = async (name: Name, from: number): Promise<void> => {
    const [id, oracle] = [idOf(name), oracleOf(name)];
    await scopeOf(name).history.results(id, { limit: 1 });
    const { buckets } = store.tenant(cast[name].tenantId);
    for (const [resolution, inMaintenance] of (['minute', 'hour', 'day'] satisfies Resolution[]).flatMap((it) => [
      [it, false] as const,
      [it, true] as const,
    ])) {
      if (resolution === 'minute' && name === 'daily') continue;
      const stored = await buckets(id, { resolution, from, until: clock.now() + 1, inMaintenance });
      const starts = oracle.starts(resolution, inMaintenance).filter((start) => start >= from);
      expect(stored.map(({ start }) => start)).toEqual(starts);
      for (const bucket of stored)
        expectBucket(bucket, oracle.within(bucket.start, bucket.start + widths[resolution], inMaintenance));
    }
  };
  /** What the service says of a time, against what really was; `from` is where the time begins that it knows of. */
  const compareTrend = async (
    name: Name,
    { from, until = clock.now() + 1 }: { from: number; until?: number },
    known = from,
  ): Promise<void> => {
    const trend = await scopeOf(name).history.trend(idOf(name), { from, until });
    expect(trend.from).toBe(known);
    // To the end of the last that is summed up, and not beyond what has been.
    expect(trend.until).toBeGreaterThanOrEqual(until);
    expect(trend.until).toBeLessThanOrEqual(Math.max(until, clock.now() + 1));
    expectTrend(trend, oracleOf(name), until);
  };
  /** How many of what was seen are still kept one by one. */
  const keptOneByOne = async (name: Name): Promise<number> =>
    (await scopeOf(name).history.results(idOf(name), { limit: 200 })).items.length;
  /** How many sums are older than they are kept. */
  const overdue = async (): Promise<number> => {
    let old = 0;
    for (const resolution of ['minute', 'hour'] satisfies Resolution[]) {
      const until = clock.now() - retentionDays[resolution] * day - 10 * minute;
      for (const name of names)
        old += (await store.tenant(cast[name].tenantId).buckets(idOf(name), { resolution, from: 0, until })).length;
    }
    return old;
  };
  const end = async (): Promise<void> => {
    for (const windowId of windowIds) await scopeOf('often').windows.remove(windowId);
    for (const name of names) await scopeOf(name).endpoints.remove(idOf(name));
    await health.stop();
  };
  return { clock, play, compare, compareTrend, keptOneByOne, oracleOf, overdue, end };
}

/** The start of the whole unit that an instant lies in. */
const floor = (at: number, unit: number): number => Math.floor(at / unit) * unit;
/** As few as a slow machine makes in its time, and no limit to it: what is not run has not been shown. */
const runs = { 'in memory': 12, 'on SQLite': 6, 'on PostgreSQL': 3, 'on MariaDB': 3 } as Record<string, number>;

describe.each(healthStores)('what checks come to, $title', ({ title, open }) => {
  it('is what every one comes to, by minutes, hours and days, in maintenance and out of it, late ones and restarts too', async () => {
    const { subject: store, close } = await open();
    const property = fc.asyncProperty(anyScript, fc.integer({ min: 1, max: 23 }), async (script, hours) => {
      const it = await staged(store);
      try {
        for (const step of script) await it.play(step);
        await it.compare();
        const now = it.clock.now();
        for (const name of names) {
          await it.compareTrend(name, { from: floor(now - hours * hour, hour) });
          await it.compareTrend(name, { from: floor(now - 400 * day, day) + day });
          // That is over, and lies in hours and minutes.
          const until = floor(now - hours * hour, hour);
          await it.compareTrend(name, { from: until - 5 * hour, until }, until - 5 * hour);
        }
      } finally {
        await it.end();
      }
    });
    try {
      await fc.assert(property, { numRuns: runs[title] ?? 3 });
    } finally {
      await close?.();
    }
  }, 300_000);

  it('is still so when single checks, minutes and hours are not kept any more', async () => {
    const { subject: store, close } = await open();
    const it = await staged(store);
    try {
      const [told] = fc.sample(fc.array(toldStatus, { minLength: 500, maxLength: 500 }), { numRuns: 1, seed: 3 });
      for (const [index, status] of (told ?? []).entries())
        await it.play({ do: 'tell', name: 'hourly', after: 10 * minute, status, responseTimeMs: (index + 1) / 4 });
      await it.compare();
      expect(await it.overdue()).toBeGreaterThan(0);
      // A round of retention, every ten minutes.
      await it.clock.advance(11 * minute);
      await expect
        .poll(async () => {
          await it.clock.advance(100);
          return it.overdue();
        })
        .toBe(0);
      expect(it.oracleOf('hourly').seen.length).toBeGreaterThan(500);
      expect(await it.keptOneByOne('hourly')).toBe(keptResults.recent);
      const now = it.clock.now();
      // Where finer sums are not kept any more, a time begins with whole ones of what is.
      for (const [ago, unit] of [
        [23 * hour, minute],
        [30 * hour, hour],
        [40 * hour, hour],
        [70 * hour, day],
        [300 * hour, day],
      ] as const) {
        const from = now - ago;
        await it.compareTrend('hourly', { from }, floor(from, unit));
      }
    } finally {
      await it.end();
      await close?.();
    }
  });
});
