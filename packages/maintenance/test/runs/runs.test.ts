import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';
import { resourceKey } from '../../src/runs/lease-keys.js';
import { began } from '../../src/testing/samples.js';
import { heapOf, sweepingTask, type Heap } from '../support/sweeping-task.js';

const gate = () => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
};

/** A run whose process died. */
const leftAt7 = { ...began, task: 'sweep', scopeId: '', parameters: {}, cursors: { heap: { cursor: 7 } } };

describe('a run', () => {
  const modules: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(modules.splice(0).map((it) => it.stop()));
  });
  const setUp = async (
    heap: Heap,
    options: Parameters<typeof sweepingTask>[1] = {},
    more: Partial<MaintenanceOptions> = {},
  ) => {
    const clock = fakeClock();
    const store = memoryMaintenanceStore({ clock });
    const tasks = [sweepingTask(heap, options)];
    const maintenance = createMaintenance({ store, clock, tasks, throttle: [], ...more });
    modules.push(maintenance);
    await maintenance.start();
    return { clock, store, maintenance, ...maintenance.scope({ tenantId: 'acme', actor: 'user:1' }) };
  };

  it('counts by its batches, and tells three figures of the room that went', async () => {
    const heap = heapOf(25);
    const { runs } = await setUp(heap);
    expect(await runs.run('sweep', {})).toMatchObject({
      status: 'completed',
      stopReason: 'drained',
      itemsCleaned: 25,
      itemsProcessed: 25,
      spaceFreedMb: 0,
      spaceReusableMb: expect.any(Number) as number,
      resumable: false,
      details: { left: 0 },
      progress: { planned: 25, cleaned: 25, batches: 3, target: 'heap', etaSeconds: 0 },
    });
  });

  it('ends where its budget of items or batches does, and goes on from there', async () => {
    const heap = heapOf(25);
    const { runs } = await setUp(heap);
    const first = await runs.run('sweep', { maxItems: 15 });
    expect(first).toMatchObject({ status: 'completed', stopReason: 'items', itemsCleaned: 15, resumable: true });
    const second = await runs.run('sweep', { maxBatches: 1, maxItems: 5 });
    expect(second).toMatchObject({ stopReason: 'items', itemsCleaned: 5 });
    const third = await runs.run('sweep', { maxBatches: 1 });
    expect(third).toMatchObject({ stopReason: 'batches', itemsCleaned: 5 });
    expect(heap.items).toEqual([]);
  });

  it('ends after the batch that is under way when its time is up', async () => {
    const heap = heapOf(100);
    const { clock, runs } = await setUp(heap, { before: (batches) => (batches > 1 ? clock1.sleep(1_000) : nothing()) });
    const clock1 = clock;
    const nothing = () => Promise.resolve();
    const ended = runs.run('sweep', { maxRuntimeSeconds: 3 });
    await clock.advance(10_000);
    expect(await ended).toMatchObject({ status: 'completed', stopReason: 'time', itemsCleaned: 40, resumable: true });
  });

  it('is cut short when one batch takes much longer than its time', async () => {
    const { clock, runs } = await setUp(heapOf(10), { before: () => clock1.sleep(3_600_000) });
    const clock1 = clock;
    const ended = runs.run('sweep', { maxRuntimeSeconds: 1 });
    await clock.advance(32_000);
    const settled = await Promise.race([ended.then(() => true), clock.advance(0).then(() => false)]);
    expect(settled).toBe(false);
    await clock.advance(3_600_000);
    expect(await ended).toMatchObject({ stopReason: 'time', itemsCleaned: 0 });
  });

  it('is cancelled after its batch, and resumed from its cursor', async () => {
    const heap = heapOf(30);
    const held = gate();
    const { clock, runs, store } = await setUp(heap, {
      before: (batches) => (batches === 2 ? held.opened : Promise.resolve()),
    });
    const { taskId } = await runs.beginRun('sweep', {});
    await clock.advance(2_000);
    expect(await runs.get(taskId)).toMatchObject({ status: 'running', progress: { cleaned: 10, state: 'working' } });
    await runs.cancel(taskId);
    held.open();
    await clock.advance(10);
    expect(await runs.get(taskId)).toMatchObject({
      status: 'cancelled',
      stopReason: 'cancelled',
      itemsCleaned: 10,
      resumable: true,
      errorMessage: 'The run was cancelled.',
    });
    await expect(runs.cancel(taskId)).rejects.toMatchObject({ code: 'RUN_NOT_ACTIVE' });
    const next = await runs.resume(taskId);
    await clock.advance(10);
    expect(await runs.get(next.taskId)).toMatchObject({
      status: 'completed',
      itemsCleaned: 20,
      resumes: taskId,
      log: [{ message: 'begins at 10' }],
    });
    expect(await runs.get(taskId)).toMatchObject({ resumedBy: next.taskId, resumable: false });
    await expect(runs.resume(taskId)).rejects.toMatchObject({
      code: 'RUN_NOT_RESUMABLE',
      message: `The run ${next.taskId} goes on from the run ${taskId} already, or did so.`,
      details: { id: taskId, resumedBy: next.taskId },
    });
    await expect(runs.resume(next.taskId)).rejects.toMatchObject({
      code: 'RUN_NOT_RESUMABLE',
      details: { id: next.taskId, resumedBy: null },
    });
    expect(await store.runs('other').get(taskId)).toBeNull();
  });

  it('waits for what its dead forerunner still holds; a run of its own kind does not', async () => {
    const heap = heapOf(30);
    const { clock, runs, store } = await setUp(heap);
    const { taskId } = await runs.run('sweep', { maxItems: 10 });
    await store.leases.acquire(resourceKey('heap', ''), 'the dead', 3_000);
    expect(await runs.run('sweep', {})).toMatchObject({ status: 'skipped', itemsCleaned: 0 });
    const next = await runs.resume(taskId);
    await clock.advance(2_000);
    expect(await runs.get(next.taskId)).toMatchObject({ status: 'running', itemsCleaned: 0 });
    await clock.advance(2_000);
    expect(await runs.get(next.taskId)).toMatchObject({ status: 'completed', itemsCleaned: 10 });
  });

  it('is cancelled by another process on the store', async () => {
    const heap = heapOf(1_000);
    const { clock, runs, store } = await setUp(heap, { before: () => clock1.sleep(100) });
    const clock1 = clock;
    const other = createMaintenance({ store, clock, throttle: [], startScheduler: false });
    const { taskId } = await runs.beginRun('sweep', {});
    await clock.advance(1_500);
    await other.scope({ tenantId: 'acme' }).runs.cancel(taskId);
    await clock.advance(1_500);
    expect(await runs.get(taskId)).toMatchObject({ status: 'cancelled' });
    expect(heap.items.length).toBeGreaterThan(600);
  });

  it('waits for a confirmation when more would go than may go unasked', async () => {
    const heap = heapOf(1_500, 1_000);
    const { clock, runs } = await setUp(heap, { batch: 1_000 });
    const asked = await runs.run('sweep', {});
    expect(asked).toMatchObject({ status: 'needs_confirmation', stopReason: 'unconfirmed', itemsCleaned: 0 });
    expect(asked.errorMessage).toContain('1500 of 2500 items of heap');
    expect(heap.items).toHaveLength(1_500);
    await expect(runs.resume(asked.taskId)).rejects.toMatchObject({ code: 'RUN_NOT_RESUMABLE' });
    const { taskId } = await runs.confirm(asked.taskId);
    await clock.advance(10);
    expect(await runs.get(taskId)).toMatchObject({ status: 'completed', itemsCleaned: 1_500, resumes: asked.taskId });
    await expect(runs.confirm(asked.taskId)).rejects.toMatchObject({ code: 'RUN_NOT_UNCONFIRMED' });
    await expect(runs.confirm(taskId)).rejects.toMatchObject({ code: 'RUN_NOT_UNCONFIRMED' });
  });

  it('asks nobody for less than half, or for a thousand items', async () => {
    for (const heap of [heapOf(1_500, 1_500), heapOf(1_000)])
      expect(await (await setUp(heap, { batch: 1_000 })).runs.run('sweep', {})).toMatchObject({ status: 'completed' });
  });

  it('asks for as few as the host says, and for all of a target with none', async () => {
    const asks = { status: 'needs_confirmation', itemsCleaned: 0 };
    expect(await (await setUp(heapOf(21), {}, { unaskedItems: 20 })).runs.run('sweep', {})).toMatchObject(asks);
    expect(await (await setUp(heapOf(1), {}, { unaskedItems: 0 })).runs.run('sweep', {})).toMatchObject(asks);
    const few = await setUp(heapOf(20), {}, { unaskedItems: 20 });
    expect(await few.runs.run('sweep', {})).toMatchObject({ status: 'completed', itemsCleaned: 20 });
    await expect(setUp(heapOf(1), {}, { unaskedItems: -1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('waits while the application is under pressure, says for what, and goes on', async () => {
    let queries = 0;
    const throttle = [{ name: 'pool_wait', unit: 'queries', pauseAt: 5, resumeAt: 1, read: () => queries }];
    const { clock, runs } = await setUp(heapOf(50), { before: () => clock1.sleep(600) }, { throttle });
    const clock1 = clock;
    const { taskId } = await runs.beginRun('sweep', {});
    await clock.advance(700);
    queries = 5;
    await clock.advance(3_000);
    const paused = await runs.get(taskId);
    expect(paused.progress).toMatchObject({ state: 'paused', pausedBy: ['pool_wait'] });
    queries = 2;
    await clock.advance(5_000);
    expect((await runs.get(taskId)).progress?.cleaned).toBe(paused.progress?.cleaned);
    queries = 1;
    await clock.advance(10_000);
    expect(await runs.get(taskId)).toMatchObject({ status: 'completed', itemsCleaned: 50 });
  });

  it('looks at the pressure before its first batch, and ends for now when it does not go', async () => {
    const throttle = [{ name: 'lag', unit: 'ms', pauseAt: 1, read: () => 9 }];
    const heap = heapOf(50);
    const { clock, runs } = await setUp(heap, {}, { throttle, longestPauseMs: 5_000 });
    const { taskId } = await runs.beginRun('sweep', {});
    await clock.advance(3_000);
    expect((await runs.get(taskId)).progress).toMatchObject({ state: 'paused', pausedBy: ['lag'], batches: 0 });
    await clock.advance(10_000);
    const ended = await runs.get(taskId);
    expect(ended).toMatchObject({ status: 'completed', stopReason: 'pressure', itemsCleaned: 0, resumable: true });
    expect(ended).toMatchObject({ errorMessage: null, progress: { pauses: [{ signal: 'lag', times: 1, worst: 9 }] } });
    expect(ended.log.map(({ message }) => message)).toEqual([
      'Paused: lag is at 9 ms; work goes on at 0.5.',
      'Ended for now: the pressure did not go.',
    ]);
    expect(heap.items).toHaveLength(50);
  });

  it('does not wait for longer than its budget of time', async () => {
    const throttle = [{ name: 'lag', unit: 'ms', pauseAt: 1, read: () => 9 }];
    const { clock, runs } = await setUp(heapOf(50), {}, { throttle });
    const ended = runs.run('sweep', { maxRuntimeSeconds: 3 });
    await clock.advance(5_000);
    expect(await ended).toMatchObject({ status: 'completed', stopReason: 'time', itemsCleaned: 0 });
  });

  it.each<[string, () => number | Promise<number>]>([
    ['hangs', () => new Promise<number>(() => undefined)],
    ['throws', () => Promise.reject(new Error('no such view'))],
    ['gives no number', () => NaN],
  ])('waits while a reading of its pressure %s, and says so', async (_, unreadable) => {
    let read = unreadable;
    const throttle = [{ name: 'lag', unit: 'ms', pauseAt: 5, timeoutMs: 2_000, read: () => read() }];
    const { clock, runs } = await setUp(heapOf(50), {}, { throttle });
    const { taskId } = await runs.beginRun('sweep', {});
    await clock.advance(8_000);
    const paused = await runs.get(taskId);
    expect(paused.progress).toMatchObject({ state: 'paused', pausedBy: ['lag'], batches: 0 });
    expect(paused.log.map(({ message }) => message)).toEqual([
      'The signal lag cannot be read: the run waits until it can be.',
    ]);
    read = () => 0;
    await clock.advance(70_000);
    expect(await runs.get(taskId)).toMatchObject({ stopReason: 'drained', itemsCleaned: 50 });
  });

  it('goes on without a signal that is to be ignored while it cannot be read, and says so', async () => {
    const read = () => Promise.reject(new Error('no such view'));
    const throttle = [{ name: 'lag', unit: 'ms', pauseAt: 1, whenUnreadable: 'ignore' as const, read }];
    const { runs } = await setUp(heapOf(50), {}, { throttle });
    const { taskId } = await runs.run('sweep', {});
    const run = await runs.get(taskId);
    expect(run).toMatchObject({ stopReason: 'drained', itemsCleaned: 50 });
    expect(run.log.map(({ message }) => message)).toContain(
      'The signal lag cannot be read: the run goes on without it.',
    );
  });

  it('is cancelled while a reading of its pressure hangs', async () => {
    const throttle = [
      { name: 'lag', unit: 'ms', pauseAt: 1, timeoutMs: 60_000, read: () => new Promise<number>(() => undefined) },
    ];
    const { clock, runs } = await setUp(heapOf(50), {}, { throttle });
    const { taskId } = await runs.beginRun('sweep', {});
    await runs.cancel(taskId);
    await clock.advance(10);
    expect(await runs.get(taskId)).toMatchObject({ status: 'cancelled', stopReason: 'cancelled', itemsCleaned: 0 });
  });

  it('asks a signal that hangs once a minute, not once a second, and tells it when its time is up', async () => {
    const asked: AbortSignal[] = [];
    const read = (limit: AbortSignal) => (asked.push(limit), new Promise<number>(() => undefined));
    const { clock, runs } = await setUp(heapOf(50), {}, { throttle: [{ name: 'lag', unit: 'ms', pauseAt: 1, read }] });
    await runs.beginRun('sweep', {});
    await clock.advance(4_900);
    expect(asked.map(({ aborted }) => aborted)).toEqual([false]);
    await clock.advance(50_000);
    expect(asked.map(({ aborted }) => aborted)).toEqual([true]);
    await clock.advance(10_000);
    expect(asked).toHaveLength(2);
  });

  it('of a process that stops ends after its batch, and can be resumed', async () => {
    const heap = heapOf(30);
    const held = gate();
    const { clock, runs, maintenance } = await setUp(heap, {
      before: (batches) => (batches === 2 ? held.opened : Promise.resolve()),
    });
    const { taskId } = await runs.beginRun('sweep', {});
    await clock.advance(10);
    const stopped = maintenance.stop();
    await clock.advance(0);
    held.open();
    await stopped;
    expect(await runs.get(taskId)).toMatchObject({
      status: 'cancelled',
      stopReason: 'stopped',
      itemsCleaned: 10,
      resumable: true,
    });
  });

  it('of a dead process is taken up where it was, once', async () => {
    const heap = heapOf(30);
    const { clock, store, maintenance, runs } = await setUp(heap);
    const [first, second] = [newId(), newId()];
    await store.runs('acme').insert({ ...leftAt7, id: first });
    await store.runs('acme').insert({ ...leftAt7, id: second, trigger: 'recovery' });
    await clock.advance(61_000);
    expect(await runs.get(second)).toMatchObject({ status: 'failed', stopReason: 'abandoned', resumedBy: null });
    const { resumedBy } = await runs.get(first);
    await expect(runs.resume(first)).rejects.toMatchObject({ code: 'RUN_NOT_RESUMABLE', details: { resumedBy } });
    expect(await runs.get(resumedBy ?? '')).toMatchObject({
      trigger: 'recovery',
      status: 'completed',
      itemsCleaned: 30,
      log: [{ message: 'begins at 7' }],
    });
    await maintenance.stop();
  });

  describe('of a dead machine', () => {
    /** The machine `away` has left a run, and others look after the store. */
    const left = async (
      ofAway: Parameters<typeof sweepingTask>[1],
      others: Partial<MaintenanceOptions> = {},
      aheadMs = 0,
    ) => {
      const heap = heapOf(30);
      const { clock, store } = await setUp(heap, ofAway, { hostId: 'other', ...others });
      const id = newId();
      await store
        .runs('acme')
        .insert({ ...leftAt7, id, scopeId: ofAway?.scope === 'host' ? 'away' : '', startedAt: clock.now() + aheadMs });
      const lookedAfter = async () => {
        await clock.advance(61_000);
        return store.runs('acme').get(id);
      };
      const back = async () => {
        const tasks = [sweepingTask(heap, ofAway)];
        const maintenance = createMaintenance({ store, clock, tasks, throttle: [], hostId: 'away' });
        modules.push(maintenance);
        await maintenance.start();
      };
      return { clock, store, lookedAfter, back };
    };

    it.each<[string, Parameters<typeof sweepingTask>[1], Partial<MaintenanceOptions>]>([
      ['about its own things', { scope: 'host' }, {}],
      ['of a task that no other has', {}, { tasks: [] }],
    ])('%s is left to it for a while, and taken up when it is back', async (_, ofAway, others) => {
      const { store, clock, lookedAfter, back } = await left(ofAway, others);
      expect(await lookedAfter()).toMatchObject({ status: 'running' });
      await back();
      await clock.advance(1_000);
      const run = await lookedAfter();
      expect(run).toMatchObject({ stopReason: 'abandoned', resumedBy: expect.any(String) as string });
      expect(await store.runs('acme').get(run?.resumedBy ?? '')).toMatchObject({ status: 'completed' });
    });

    it('has failed when that stays away', async () => {
      const { clock, lookedAfter } = await left({ scope: 'host' });
      await clock.advance(15 * 60_000);
      expect(await lookedAfter()).toMatchObject({ status: 'failed', stopReason: 'abandoned', resumedBy: null });
    });

    it('has failed when the clock of that was a day ahead, by which it would be left to it for as long', async () => {
      const { lookedAfter } = await left({ scope: 'host' }, {}, 86_400_000);
      expect(await lookedAfter()).toMatchObject({ status: 'failed', stopReason: 'abandoned' });
    });

    it('has failed at once when it was about a process, which never comes back', async () => {
      const heap = heapOf(30);
      const { clock, store } = await setUp(heap, { scope: 'process' });
      const id = newId();
      await store.runs('acme').insert({ ...leftAt7, id, scopeId: 'another', startedAt: clock.now() });
      await clock.advance(61_000);
      expect(await store.runs('acme').get(id)).toMatchObject({ stopReason: 'abandoned' });
    });
  });

  it('of a dead process that is to be cancelled is cancelled, and nothing goes on with it', async () => {
    const heap = heapOf(30);
    const { clock, store, runs } = await setUp(heap);
    const id = newId();
    await store.runs('acme').insert({ ...leftAt7, id });
    await runs.cancel(id);
    await clock.advance(61_000);
    expect(await runs.get(id)).toMatchObject({ status: 'cancelled', stopReason: 'cancelled', resumedBy: null });
    expect(await runs.list({ limit: 10 })).toMatchObject({ items: [{ taskId: id }] });
    expect(heap.items).toHaveLength(30);
  });

  it.each([
    { when: 'found', status: 'cancelled' },
    { when: 'ended', status: 'failed' },
  ] as const)('of a dead process that is cancelled as it is $when is not taken up', async ({ when, status }) => {
    const heap = heapOf(30);
    const clock = fakeClock();
    const store = memoryMaintenanceStore({ clock });
    const cancelled = async (moment: typeof when, id: string) =>
      moment === when && (await store.runs('acme').requestCancel(id, clock.now()));
    const cancelling: typeof store = {
      ...store,
      async runningRuns(limit) {
        const found = await store.runningRuns(limit);
        for (const { id } of found) await cancelled('found', id);
        return found;
      },
      runs: (tenantId) => ({
        ...store.runs(tenantId),
        async finish(id, outcome) {
          await cancelled('ended', id);
          return store.runs(tenantId).finish(id, outcome);
        },
      }),
    };
    const { runs } = await setUp(heap, {}, { clock, store: cancelling });
    const id = newId();
    await store.runs('acme').insert({ ...leftAt7, id });
    await clock.advance(61_000);
    expect(await runs.get(id)).toMatchObject({ status, resumedBy: null });
    expect(heap.items).toHaveLength(30);
  });

  it('asks no more whether it is to be cancelled once it is over, not even when an answer was on its way', async () => {
    const clock = fakeClock();
    const store = memoryMaintenanceStore({ clock });
    const [batch, answer] = [gate(), gate()];
    let asked = 0;
    const slow: typeof store = {
      ...store,
      runs: (tenantId) => ({
        ...store.runs(tenantId),
        async pulse(id, pulse) {
          asked += 1;
          await answer.opened;
          return store.runs(tenantId).pulse(id, pulse);
        },
      }),
    };
    const { runs } = await setUp(heapOf(5), { before: () => batch.opened }, { clock, store: slow });
    const ended = runs.run('sweep', {});
    await clock.advance(1_000);
    batch.open();
    expect(await ended).toMatchObject({ status: 'completed', itemsCleaned: 5 });
    answer.open();
    await clock.advance(10_000);
    expect(asked).toBe(1);
  });

  it('is followed to its end', async () => {
    const heap = heapOf(30);
    const { clock, runs } = await setUp(heap, { before: () => clock1.sleep(1_000) });
    const clock1 = clock;
    const { taskId } = await runs.beginRun('sweep', {});
    const told: [event: string, cleaned: number][] = [];
    const following = (async () => {
      for await (const { event, data } of await runs.follow(taskId)) told.push([event, data.itemsCleaned]);
    })();
    await clock.advance(20_000);
    await following;
    expect(told.at(-1)).toEqual(['ended', 30]);
    expect(told.filter(([event]) => event === 'progress').length).toBeGreaterThanOrEqual(3);
  });
});
