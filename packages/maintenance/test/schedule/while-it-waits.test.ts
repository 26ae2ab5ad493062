import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  memoryMaintenanceStore,
  type MaintenanceModule,
  type MaintenanceScope,
  type MaintenanceStore,
} from '../../src/index.js';
import type { ScheduleInput } from '../../src/schedule/schemas.js';
import { lastingTask } from '../support/lasting-task.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const daily = { name: 'it', maintenanceType: 'last', everyMs: day, retries: 2, retryAfterMs: hour } as const;

describe('a schedule that waits with a slot', () => {
  let [clock, lasting]: [FakeClock, ReturnType<typeof lastingTask>] = [fakeClock(0), lastingTask()];
  let store: MaintenanceStore;
  let maintenance: MaintenanceModule;
  let acme: MaintenanceScope;
  beforeEach(async () => {
    clock = fakeClock(Date.UTC(2026, 0, 1));
    lasting = lastingTask();
    store = memoryMaintenanceStore({ clock });
    maintenance = createMaintenance({ store, clock, tasks: [lasting.task], hostId: 'host' });
    acme = maintenance.scope({ tenantId: 'acme' });
    await maintenance.start();
  });
  afterEach(async () => {
    let stopped = false;
    void maintenance.stop().then(() => (stopped = true));
    while (!stopped) await clock.advance(second);
  });

  /** A slot whose first run has failed, and whose second is an hour off. */
  const waitsForRetry = async (more: Partial<ScheduleInput> = {}) => {
    await acme.schedules.create({ ...daily, ...more });
    await clock.advance(day + second);
    lasting.runs[0]?.end(new Error('no'));
    await clock.advance(second);
    expect(await slot()).toEqual(['retrying', 'Its run failed, or was broken off, and is to begin again.']);
  };
  const slot = async (index = 0) => {
    const { outcome, message } = (await acme.schedules.slots('it')).items[index] ?? {};
    return [outcome, message];
  };

  it('does not begin its retry when it was paused meanwhile', async () => {
    await waitsForRetry();
    await acme.schedules.pause('it');
    await clock.advance(2 * hour);
    expect(lasting.runs).toHaveLength(1);
    expect(await slot()).toEqual(['paused', 'Its run failed, and the schedule was paused before the next try.']);
    await acme.schedules.resume('it');
    await clock.advance(4 * hour);
    expect(lasting.runs).toHaveLength(1);
  });

  it('does not begin its retry when it was paused in another process', async () => {
    await waitsForRetry();
    const there = createMaintenance({ store, clock, tasks: [lasting.task], hostId: 'other', startScheduler: false });
    await there.start();
    await clock.advance(hour - 4 * second);
    await there.scope({ tenantId: 'acme' }).schedules.pause('it');
    await clock.advance(10 * second);
    expect(lasting.runs).toHaveLength(1);
    await there.stop();
  });

  it('begins its retry when it was resumed before', async () => {
    await waitsForRetry();
    await acme.schedules.pause('it');
    await acme.schedules.resume('it');
    await clock.advance(hour);
    expect(lasting.runs).toHaveLength(2);
  });

  it('does not begin its retry when it was removed', async () => {
    await waitsForRetry();
    await acme.schedules.remove('it');
    await clock.advance(4 * hour);
    expect(lasting.runs).toHaveLength(1);
    const message = 'Its run failed, and the schedule was removed before the next try.';
    expect(await store.slots('acme').list({ schedule: 'it', limit: 9 })).toMatchObject([
      { outcome: 'cancelled', message },
    ]);
  });

  it('begins its retry by what was changed meanwhile', async () => {
    await waitsForRetry({ parameters: { depth: 1 } });
    await acme.schedules.update('it', { parameters: { depth: 2 } });
    await clock.advance(hour);
    const [run] = (await acme.runs.list({ limit: 1 })).items;
    expect(await acme.runs.get(run?.taskId ?? '')).toMatchObject({ parameters: { depth: 2 }, resumes: null });
    // What is not changed goes on where it was.
    lasting.runs[1]?.end(new Error('no'));
    await clock.advance(2 * hour + second);
    const [again] = (await acme.runs.list({ limit: 1 })).items;
    expect(await acme.runs.get(again?.taskId ?? '')).toMatchObject({ parameters: { depth: 2 }, resumes: run?.taskId });
  });

  it('does not begin behind another slot when it was paused meanwhile', async () => {
    await acme.schedules.create({ ...daily, everyMs: hour, overlap: 'queue', retries: 0 });
    await clock.advance(2 * hour + minute);
    expect(await slot()).toEqual(['waiting', 'It was taken, and is to begin.']);
    await acme.schedules.pause('it');
    await clock.advance(minute);
    lasting.runs[0]?.end();
    await clock.advance(minute);
    expect(lasting.runs).toHaveLength(1);
    expect(await slot()).toEqual(['paused', 'The schedule was paused as it waited.']);
  });
});
