import { describe, expect, it, onTestFinished } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { heapOf, sweepingTask } from '../support/sweeping-task.js';

const [second, minute, hour] = [1_000, 60_000, 3_600_000];

/** Processes that sweep one heap by one schedule, a batch in ten seconds. */
function setUp() {
  const clock = fakeClock(Date.UTC(2026, 0, 1));
  const store = memoryMaintenanceStore({ clock });
  const heap = heapOf(100);
  const process = () => {
    const tasks = [sweepingTask(heap, { before: () => clock.sleep(10 * second) })];
    const schedules = [{ name: 'it', task: 'sweep', tenantId: 'acme', everyMs: hour }];
    const maintenance = createMaintenance({ store, clock, tasks, schedules, throttle: [] });
    const stop = async (): Promise<void> => {
      let stopped = false;
      void maintenance.stop().then(() => (stopped = true));
      while (!stopped) await clock.advance(second);
    };
    onTestFinished(stop);
    return { ...maintenance, stop };
  };
  const runs = store.runs('acme');
  const all = async () => (await runs.list({ limit: 10 })).reverse();
  return { clock, store, heap, process, all };
}

describe('a run of a schedule whose process is stopped', () => {
  it('is gone on with by another process, once, and its slot has no other run', async () => {
    const { clock, store, heap, process, all } = setUp();
    const [first, ...others] = [process(), process(), process()];
    for (const it of [first, ...others]) await it.start();
    await clock.advance(hour + 25 * second);
    const [begun] = await store.runningRuns(1);
    for (const it of [first, ...others]) {
      await it.stop();
      if ((await store.runningRuns(1)).length === 0) break;
    }
    await clock.advance(minute);
    const [stopped, takenUp] = await all();
    expect(stopped).toMatchObject({ id: begun?.id, stopReason: 'stopped', resumedBy: takenUp?.id });
    expect(takenUp).toMatchObject({ status: 'running', trigger: 'recovery', schedule: 'it' });
    await clock.advance(20 * minute);
    expect((await all()).map(({ status }) => status)).toEqual(['cancelled', 'completed']);
    expect(heap.items).toEqual([]);
    expect(await store.slots('acme').list({ schedule: 'it', limit: 10 })).toMatchObject([{ runId: begun?.id }]);
  });

  it('is gone on with when it is back soon, and left to the next slot when it is not', async () => {
    for (const [away, runs] of [
      [5 * minute, 2],
      [20 * minute, 1],
    ] as const) {
      const { clock, process, all } = setUp();
      const it = process();
      await it.start();
      await clock.advance(hour + 25 * second);
      await it.stop();
      await clock.advance(away);
      await it.start();
      await clock.advance(20 * minute);
      expect(await all(), String(away)).toHaveLength(runs);
    }
  });
});
