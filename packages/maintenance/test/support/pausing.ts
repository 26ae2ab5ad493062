import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { createMaintenance, memoryMaintenanceStore, type PressureSignal } from '../../src/index.js';
import { heapOf, sweepingTask } from './sweeping-task.js';

/** What brings a signal up, and down again. */
export interface Pressing {
  press(): void | Promise<void>;
  relieve(): void | Promise<void>;
}

/**
 * Expects of a run, by the system's own clock, that it waits while a signal is pressed, names it, takes nothing meanwhile,
 * and is done once it is relieved.
 */
export async function pausesUntil(signal: PressureSignal, { press, relieve }: Pressing): Promise<void> {
  const heap = heapOf(200);
  let halfway = (): void => {};
  const atHalf = new Promise<void>((resolve) => (halfway = resolve));
  let goOn = (): void => {};
  const pressed = new Promise<void>((resolve) => (goOn = resolve));
  const task = sweepingTask(heap, {
    batch: 10,
    // The pressure comes when some of the work is done.
    before: async (batches) => {
      if (batches < 3) return;
      halfway();
      await pressed;
      // A reading serves for half a second: there has to be work left after that.
      await sleep(100);
    },
  });
  const maintenance = createMaintenance({
    store: memoryMaintenanceStore(),
    tasks: [task],
    throttle: [signal],
    startScheduler: false,
  });
  await maintenance.start();
  const { runs } = maintenance.scope({ tenantId: 'acme' });
  let relieved = false;
  try {
    const { taskId } = await runs.beginRun('sweep', {});
    await atHalf;
    await press();
    // InnoDB renews what it shows of locks when nobody has looked for a tenth of a second.
    await expect
      .poll(() => signal.read(new AbortController().signal), { timeout: 30_000, interval: 300 })
      .toBeGreaterThanOrEqual(signal.pauseAt);
    goOn();
    const waiting = async () => (await runs.get(taskId)).progress;
    await expect.poll(waiting, { timeout: 30_000 }).toMatchObject({ state: 'paused', pausedBy: [signal.name] });
    const left = heap.items.length;
    expect(left).toBeGreaterThan(0);
    expect((await runs.get(taskId)).status).toBe('running');
    expect(heap.items).toHaveLength(left);
    relieved = true;
    await relieve();
    await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 60_000 }).toBe('completed');
    const ended = await runs.get(taskId);
    expect(ended).toMatchObject({ itemsCleaned: 200, stopReason: 'drained', progress: { pausedBy: [] } });
    const [waited] = ended.progress?.pauses ?? [];
    expect(waited).toMatchObject({ signal: signal.name, unit: signal.unit });
    expect(waited?.seconds).toBeGreaterThan(0);
  } finally {
    goOn();
    if (!relieved) await relieve();
    await maintenance.stop();
  }
}
