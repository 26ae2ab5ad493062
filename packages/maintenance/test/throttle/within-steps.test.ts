import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  defineMaintenanceTask,
  memoryMaintenanceStore,
  type MaintenanceOptions,
  type PressureSignal,
} from '../../src/index.js';
import { heapOf, sweepingTask } from '../support/sweeping-task.js';
import { logFolder, type LogFolder } from '../support/logs.js';

/** Runs of a module that stops with the test. */
async function start(options: Partial<MaintenanceOptions>) {
  const maintenance = createMaintenance({ store: memoryMaintenanceStore(), startScheduler: false, ...options });
  onTestFinished(() => maintenance.stop());
  await maintenance.start();
  return maintenance.scope({ tenantId: 'acme' }).runs;
}

/** One step that looks for relief four times, a second apart. */
const oneStep = (begun: () => void = () => {}) =>
  defineMaintenanceTask({
    type: 'step',
    name: 'Step',
    description: 'Takes one long step',
    parameters: z.object({}),
    details: z.object({}),
    plan: () => Promise.resolve({ targets: [], warnings: [] }),
    async run({ target, relief, clock, signal }) {
      const progress = await target({ target: 'step', planned: 1, total: null });
      begun();
      for (let part = 0; part < 4; part++) {
        await clock.sleep(1_000, signal);
        await relief();
      }
      await progress.advance({ cleaned: 1 });
      progress.done();
      return { details: {} };
    },
  });

describe('a long step of a run', () => {
  const lag = (read: () => number): PressureSignal => ({ name: 'lag', unit: 's', pauseAt: 5, resumeAt: 1, read });

  it('waits in its midst for the application, says for what and how long, and goes on', async () => {
    let behind = 0;
    const clock = fakeClock();
    const runs = await start({ clock, tasks: [oneStep()], throttle: [lag(() => behind)] });
    const { taskId } = await runs.beginRun('step', {});
    await clock.advance(1_500);
    behind = 9;
    await clock.advance(8_000);
    expect((await runs.get(taskId)).progress).toMatchObject({ state: 'paused', pausedBy: ['lag'], batches: 0 });
    behind = 0;
    await clock.advance(20_000);
    const run = await runs.get(taskId);
    expect(run).toMatchObject({ stopReason: 'drained', itemsCleaned: 1 });
    expect(run.progress).toMatchObject({
      state: 'working',
      pauses: [{ signal: 'lag', unit: 's', times: 1, worst: 9 }],
    });
    expect(run.progress?.pauses[0]?.seconds).toBeCloseTo(8, 0);
    // What it says of its pace is about its work.
    expect(run.progress?.targets).toMatchObject([{ target: 'step', settled: 1 }]);
    expect(run.progress?.targets[0]?.seconds).toBeCloseTo(4, 0);
  });

  it('leaves the time that is left of the work as it was while it waits, whatever it waits for', async () => {
    let [behind, waiting] = [0, 0];
    const clock = fakeClock();
    const queue: PressureSignal = { name: 'queue', unit: 'jobs', pauseAt: 1, read: () => waiting };
    const batches = defineMaintenanceTask({
      ...{ type: 'batches', name: 'Batches', description: 'Takes ten items, one a second' },
      parameters: z.object({}),
      details: z.object({}),
      plan: () => Promise.resolve({ targets: [], warnings: [] }),
      async run({ target, clock: { sleep }, signal }) {
        const progress = await target({ target: 'items', planned: 10, total: null });
        do await sleep(1_000, signal);
        while ((await progress.advance({ cleaned: 1 })) && progress.cursor === undefined);
        return { details: {} };
      },
    });
    const runs = await start({ clock, tasks: [batches], throttle: [lag(() => behind), queue] });
    const { taskId } = await runs.beginRun('batches', { maxItems: 10 });
    const eta = async () => (await runs.get(taskId)).progress?.etaSeconds;
    await clock.advance(2_500);
    [behind, waiting] = [9, 3];
    await clock.advance(1_700);
    expect(await eta()).toBe(7);
    await clock.advance(60_000);
    expect((await runs.get(taskId)).progress).toMatchObject({ state: 'paused', pausedBy: ['lag', 'queue'] });
    waiting = 0;
    await clock.advance(60_000);
    expect(await eta()).toBe(7);
    behind = 0;
    await clock.advance(30_000);
    expect(await runs.get(taskId)).toMatchObject({ status: 'completed', itemsCleaned: 10 });
    const [pace] = (await runs.get(taskId)).progress?.targets ?? [];
    expect(pace?.seconds).toBeCloseTo(10, 0);
  });

  it('is cut short when that lasts for too long; the run says so, has not failed, and can be resumed', async () => {
    let behind = 0;
    const clock = fakeClock();
    const begun = () => void (behind = Infinity);
    const runs = await start({ clock, tasks: [oneStep(begun)], throttle: [lag(() => behind)], longestPauseMs: 5_000 });
    const { taskId } = await runs.beginRun('step', {});
    await clock.advance(20_000);
    expect(await runs.get(taskId)).toMatchObject({
      ...{ status: 'completed', stopReason: 'pressure', errorMessage: null, resumable: true, itemsCleaned: 0 },
      progress: { pauses: [{ signal: 'lag', worst: null }] },
    });
  });

  it('is cut short when the time of the run is used up meanwhile', async () => {
    let behind = 0;
    const clock = fakeClock();
    const begun = () => void (behind = 9);
    const runs = await start({ clock, tasks: [oneStep(begun)], throttle: [lag(() => behind)] });
    const { taskId } = await runs.beginRun('step', { maxRuntimeSeconds: 4 });
    await clock.advance(20_000);
    expect(await runs.get(taskId)).toMatchObject({ status: 'completed', stopReason: 'time', errorMessage: null });
  });
});

