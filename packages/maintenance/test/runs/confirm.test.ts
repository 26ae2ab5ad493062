import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { coreErrors, isOperationError } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, defineMaintenanceTask, memoryMaintenanceStore, planned } from '../../src/index.js';
import type { TaskScope } from '../../src/tasks/task.js';

const day = 86_400_000;

/** A task that empties the heaps of its host, all of one in a batch. */
const emptying = (heapsOf: (hostId: string) => Record<string, number>, scope: TaskScope = 'cluster') =>
  defineMaintenanceTask({
    ...{ type: 'empty', name: 'Empty', description: 'Empties heaps', scope },
    parameters: z.object({}),
    details: z.object({}),
    plan: () =>
      Promise.resolve({
        targets: Object.entries(heapsOf('')).map(([target, items]) =>
          planned({ target, action: 'empty', items, total: items, strategy: 'at once' }, {}),
        ),
        warnings: [],
      }),
    async run({ target, hostId }) {
      const heaps = heapsOf(hostId);
      for (const [name, items] of Object.entries(heaps)) {
        const { isDone, advance, done } = await target({ target: name, planned: items, total: items });
        if (isDone || items === 0) continue;
        heaps[name] = 0;
        const goesOn = await advance({ cleaned: items });
        done();
        if (!goesOn) break;
      }
      return { details: {} };
    },
  });

/** A task that goes on with other heaps when one waits, and is broken besides; at first it knows of one heap alone. */
function emptyingEach(heaps: Record<string, number>, broken: { is: boolean }) {
  let names = ['one'];
  return defineMaintenanceTask({
    ...{ type: 'empty_each', name: 'Empty', description: 'Empties heaps' },
    parameters: z.object({ only: z.string().default('') }),
    details: z.object({}),
    plan: () => Promise.resolve({ targets: [], warnings: [] }),
    async run({ target }) {
      for (const name of names) {
        const items = heaps[name] ?? 0;
        const progress = await target({ target: name, planned: items, total: items }).catch((error: unknown) => {
          if (!isOperationError(error, 'CONFIRMATION_NEEDED')) throw error;
        });
        if (!progress || progress.isDone) continue;
        heaps[name] = 0;
        await progress.advance({ cleaned: items });
        progress.done();
      }
      const isFirst = names.length === 1;
      names = Object.keys(heaps);
      return {
        details: {},
        ...(broken.is && !isFirst && { fault: coreErrors.INVALID_ARGUMENT({ argument: 'x', reason: 'y' }) }),
      };
    },
  });
}

/** What a task says of a heap before it takes from it. */
type Told = { planned: number; total: number; maxShare?: number | undefined };

/** A task that takes from a heap whose items are estimated, up to 400 in a batch, as many as it may. */
const taking = (heap: { items: number }, told: () => Told) =>
  defineMaintenanceTask({
    ...{ type: 'take', name: 'Take', description: 'Takes from a heap' },
    parameters: z.object({}),
    details: z.object({}),
    plan: () => Promise.resolve({ targets: [], warnings: [] }),
    async run({ target }) {
      const progress = await target({ target: 'heap', estimated: true, ...told() });
      for (let goesOn = true; goesOn && heap.items > 0;) {
        const cleaned = Math.min(400, heap.items, progress.remaining);
        heap.items -= cleaned;
        goesOn = await progress.advance({ cleaned });
      }
      if (heap.items === 0) progress.done();
      return { details: {} };
    },
  });

describe('a run of what was not counted', () => {
  it.each([
    [999, 'completed', 'items', 999],
    [1_000, 'completed', 'items', 1_000],
    [1_001, 'needs_confirmation', 'unconfirmed', 1_000],
  ] as const)('asks for no more than its budget: of %d items it is %s', async (maxItems, status, stopReason, taken) => {
    const heap = { items: 1_500 };
    const tasks = [taking(heap, () => ({ planned: 10, total: heap.items }))];
    const maintenance = createMaintenance({ store: memoryMaintenanceStore(), tasks, throttle: [] });
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const ended = await runs.run('take', { maxItems });
    expect(ended).toMatchObject({ status, stopReason, itemsCleaned: taken });
  });

  it('says how it is confirmed', async () => {
    const tasks = [taking({ items: 1_500 }, () => ({ planned: 1_500, total: 1_500 }))];
    const maintenance = createMaintenance({ store: memoryMaintenanceStore(), tasks, throttle: [] });
    const { taskId, errorMessage } = await maintenance.scope({ tenantId: 'acme' }).runs.run('take', {});
    expect(errorMessage).toMatch(new RegExp(`: POST /infrastructure-maintenance/runs/${taskId}/confirm\\.$`));
  });
});

