import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCheck, addDuration, emptyBucket } from '../../src/history/bucket.js';
import {
  addTallies,
  burningBy,
  burnOf,
  burnRate,
  burnWindowMs,
  coverageOf,
  goodOf,
  spentOf,
  tallyOf,
  type BurnWindow,
} from '../../src/objectives/budget.js';
import {
  endpointStatus,
  memoryHealthStore,
  type EndpointStatus,
  type HealthOptions,
  type HealthStore,
} from '../../src/index.js';
import { staged } from '../support/staged.js';

const bucketOf = (checks: readonly { status: EndpointStatus; responseTimeMs: number | null }[]) => {
  const bucket = emptyBucket(0);
  for (const check of checks) addCheck(bucket, check);
  return bucket;
};
const check = fc.record({
  status: fc.constantFrom(...endpointStatus.options),
  responseTimeMs: fc.option(fc.double({ min: 0.1, max: 10_000, noNaN: true }), { nil: null }),
});
const tally = (good: number, total: number) => ({ well: good, timely: good, total, coveredMs: 0 });
const availability = { indicator: 'availability', threshold: null } as const;

describe('a budget', () => {
  it('counts the same, however the checks are spread over buckets', () => {
    fc.assert(
      fc.property(
        fc.array(check),
        fc.array(check),
        fc.double({ min: 0.001, max: 10, noNaN: true }),
        (one, other, threshold) => {
          for (const of of [availability, { indicator: 'latency', threshold } as const]) {
            const together = tallyOf(bucketOf([...one, ...other]), of);
            expect(addTallies(tallyOf(bucketOf(one), of), tallyOf(bucketOf(other), of))).toEqual(together);
            expect(goodOf(together)).toBeLessThanOrEqual(together.total);
            expect(goodOf(together)).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });

  it('is spent no slower by one more bad check, and no faster by one more good one', () => {
    const counts = fc.tuple(
      fc.nat(1_000),
      fc.integer({ min: 1, max: 1_000 }),
      fc.double({ min: 0.5, max: 0.99999, noNaN: true }),
    );
    fc.assert(
      fc.property(counts, ([good, bad, target]) => {
        const at = burnRate(tally(good, good + bad), target) ?? 0;
        expect(burnRate(tally(good, good + bad + 1), target) ?? 0).toBeGreaterThanOrEqual(at - 1e-9);
        expect(burnRate(tally(good + 1, good + bad + 1), target) ?? 0).toBeLessThanOrEqual(at + 1e-9);
      }),
    );
    expect(burnRate(tally(0, 0), 0.99)).toBeNull();
    expect(burnRate(tally(99, 100), 0.99)).toBeCloseTo(1);
  });

  it('knows no latency of what was answered wrongly', () => {
    const bucket = bucketOf([
      { status: 'critical', responseTimeMs: 1 },
      { status: 'healthy', responseTimeMs: 10 },
      { status: 'degraded', responseTimeMs: 900 },
      { status: 'unknown', responseTimeMs: null },
    ]);
    for (const of of [{ indicator: 'latency', threshold: 0.5 } as const, availability])
      expect([goodOf(tallyOf(bucket, of)), tallyOf(bucket, of).total]).toEqual([2, 3]);
    const slow = bucketOf([{ status: 'healthy', responseTimeMs: 900 }]);
    expect(goodOf(tallyOf(slow, { indicator: 'latency', threshold: 0.5 }))).toBe(0);
  });

  it('is covered while the status is known, whatever it is', () => {
    const bucket = emptyBucket(0);
    for (const status of endpointStatus.options) addDuration(bucket, status, 1_000);
    expect(tallyOf(bucket, availability).coveredMs).toBe(4_000);
  });

  it.each([
    [{ '1h': 14.4, '5m': 14.4 }, 'page'],
    [{ '1h': 20, '5m': 1 }, undefined],
    [{ '1h': 14.3, '5m': 20 }, undefined],
    [{ '1h': 10, '5m': 10 }, undefined],
    [{ '6h': 5.9, '30m': 7 }, undefined],
    [{ '3d': 0.9, '6h': 5 }, undefined],
    [{ '6h': 6, '30m': 7 }, 'page'],
    [{ '3d': 1, '6h': 1 }, 'ticket'],
    [{ '3d': 5, '6h': 0.5 }, undefined],
    [{ '3d': 2, '6h': 6, '30m': 6 }, 'page'],
    [{}, undefined],
  ] as [Partial<Record<BurnWindow, number>>, string | undefined][])('that burns at %j is %s', async (rates, alert) => {
    const over = (window: BurnWindow) => Promise.resolve({ rate: rates[window] ?? 0, bad: 3 });
    const { burning, unknown } = await burningBy(over);
    expect([burning?.alert, unknown]).toEqual([alert, []]);
    // Two bad checks are no burning budget, however few there were besides.
    const few = await burningBy(async (window) => ({ ...(await over(window)), bad: 2 }));
    expect(few).toEqual({ unknown: [] });
  });

  it('does not say of what is not known that it does not burn', async () => {
    const asked: BurnWindow[] = [];
    const knowing = (rates: Partial<Record<BurnWindow, number>>) =>
      burningBy((window) => {
        asked.push(window);
        return Promise.resolve({ rate: rates[window] ?? null, bad: 3 });
      });
    expect(await knowing({})).toEqual({ unknown: ['page', 'page', 'ticket'] });
    expect(await knowing({ '5m': 1, '30m': 1 })).toEqual({ unknown: ['ticket'] });
    expect(await knowing({ '5m': 20, '30m': 1, '6h': 0 })).toEqual({ unknown: ['page'] });
    asked.length = 0;
    expect(await knowing({ '5m': 0, '30m': 0, '6h': 0 })).toEqual({ unknown: [] });
    expect(asked).toEqual(['5m', '30m', '6h']);
  });

  it('says something once somebody looked for a quarter of a window', () => {
    const half = tally(5, 10);
    expect(burnOf(half, { target: 0.9, coverage: 0.2 })).toEqual({ rate: null, bad: 5 });
    expect(burnOf(half, { target: 0.9, coverage: 0.25 }).rate).toBeCloseTo(5);
    expect(coverageOf({ ...half, coveredMs: 50 }, 100, 2)).toBe(0.25);
    expect(coverageOf({ ...half, coveredMs: 500 }, 100, 2)).toBe(1);
    expect(coverageOf(half, 100, 0)).toBe(0);
  });

  it('is not spent by time at which nobody looked', () => {
    expect(spentOf(tally(0, 1), { target: 0.99, coverage: 0 })).toBe(0);
    expect(spentOf(tally(0, 10), { target: 0.99, coverage: 0.005 })).toBeCloseTo(0.5);
    expect(spentOf(tally(99, 100), { target: 0.99, coverage: 1 })).toBeCloseTo(1);
  });

  it('looks further back where half of the endpoints are checked seldom', () => {
    const minutes = (...intervals: number[]) =>
      burnWindowMs(
        '5m',
        intervals.map((it) => it * 60_000),
      ) / 60_000;
    expect([minutes(), minutes(1), minutes(1, 1, 60), minutes(1, 60, 60), minutes(60)]).toEqual([5, 5, 5, 240, 240]);
    expect([minutes(60, 1, 1), minutes(1, 60, 1), minutes(60, 60, 1)]).toEqual([5, 5, 240]);
    expect(burnWindowMs('3d', [3_600_000])).toBe(4_320 * 60_000);
  });
});

describe('an objective', () => {
  async function stage(
    wrapped: (store: HealthStore) => HealthStore = (store) => store,
    options: Partial<HealthOptions> = {},
  ) {
    const it = await staged((clock) => wrapped(memoryHealthStore({ clock })), options);
    const told: string[] = [];
    it.health.events.onAny(({ name, data }) => {
      if (name === 'objective.burning') told.push(`burning ${(data as { severity: string }).severity}`);
      if (name === 'objective.recovered') told.push('recovered');
    });
    return { ...it, told };
  }

  it('tells once that its budget burns, and once that it does not any more', async () => {
    const { clock, scope, register, becomes, told, until } = await stage();
    const web = await register('web', { tags: ['core'], checkInterval: 5 });
    await becomes(web, 'healthy');
    const { id } = await scope.objectives.create({ name: 'core is up', target: 0.99, tag: 'core' });
    for (let count = 0; count < 40; count++) await clock.advance(60_000);
    expect(told).toEqual([]);
    await becomes(web, 'offline');
    await until(() => told.at(-1) === 'burning page', 20_000);
    expect(told).toEqual(['burning page']);
    const report = await scope.objectives.get(id);
    expect(report).toMatchObject({ alert: 'page', burning: 'page' });
    expect(report.attained).toBeLessThan(0.99);
    // An hour of 28 days, of which some minutes were bad.
    expect(report.budget.spent).toBeGreaterThan(0);
    expect(report.budget.spent).toBeLessThan(0.1);
    expect(report.budget.left).toBeCloseTo(1 - report.budget.spent);
    expect(report.burnRates.at(-1)).toEqual({ window: '3d', rate: null });
    await becomes(web, 'healthy');
    await until(() => told.length > 1, 60_000);
    expect(told).toEqual(['burning page', 'recovered']);
  });

  it('spends nothing in planned maintenance, unless it is to', async () => {
    const { clock, scope, register, becomes } = await stage();
    const web = await register('web', { tags: ['core'] });
    await becomes(web, 'healthy');
    await clock.advance(300_000);
    const startsAt = Math.ceil(clock.now() / 60_000) * 60_000;
    await clock.advance(startsAt - clock.now());
    await scope.windows.create({ name: 'Patching', startsAt, endsAt: startsAt + 600_000, tags: ['core'] });
    await becomes(web, 'offline');
    await clock.advance(480_000);
    await becomes(web, 'healthy');
    await clock.advance(300_000);
    const core = { target: 0.99, tag: 'core' };
    const latency = { indicator: 'latency' as const, threshold: 1 };
    const reports = [];
    for (const more of [{}, { countsMaintenance: true }, latency, { ...latency, countsMaintenance: true }]) {
      const { id } = await scope.objectives.create({ name: 'core', ...core, ...more });
      reports.push(await scope.objectives.get(id));
    }
    const [plain, counting, fast, fastCounting] = reports;
    for (const report of [plain, fast])
      expect(report).toMatchObject({ attained: 1, countsMaintenance: false, budget: { spent: 0, left: 1 } });
    for (const report of [counting, fastCounting]) {
      expect(report?.countsMaintenance).toBe(true);
      expect(report?.attained).toBeLessThan(0.7);
      expect(report?.budget.spent).toBeGreaterThan(0);
      expect(report?.coverage).toBeGreaterThan(plain?.coverage ?? Infinity);
    }
  });

  it('is not burnt by the first check of a new endpoint, and is by a new one that stays away', async () => {
    const { clock, scope, register, states, told, until } = await stage();
    states.set('web', 'offline');
    await register('web', { tags: ['core'], checkInterval: 60, retryCount: 1 });
    const { id } = await scope.objectives.create({ name: 'core is up', target: 0.999, tag: 'core' });
    const since = clock.now();
    await clock.advance(120_000);
    const { attained, budget, burning, burnRates } = await scope.objectives.get(id);
    expect([attained, burning]).toEqual([0, 'none']);
    expect(burnRates.find(({ window }) => window === '1h')).toEqual({ window: '1h', rate: null });
    expect(budget.left).toBeGreaterThan(0.9);
    await until(() => told.length > 0, 30_000);
    expect(told).toEqual(['burning page']);
    expect(clock.now() - since).toBeGreaterThan(14 * 60_000);
    expect(clock.now() - since).toBeLessThan(20 * 60_000);
  });

  // Hours of a clock in which something is looked at every second: seconds of a quiet machine.
  it(
    'is not burnt by a check that failed once, and is by an endpoint that is checked once an hour',
    { timeout: 240_000 },
    async () => {
      const { clock, scope, register, states, becomes, told, until } = await stage();
      const seldom = await register('seldom', { checkInterval: 3_600, retryCount: 1 });
      await becomes(seldom, 'healthy');
      await scope.objectives.create({ name: 'seldom is up', target: 0.999, endpointId: seldom.id });
      for (let hour = 0; hour < 8; hour++) await clock.advance(3_600_000);
      states.set('seldom', 'offline');
      await until(async () => (await scope.endpoints.get(seldom.id)).lastStatus === 'offline', 60_000);
      states.set('seldom', 'healthy');
      for (let hour = 0; hour < 8; hour++) await clock.advance(3_600_000);
      expect(told).toEqual([]);
      states.set('seldom', 'offline');
      await until(() => told.at(-1) === 'burning page', 600_000);
      // Two bad ones and the one of that day are three in three days, and then there are three in four hours.
      expect(told).toEqual(['burning ticket', 'burning page']);
    },
  );

  it('is shown with what was checked just now, and has nothing written of what it is not about', async () => {
    const written: string[] = [];
    const { clock, health, scope, register, becomes } = await stage((store) => ({
      ...store,
      settle: (settlement) => {
        written.push(...settlement.states.map(({ endpoint }) => endpoint.name));
        return store.settle(settlement);
      },
    }));
    const { endpoints } = health.scope({ tenantId: 'globex' });
    const other = { name: 'theirs', serviceType: 'played', checkInterval: 5, config: { name: 'theirs' } };
    await endpoints.register({ ...other, tags: ['core'] });
    const [core] = [await register('core', { tags: ['core'] }), await register('edge', { tags: ['edge'] })];
    await becomes(core, 'healthy');
    const { id } = await scope.objectives.create({ name: 'core is up', target: 0.99, tag: 'core' });
    const { checks } = await scope.objectives.get(id);
    await clock.advance(10_000);
    written.length = 0;
    expect((await scope.objectives.get(id)).checks).toBe(checks + 2);
    expect(written).toEqual(['core']);
  });

  it('says how many endpoints of its tag it counts, and how many are too many', async () => {
    const { scope } = await stage(undefined, { monitoring: false });
    const draft = { serviceType: 'played', config: { name: 'e' }, tags: ['core'] };
    await scope.endpoints.registerMany(Array.from({ length: 1_001 }, (_, index) => ({ ...draft, name: `e${index}` })));
    const of = { name: 'core', target: 0.99, tag: 'core' };
    const { id: availability } = await scope.objectives.create(of);
    const { id: latency } = await scope.objectives.create({ ...of, indicator: 'latency', threshold: 1 });
    expect(await scope.objectives.get(availability)).toMatchObject({ endpoints: 1_001, leftOut: 0 });
    expect(await scope.objectives.get(latency)).toMatchObject({ endpoints: 100, leftOut: 901 });
  });

  it('counts every check of thousands of endpoints with its tag', async () => {
    const { clock, scope, store } = await stage(undefined, { monitoring: false });
    const draft = { serviceType: 'played', config: { name: 'e' }, tags: ['core'] };
    const count = 2_345;
    await scope.endpoints.registerMany(Array.from({ length: count }, (_, index) => ({ ...draft, name: `e${index}` })));
    const ids: string[] = [];
    for (let cursor: string | null | undefined = undefined; cursor !== null;) {
      const page: Awaited<ReturnType<typeof scope.endpoints.list>> = await scope.endpoints.list({ limit: 500, cursor });
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    const start = clock.now() - (clock.now() % 60_000) - 120_000;
    const deltas = ids.flatMap((endpointId, index) =>
      (['minute', 'hour', 'day'] as const).map((resolution) => {
        const width = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[resolution];
        const bucket = emptyBucket(start - (start % width));
        bucket.counts.healthy = 100 + index;
        bucket.counts.offline = index % 3;
        return { tenantId: 'acme', endpointId, resolution, bucket };
      }),
    );
    await store.settle({ states: [], chunks: [], deltas, incidents: [], events: [] });
    const { id } = await scope.objectives.create({ name: 'core', target: 0.99, tag: 'core', windowDays: 1 });
    const [good, bad] = ids.reduce(([g, b], _, index) => [g + 100 + index, b + (index % 3)], [0, 0] as [
      number,
      number,
    ]);
    expect(await scope.objectives.get(id)).toMatchObject({
      ...{ endpoints: count, leftOut: 0, checks: good + bad, attained: good / (good + bad) },
    });
  });

  it('burns no more when what it is about is gone, and says so when it is removed', async () => {
    const { clock, scope, register, becomes, told, until } = await stage();
    const [web, api] = [await register('web', { tags: ['a'] }), await register('api', { tags: ['b'] })];
    const first = await scope.objectives.create({ name: 'a', target: 0.99, tag: 'a' });
    await scope.objectives.create({ name: 'b', target: 0.99, tag: 'b' });
    for (const it of [web, api]) await becomes(it, 'offline');
    await until(() => told.length === 2, 30_000);
    expect(told).toEqual(['burning page', 'burning page']);
    await scope.objectives.remove(first.id);
    await until(() => told.length === 3);
    await scope.endpoints.pause(api.id);
    await clock.advance(120_000);
    await until(() => told.length === 4, 30_000);
    expect(told.slice(2)).toEqual(['recovered', 'recovered']);
  });

  it('can be changed when its endpoint is gone, but not be about another that is not there', async () => {
    const { scope, register } = await stage();
    const { id: endpointId } = await register('web');
    const { id } = await scope.objectives.create({ name: 'web', target: 0.99, endpointId });
    await scope.endpoints.remove(endpointId);
    expect(await scope.objectives.update(id, { name: 'gone' })).toMatchObject({ name: 'gone', endpointId });
    await expect(scope.objectives.update(id, { endpointId: 'nobody' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('is reckoned in a bounded number of reads, all of what a tenant can have', async () => {
    const reads = { sums: 0, total: 0 };
    const { clock, scope, register, until } = await stage((store) => ({
      ...store,
      tenant(tenantId) {
        const tenant = store.tenant(tenantId);
        return {
          ...tenant,
          sums: (ids, span) => (reads.sums++, tenant.sums(ids, span)),
          total: (ids, span) => (reads.total++, tenant.total(ids, span)),
        };
      },
    }));
    for (let count = 0; count < 100; count++) await register(`web ${count}`, { tags: ['core'], checkInterval: 3_600 });
    for (let count = 0; count < 50; count++) {
      await scope.objectives.create({ name: `a ${count}`, target: 0.9 + count / 1_000, tag: 'core' });
      const latency = { indicator: 'latency' as const, threshold: count < 25 ? 1 : 2 };
      await scope.objectives.create({ name: `b ${count}`, target: 0.9, tag: 'core', ...latency });
    }
    await clock.advance(60_000);
    await until(() => reads.sums > 0 && reads.total > 0);
    await clock.advance(30_000);
    // Three short windows, and the three long ones that an unknown one makes asked for: once for all that count alike.
    expect(reads.sums).toBeLessThanOrEqual(5);
    expect(reads.total).toBeLessThanOrEqual(10);
  });

  it('comes first in the next round when there was too much to look at in one', async () => {
    const seen: string[][] = [[]];
    const { clock, health, until } = await stage(
      (store) => ({
        ...store,
        tenant(tenantId) {
          const tenant = store.tenant(tenantId);
          return { ...tenant, sums: (ids, span) => (seen.at(-1)?.push(tenantId), tenant.sums(ids, span)) };
        },
      }),
      { monitoring: false },
    );
    // As many as two tenants can have, each over a hundred endpoints, and none about the same as another.
    for (const tenantId of ['a', 'b']) {
      const { endpoints, objectives } = health.scope({ tenantId, actor: 'user:1' });
      const groups = [0, 1, 2, 3, 4].map((group) => Array.from({ length: 20 }, (_, index) => `${group}-${index}`));
      for (const tags of groups) {
        const draft = { serviceType: 'played', tags };
        const hundred = Array.from({ length: 100 }, (_, index) => ({
          ...draft,
          name: `e${index}`,
          config: { name: 'e' },
        }));
        await endpoints.registerMany(hundred);
      }
      for (const tag of groups.flat()) await objectives.create({ name: tag, target: 0.99, tag });
    }
    const round = async (): Promise<number> => {
      seen.push([]);
      await clock.advance(60_000);
      let before = -1;
      await until(() => {
        const now = seen.at(-1)?.length ?? 0;
        const isOver = now > 0 && now === before;
        before = now;
        return isOver;
      }, 0);
      return seen.at(-1)?.length ?? 0;
    };
    const small = health.scope({ tenantId: 'small', actor: 'user:1' });
    await small.endpoints.register({ name: 'e', serviceType: 'played', config: { name: 'e' }, tags: ['core'] });
    await small.objectives.create({ name: 'core', target: 0.99, tag: 'core' });
    const [first, second] = [await round(), await round()];
    // Three windows of a hundred endpoints each, until fifty thousand are read; of each tenant some.
    expect(first).toBe(504);
    expect(new Set(seen[1])).toEqual(new Set(['a', 'b', 'small']));
    expect(second).toBeGreaterThan(90);
  }, 60_000);

  it('is about endpoints that there are, and asks of latency how fast', async () => {
    const { scope, health, register } = await stage();
    const { id } = await register('web');
    const { objectives } = scope;
    const make = { name: 'x', target: 0.99 };
    for (const [draft, path] of [
      [make, 'endpoint_id'],
      [{ ...make, endpointId: id, tag: 'core' }, 'endpoint_id'],
      [{ ...make, endpointId: 'nobody' }, 'endpoint_id'],
      [{ ...make, endpointId: id, indicator: 'latency' as const }, 'threshold'],
      [{ ...make, endpointId: id, threshold: 1 }, 'threshold'],
    ] as const)
      await expect(objectives.create(draft)).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path }] });
    const rival = health.scope({ tenantId: 'rival', actor: 'user:2' });
    await expect(rival.objectives.create({ ...make, endpointId: id })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const made = await objectives.create({ ...make, endpointId: id });
    await expect(rival.objectives.get(made.id)).rejects.toMatchObject({ code: 'OBJECTIVE_NOT_FOUND' });
    expect(await objectives.get(made.id)).toMatchObject({ attained: null, checks: 0, burning: 'none' });
    expect((await objectives.update(made.id, { target: 0.95 })).target).toBe(0.95);
    expect((await objectives.list()).items).toHaveLength(1);
    await objectives.remove(made.id);
    expect((await objectives.list()).items).toEqual([]);
  });
});
