import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCheck, emptyBucket } from '../../src/history/bucket.js';
import { addTallies, burningBy, burnRate, goodOf, tallyOf, type BurnWindow } from '../../src/objectives/budget.js';
import { endpointStatus, memoryHealthStore, type EndpointStatus } from '../../src/index.js';
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

  it.each([
    [{ '1h': 14.4, '5m': 14.4 }, 'page'],
    [{ '1h': 20, '5m': 1 }, undefined],
    [{ '6h': 6, '30m': 7 }, 'page'],
    [{ '3d': 1, '6h': 1 }, 'ticket'],
    [{ '3d': 5, '6h': 0.5 }, undefined],
    [{ '3d': 2, '6h': 6, '30m': 6 }, 'page'],
    [{}, undefined],
  ] as [Partial<Record<BurnWindow, number>>, string | undefined][])('that burns at %j is %s', (rates, alert) => {
    const none = { '5m': null, '30m': null, '1h': null, '6h': null, '3d': null };
    expect(burningBy({ ...none, ...rates })?.alert).toBe(alert);
  });
});

describe('an objective', () => {
  async function stage() {
    const it = await staged((clock) => memoryHealthStore({ clock }));
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
    // Over three days it burns before it does over an hour, for there was little before.
    const before = told.length;
    expect(told).toEqual(before === 1 ? ['burning page'] : ['burning ticket', 'burning page']);
    const report = await scope.objectives.get(id);
    expect(report).toMatchObject({ alert: 'page', burning: 'page' });
    expect(report.attained).toBeLessThan(0.99);
    expect(report.budget.spent).toBeGreaterThan(1);
    expect(report.budget.left).toBeCloseTo(1 - report.budget.spent);
    await becomes(web, 'healthy');
    await until(() => told.length > before, 60_000);
    // The short windows are well again before the long ones are.
    expect(told[before]).toBe('burning ticket');
  });

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