function setUp(heaps: Record<string, number>) {
  const store = memoryMaintenanceStore();
  const maintenance = createMaintenance({ store, tasks: [emptying(() => heaps)], throttle: [] });
  const { runs, plans } = maintenance.scope({ tenantId: 'acme' });
  const ended = async (id: string) => {
    await expect.poll(async () => (await runs.get(id)).status).not.toBe('running');
    return runs.get(id);
  };
  const confirmed = async ({ taskId }: { taskId: string }) => ended((await runs.confirm(taskId)).taskId);
  const asks = (target: string, items: number) => ({
    status: 'needs_confirmation',
    details: { asked: [{ target, planned: items, total: items }] },
  });
  return { heaps, runs, plans, ended, confirmed, asks };
}

describe('a confirmation', () => {
  it('is good for as many as were asked for, or a fifth more', async () => {
    const { heaps, runs, confirmed, asks } = setUp({ heap: 2_000 });
    const asked = await runs.run('empty', {});
    expect(asked).toMatchObject(asks('heap', 2_000));
    heaps.heap = 2_400;
    expect(await confirmed(asked)).toMatchObject({ status: 'completed', itemsCleaned: 2_400 });
  });

  it('is asked for anew when there are more', async () => {
    const { heaps, runs, confirmed, asks } = setUp({ heap: 2_000 });
    const asked = await runs.run('empty', {});
    heaps.heap = 2_401;
    const again = await confirmed(asked);
    expect(again).toMatchObject({ ...asks('heap', 2_401), itemsCleaned: 0 });
    expect(await confirmed(again)).toMatchObject({ status: 'completed', itemsCleaned: 2_401 });
  });

  it.each([
    { planned: 2_000, total: null },
    { planned: null, total: 2_000 },
  ])('is asked for of no target that is not counted: %j', async (counts) => {
    const task = defineMaintenanceTask({
      ...{ type: 'empty', name: 'Empty', description: 'Empties a heap' },
      ...{ parameters: z.object({}), details: z.object({}) },
      plan: () => Promise.resolve({ targets: [], warnings: [] }),
      async run({ target }) {
        await (await target({ target: 'heap', ...counts })).advance({ cleaned: 2_000 });
        return { details: {} };
      },
    });
    const maintenance = createMaintenance({ store: memoryMaintenanceStore(), tasks: [task], throttle: [] });
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    expect(await runs.run('empty', {})).toMatchObject({ status: 'completed', itemsCleaned: 2_000 });
  });

  describe('of a target whose items were estimated', () => {
    /** A heap of which one item is expected to go; it goes as far as it may, 400 at a time. */
    const estimating = (heap: { items: number }, maxShare?: number) => {
      const total = heap.items * 2;
      const task = taking(heap, () => ({ planned: 1, total, maxShare }));
      const maintenance = createMaintenance({ store: memoryMaintenanceStore(), tasks: [task], throttle: [] });
      return maintenance.scope({ tenantId: 'acme' }).runs;
    };

    it('is asked for once as many are gone as may go unasked, and is good for as many again', async () => {
      const heap = { items: 5_000 };
      const runs = estimating(heap, 0.2);
      const asked = await runs.run('take', {});
      expect(asked).toMatchObject({
        ...{ status: 'needs_confirmation', itemsCleaned: 2_000 },
        details: { asked: [{ target: 'heap', planned: 2_000, total: 10_000 }] },
      });
      const { taskId } = await runs.confirm(asked.taskId);
      await expect.poll(async () => (await runs.get(taskId)).status).toBe('needs_confirmation');
      expect(await runs.get(taskId)).toMatchObject({ itemsCleaned: 2_400 });
      expect(heap.items).toBe(600);
    });

    it.each([
      ['no more than may go unasked were there', 5_000, 0.5],
      ['all may go', 5_000, 1],
      ['there are few', 1_000, 0],
    ])('is not asked for when %s', async (_, items, maxShare) => {
      const heap = { items };
      expect(await estimating(heap, maxShare).run('take', {})).toMatchObject({
        status: 'completed',
        itemsCleaned: items,
      });
    });
  });

  it('is for the target that was asked for, and not for another', async () => {
    const { heaps, runs, confirmed, asks } = setUp({ one: 2_000, other: 3_000 });
    const another = await confirmed(await runs.run('empty', {}));
    expect(another).toMatchObject({ ...asks('other', 3_000), itemsCleaned: 2_000 });
    expect(heaps).toEqual({ one: 0, other: 3_000 });
    expect(await confirmed(another)).toMatchObject({ status: 'completed', itemsCleaned: 3_000 });
  });

  it('is not asked for of what is done, whatever has come since', async () => {
    const { heaps, runs, confirmed, asks } = setUp({ few: 500, many: 2_000 });
    const asked = await runs.run('empty', {});
    expect(asked).toMatchObject({ ...asks('many', 2_000), itemsCleaned: 500 });
    heaps.few = 3_000;
    expect(await confirmed(asked)).toMatchObject({ status: 'completed', itemsCleaned: 2_000 });
    expect(heaps).toEqual({ few: 3_000, many: 0 });
  });

  it('holds for runs that go on from the one that was confirmed', async () => {
    const { heaps, runs, confirmed, ended, asks } = setUp({ few: 0, many: 2_000 });
    const asked = await runs.run('empty', { maxBatches: 1 });
    expect(asked).toMatchObject(asks('many', 2_000));
    heaps.few = 5;
    const confirmedOne = await confirmed(asked);
    expect(confirmedOne).toMatchObject({ stopReason: 'batches', itemsCleaned: 5 });
    const { taskId } = await runs.resume(confirmedOne.taskId);
    expect(await ended(taskId)).toMatchObject({ status: 'completed', itemsCleaned: 2_000 });
  });

  it('is refused when it comes too late', async () => {
    const clock = fakeClock(0);
    const heaps = { heap: 2_000 };
    const store = memoryMaintenanceStore({ clock });
    const confirmable = (more: { confirmableDays?: number }) =>
      createMaintenance({ store, clock, tasks: [emptying(() => heaps)], ...more }).scope({ tenantId: 'acme' }).runs;
    const { taskId } = await confirmable({}).run('empty', {});
    await clock.advance(7 * day + 1);
    await expect(confirmable({}).confirm(taskId)).rejects.toMatchObject({ code: 'CONFIRMATION_EXPIRED', kind: 'gone' });
    expect(heaps.heap).toBe(2_000);
    const { taskId: confirmed } = await confirmable({ confirmableDays: 7.1 }).confirm(taskId);
    expect(await confirmable({}).get(confirmed)).toMatchObject({ resumes: taskId });
    for (const confirmableDays of [0, -1, Number.NaN])
      expect(() => confirmable({ confirmableDays })).toThrow(/confirmableDays/);
  });

  it('of a plan is for all of it', async () => {
    const { plans } = setUp({ one: 2_000, other: 3_000 });
    const { id } = await plans.create({ maintenanceType: 'empty', parameters: {} });
    expect(await plans.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: 5_000 });
  });

  it('of a plan is for as many as it says, also in a run that goes on from the one that applied it', async () => {
    const { heaps, plans, runs, confirmed, ended, asks } = setUp({ one: 2_000, other: 3_000 });
    const { id } = await plans.create({ maintenanceType: 'empty', parameters: { max_batches: 1 } });
    const applied = await plans.apply(id);
    expect(applied).toMatchObject({ stopReason: 'batches', itemsCleaned: 2_000 });
    heaps.other = 50_000;
    const { taskId } = await runs.resume(applied.taskId);
    const asked = await ended(taskId);
    expect(asked).toMatchObject({ ...asks('other', 50_000), itemsCleaned: 0 });
    expect(await confirmed(asked)).toMatchObject({ itemsCleaned: 50_000 });
  });

  it('is not for what a run asked for that failed, and is only resumed', async () => {
    const heaps: Record<string, number> = { one: 2_000, other: 3_000 };
    const broken = { is: true };
    const tasks = [emptyingEach(heaps, broken)];
    const { runs } = createMaintenance({ store: memoryMaintenanceStore(), tasks, throttle: [] }).scope({
      tenantId: 'acme',
    });
    const ended = async (id: string) => {
      await expect.poll(async () => (await runs.get(id)).status).not.toBe('running');
      return runs.get(id);
    };
    const first = await runs.run('empty_each', { only: 'one' });
    const { taskId } = await runs.confirm(first.taskId);
    // It was confirmed for one, and asks for the other.
    const failed = await ended(taskId);
    expect(failed).toMatchObject({ status: 'failed', itemsCleaned: 2_000, details: { asked: [{ target: 'other' }] } });
    const resumed = await ended((await runs.resume(taskId)).taskId);
    expect(resumed).toMatchObject({ status: 'failed', itemsCleaned: 0, details: { asked: [{ target: 'other' }] } });
    broken.is = false;
    const last = await ended((await runs.confirm(resumed.taskId)).taskId);
    expect(last).toMatchObject({ status: 'completed', itemsCleaned: 3_000 });
  });
});

