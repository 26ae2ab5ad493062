import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coreErrors, newId } from '@dotmac/core';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore, planned } from '../../src/index.js';
import { driftOf } from '../../src/plans/drift.js';
import { heapOf, sweepingTask, type Heap } from '../support/sweeping-task.js';

async function setUp(
  heap: Heap,
  { clock = fakeClock(), before = () => Promise.resolve() }: { clock?: FakeClock; before?: () => Promise<void> } = {},
) {
  const store = memoryMaintenanceStore({ clock });
  const maintenance = createMaintenance({
    store,
    clock,
    tasks: [sweepingTask(heap, { batch: 1_000, before })],
    throttle: [],
  });
  await maintenance.start();
  return { clock, store, maintenance, ...maintenance.scope({ tenantId: 'acme' }) };
}
const sweep = { maintenanceType: 'sweep', parameters: {} };

describe('a plan', () => {
  it('says what would go, and changes nothing', async () => {
    const heap = heapOf(1_200);
    const { plans, runs } = await setUp(heap);
    const plan = await plans.create(sweep);
    expect(plan).toMatchObject({
      taskName: 'sweep',
      appliedBy: null,
      plan: { targets: [{ target: 'heap', items: 1_200, exact: true, total: 1_200 }], warnings: [] },
    });
    expect(heap.items).toHaveLength(1_200);
    expect(await runs.execute({ ...sweep, parameters: { dry_run: true } })).toMatchObject({
      status: 'completed',
      itemsProcessed: 1_200,
      itemsCleaned: 0,
      resumable: false,
      details: { dry_run: true, plan: { targets: [{ target: 'heap', items: 1_200 }] } },
    });
  });

  it('knows by earlier runs how long it takes, however many were dry or failed since', async () => {
    const heap = heapOf(2_500, 5_000);
    const clock = fakeClock();
    let [batchMs, left] = [2_000, Infinity];
    const before = async () => {
      await clock.sleep(batchMs);
      if (--left < 0) throw new Error('no');
    };
    const { plans, runs } = await setUp(heap, { clock, before });
    const { taskId } = await runs.beginRun('sweep', {});
    await clock.advance(10_000);
    expect(await runs.get(taskId)).toMatchObject({ status: 'completed', itemsCleaned: 2_500 });
    for (let times = 0; times < 51; times++) await runs.run('sweep', { dryRun: true });
    heap.items.push(...heapOf(3_000).items);
    [batchMs, left] = [600, 2];
    const failed = await runs.beginRun('sweep', {});
    await clock.advance(10_000);
    expect(await runs.get(failed.taskId)).toMatchObject({ status: 'failed', itemsCleaned: 2_000 });
    const { plan } = await plans.create(sweep);
    expect(plan.targets).toMatchObject([{ items: 1_000, estimatedMs: 2_400, estimatedFrom: 'earlier_runs' }]);
  });

  it('of another version than this is left out of lists, which have the others', async () => {
    const { plans, store } = await setUp(heapOf(10));
    const made = [await plans.create(sweep), await plans.create(sweep)];
    const [older, newer] = made.map(({ id }) => id).sort() as [string, string];
    const kept = await store.plans('acme').get(newer);
    const ids = [newer.replace(/^./, 'e'), newer.replace(/^./, 'f')];
    for (const id of ids) await store.plans('acme').insert({ ...kept!, id, plan: { steps: [] } });
    expect((await plans.list({ limit: 10 })).items.map(({ id }) => id)).toEqual([newer, older]);
    const first = await plans.list({ limit: 2 });
    expect(first.items).toEqual([]);
    const next = await plans.list({ limit: 2, cursor: first.nextCursor ?? '' });
    expect(next.items.map(({ id }) => id)).toEqual([newer, older]);
    await expect(plans.get(ids[0] as string)).rejects.toMatchObject({ code: 'PLAN_EXPIRED' });
  });

  it('is applied once, and confirms what it shows', async () => {
    const heap = heapOf(1_200);
    const { plans, runs } = await setUp(heap);
    const { id } = await plans.create(sweep);
    const applied = await plans.apply(id);
    expect(applied).toMatchObject({ status: 'completed', itemsCleaned: 1_200 });
    expect(await plans.get(id)).toMatchObject({ appliedBy: applied.taskId });
    expect(await runs.get(applied.taskId)).toMatchObject({ planId: id });
    await expect(plans.apply(id)).rejects.toMatchObject({ code: 'PLAN_APPLIED' });
  });

  it('is refused when the counts have drifted by more than a fifth', async () => {
    const heap = heapOf(1_000);
    const { plans } = await setUp(heap);
    const { id } = await plans.create(sweep);
    heap.items.push(...heapOf(201).items);
    await expect(plans.apply(id)).rejects.toMatchObject({ code: 'PLAN_DRIFTED' });
    heap.items.pop();
    expect(await plans.apply(id)).toMatchObject({ itemsCleaned: 1_200 });
  });

  it('is not applied when it is a day old', async () => {
    const { clock, plans } = await setUp(heapOf(5));
    const { id } = await plans.create(sweep);
    await clock.advance(24 * 3_600_000);
    await expect(plans.apply(id)).rejects.toMatchObject({ code: 'PLAN_EXPIRED' });
  });

  it('counts ages from when it was made, as it is looked at anew and as it is applied', async () => {
    const clock = fakeClock();
    const real = sweepingTask(heapOf(5));
    const asOf: number[] = [];
    const task: typeof real = {
      ...real,
      plan: (context, parameters) => (asOf.push(context.asOf), real.plan(context, parameters)),
      run: (context, parameters) => (asOf.push(context.asOf), real.run(context, parameters)),
    };
    const store = memoryMaintenanceStore({ clock });
    const { plans, runs } = createMaintenance({ store, clock, tasks: [task] }).scope({ tenantId: 'acme' });
    const { id, createdAt } = await plans.create(sweep);
    await clock.advance(3_600_000);
    const { taskId } = await plans.apply(id);
    expect((await runs.get(taskId)).startTime).toBe(createdAt + 3_600_000);
    expect(asOf).toEqual([createdAt, createdAt, createdAt]);
  });

  it('does nothing, whatever its parameters say of dry runs', async () => {
    const heap = heapOf(5);
    const { plans } = await setUp(heap);
    const { id } = await plans.create({ ...sweep, parameters: { dry_run: false } });
    expect(heap.items).toHaveLength(5);
    expect(await plans.apply(id)).toMatchObject({ itemsCleaned: 5 });
  });

  it('of another tenant is not there', async () => {
    const { maintenance, plans } = await setUp(heapOf(5));
    const { id } = await plans.create(sweep);
    const other = maintenance.scope({ tenantId: 'other' }).plans;
    await expect(other.get(id)).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
    await expect(other.apply(id)).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
    expect(await other.list({ limit: 10 })).toEqual({ items: [], nextCursor: null });
  });

  it('of an older version, which said less of its targets, is read, listed and applied', async () => {
    const { store, plans } = await setUp(heapOf(5));
    const { id } = await plans.create(sweep);
    const kept = await store.plans('acme').get(id);
    if (!kept) throw new Error('no plan');
    const [target] = kept.plan['targets'] as [Record<string, unknown>];
    const { to_see: _, bytes_from: __, estimated_from: ___, ...older } = target;
    const olderId = newId();
    await store.plans('acme').insert({ ...kept, id: olderId, plan: { ...kept.plan, targets: [older] } });
    const known = { id: olderId, plan: { targets: [{ items: 5, toSee: null, bytesFrom: null, estimatedFrom: null }] } };
    expect(await plans.get(olderId)).toMatchObject(known);
    expect((await plans.list({ limit: 10 })).items).toMatchObject([known, { id }]);
    expect(await plans.apply(olderId)).toMatchObject({ status: 'completed', itemsCleaned: 5 });
  });

  it('that cannot be looked at anew is not applied, and what nobody foresaw is not worded for callers', async () => {
    const real = sweepingTask(heapOf(5));
    let fault: Error | undefined;
    const plan: typeof real.plan = (...given) => (fault ? Promise.reject(fault) : real.plan(...given));
    const options = { store: memoryMaintenanceStore(), tasks: [{ ...real, plan }], throttle: [] };
    const { plans } = createMaintenance(options).scope({ tenantId: 'acme' });
    const { id } = await plans.create(sweep);
    fault = new Error('password=secret');
    await expect(plans.apply(id)).rejects.toBe(fault);
    fault = coreErrors.INVALID_ARGUMENT({ argument: 'x', reason: 'y' });
    await expect(plans.apply(id)).rejects.toMatchObject({ code: 'PLAN_NOT_MADE', cause: fault });
    fault = undefined;
    expect(await plans.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: 5 });
  });

  it('of a host, from a version that did not say whose it was, is applied; of another host it is not', async () => {
    const heap = heapOf(5);
    const store = memoryMaintenanceStore();
    const tasks = [{ ...sweepingTask(heap), scope: 'host' as const }];
    const make = (hostId: string) =>
      createMaintenance({ store, tasks, hostId, throttle: [] }).scope({ tenantId: 'acme' });
    const [here, there] = [make('here').plans, make('there').plans];
    const { id } = await here.create(sweep);
    const kept = await store.plans('acme').get(id);
    expect(kept?.scopeId).toBe('here');
    const olderId = newId();
    await store.plans('acme').insert({ ...kept!, id: olderId, scopeId: null });
    await expect(there.apply(id)).rejects.toMatchObject({ code: 'PLAN_ELSEWHERE' });
    expect(heap.items).toHaveLength(5);
    expect(await there.apply(olderId)).toMatchObject({ status: 'completed', itemsCleaned: 5 });
  });

  it('is listed page by page, the newest first', async () => {
    const { plans } = await setUp(heapOf(5));
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.unshift((await plans.create(sweep)).id);
    const first = await plans.list({ limit: 2 });
    const second = await plans.list({ limit: 2, cursor: first.nextCursor ?? undefined });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    await expect(plans.list({ limit: 2, cursor: 'garbage' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('drift', () => {
  const target = (items: number, schema: unknown = 1, name = 'a') =>
    planned({ target: name, action: 'delete', items, strategy: '' }, schema);
  const drift = (then: ReturnType<typeof target>[], now: ReturnType<typeof target>[]) =>
    driftOf({ targets: then, warnings: [] }, { targets: now, warnings: [] });

  it('is a count that changed by more than a fifth', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), (then, now) => {
        expect(drift([target(then)], [target(now)]).length > 0).toBe(Math.abs(now - then) > then / 5);
      }),
    );
  });

  it('is another configuration, or another set of targets', () => {
    expect(drift([target(1)], [target(1, 2)])).toHaveLength(1);
    expect(drift([target(1)], [target(1, 1, 'b')])).toHaveLength(2);
    expect(drift([target(1), target(2, 1, 'b')], [target(2, 1, 'b'), target(1)])).toEqual([]);
  });
});