describe('the compression of one log', () => {
  let folder: LogFolder;
  /** Text that takes gzip its time: some seconds. */
  const text = randomBytes(24 * 1_048_576).toString('base64');
  beforeEach(async () => {
    folder = await logFolder();
    await folder.write('app.log.1', text, 2);
  });
  afterEach(() => folder.remove());
  const partial = (): number => statSync(folder.at('app.log.1.gz.partial'), { throwIfNoEntry: false })?.size ?? 0;
  const policy = () => ({
    ...{ name: 'app', directory: folder.directory, naming: 'numbered' as const },
    ...{ compress: { level: 9 }, reopen: () => {} },
  });

  it('waits between its parts, and ends with all that was there', { timeout: 120_000 }, async () => {
    let over = false;
    const signal = { name: 'busy', unit: 'jobs', pauseAt: 1, read: () => (partial() > 0 && !over ? 3 : 0) };
    const runs = await start({ logs: [policy()], throttle: [signal] });
    const { taskId } = await runs.beginRun('log_rotation', {});
    const progress = async () => (await runs.get(taskId)).progress;
    await expect
      .poll(progress, { timeout: 60_000 })
      .toMatchObject({ state: 'paused', pausedBy: ['busy'], target: 'logs:app:compress' });
    expect(await folder.names()).toEqual(['app.log.1', 'app.log.1.gz.partial']);
    over = true;
    await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 60_000 }).toBe('completed');
    expect(await folder.names()).toEqual(['app.log.1.gz']);
    expect(gunzipSync(await readFile(folder.at('app.log.1.gz'))).toString() === text).toBe(true);
  });

  it('is given up when the pressure does not go: the log is as it was', { timeout: 120_000 }, async () => {
    const signal = { name: 'busy', unit: 'jobs', pauseAt: 1, read: () => (partial() > 0 ? 3 : 0) };
    const runs = await start({ logs: [policy()], throttle: [signal], longestPauseMs: 1_500 });
    const run = await runs.run('log_rotation', {});
    expect(run).toMatchObject({ status: 'completed', stopReason: 'pressure', errorMessage: null, resumable: true });
    expect(await folder.names()).toEqual(['app.log.1']);
    expect((await folder.read('app.log.1')) === text).toBe(true);
  });
});

describe('by default', () => {
  const blocked = async (options: Partial<MaintenanceOptions>) => {
    const task = sweepingTask(heapOf(100), {
      before: () => new Promise((resolve) => void setTimeout(resolve, 100)),
    });
    const runs = await start({ tasks: [task], ...options });
    const blocking = setInterval(() => {
      for (const until = performance.now() + 700; performance.now() < until;);
    }, 50);
    onTestFinished(() => clearInterval(blocking));
    const { taskId } = await runs.beginRun('sweep', {});
    return { blocking, run: () => runs.get(taskId) };
  };

  it.each([
    ['whose clock nobody gave', {}],
    ['that is given the clock of the system', { clock: systemClock }],
  ])('work %s waits for an event loop that is held up', { timeout: 120_000 }, async (_, options) => {
    const { blocking, run } = await blocked(options);
    await expect
      .poll(async () => (await run()).progress, { timeout: 60_000 })
      .toMatchObject({ state: 'paused', pausedBy: ['event_loop_delay'] });
    clearInterval(blocking);
    await expect.poll(async () => (await run()).status, { timeout: 60_000 }).toBe('completed');
    const { itemsCleaned, progress } = await run();
    expect(itemsCleaned).toBe(100);
    expect(progress?.pauses).toMatchObject([{ signal: 'event_loop_delay', unit: 'ms' }]);
    expect(progress?.pauses[0]?.worst).toBeGreaterThanOrEqual(500);
  });

  it('and for nothing where the host says so', { timeout: 120_000 }, async () => {
    const { run } = await blocked({ throttle: [] });
    await expect.poll(async () => (await run()).status, { timeout: 60_000 }).toBe('completed');
    expect((await run()).progress?.pauses).toEqual([]);
  });
});