describe('a run on one host’s things', () => {
  const twoHosts = (heaps: Record<string, Record<string, number>>) => {
    const store = memoryMaintenanceStore();
    const tasks = [emptying((hostId) => heaps[hostId] ?? {}, 'host')];
    const on = (hostId: string) =>
      createMaintenance({ store, tasks, hostId, throttle: [] }).scope({ tenantId: 'acme' });
    const [a, b] = [on('a'), on('b')];
    return { a: a.runs, b: b.runs, plansOfA: a.plans, plansOfB: b.plans };
  };

  it('is confirmed there alone', async () => {
    const heaps = { a: { heap: 2_000 }, b: { heap: 50_000 } };
    const { a, b } = twoHosts(heaps);
    const { taskId } = await a.run('empty', {});
    await expect(b.confirm(taskId)).rejects.toMatchObject({
      code: 'RUN_ELSEWHERE',
      message: expect.stringContaining('the host a') as string,
    });
    expect(heaps.b).toEqual({ heap: 50_000 });
    const confirmed = await a.confirm(taskId);
    await expect.poll(async () => (await b.get(confirmed.taskId)).status).toBe('completed');
    expect(heaps).toEqual({ a: { heap: 0 }, b: { heap: 50_000 } });
  });

  it('is resumed there alone', async () => {
    const heaps = { a: { one: 5, other: 5 }, b: { one: 5, other: 5 } };
    const { a, b } = twoHosts(heaps);
    const { taskId } = await a.run('empty', { maxBatches: 1 });
    await expect(b.resume(taskId)).rejects.toMatchObject({ code: 'RUN_ELSEWHERE' });
    const resumed = await a.resume(taskId);
    await expect.poll(async () => (await b.get(resumed.taskId)).status).toBe('completed');
    expect(heaps).toEqual({ a: { one: 0, other: 0 }, b: { one: 5, other: 5 } });
  });

  it('applies a plan of these, and none of another’s', async () => {
    const heaps = { '': { heap: 5 }, a: { heap: 5 }, b: { heap: 5 } };
    const { plansOfA, plansOfB } = twoHosts(heaps);
    const { id } = await plansOfA.create({ maintenanceType: 'empty', parameters: {} });
    await expect(plansOfB.apply(id)).rejects.toMatchObject({
      code: 'PLAN_ELSEWHERE',
      message: expect.stringContaining('the host a') as string,
    });
    expect(await plansOfB.get(id)).toMatchObject({ appliedBy: null });
    expect(heaps.b).toEqual({ heap: 5 });
    expect(await plansOfA.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: 5 });
    expect([heaps.a, heaps.b]).toEqual([{ heap: 0 }, { heap: 5 }]);
  });
});
