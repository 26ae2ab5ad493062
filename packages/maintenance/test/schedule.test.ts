import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceStore } from '../src/index.js';
import { began } from '../src/testing/samples.js';
import { countingTask } from './support/counting-task.js';

const hour = 3_600_000;

describe('schedules', () => {
  const schedules = [{ name: 'hourly', task: 'count', cron: '0 * * * *', tenantId: 'acme' }];

  it('run each slot once, however many processes there are', async () => {
    const clock = fakeClock();
    const store = memoryMaintenanceStore({ clock });
    const { counter, task } = countingTask();
    const modules = Array.from({ length: 3 }, () => createMaintenance({ store, clock, tasks: [task], schedules }));
    for (const it of modules) await it.start();
    await clock.advance(5 * hour + 1_000);
    expect(counter.runs).toBe(5);
    const state = await modules[0]?.scope({ tenantId: 'acme' }).state();
    expect(state?.recentResults).toHaveLength(5);
    expect(state?.recentResults[0]).toMatchObject({ status: 'completed', details: { runs_so_far: 5 } });
    expect(state?.maintenanceTasks.find(({ type }) => type === 'count')?.schedules).toMatchObject([
      { nextRun: Date.UTC(2026, 0, 1, 6) },
    ]);
    expect((await modules[0]?.scope({ tenantId: 'other' }).state())?.recentResults).toEqual([]);
    for (const it of modules) await it.stop();
    await clock.advance(2 * hour);
    expect(counter.runs).toBe(5);
  });

  it('are counted in the host’s registry, with what became of their runs', async () => {
    const clock = fakeClock();
    const metrics = new Registry();
    const { task } = countingTask(() => Promise.reject(new Error('no')));
    const module = createMaintenance({
      store: memoryMaintenanceStore({ clock }),
      clock,
      tasks: [task],
      schedules,
      metrics,
    });
    await module.start();
    await clock.advance(2 * hour + 1_000);
    await module.stop();
    expect(await metrics.getSingleMetricAsString('dotmac_maintenance_runs_total')).toContain(
      '{task="count",outcome="failed"} 2',
    );
    expect(await metrics.getSingleMetricAsString('dotmac_maintenance_schedule_lag_seconds')).toContain(
      'dotmac_maintenance_schedule_lag_seconds_count{task="count"} 2',
    );
  });

  it('refuse fields, zones, tasks and parameters that they do not know', () => {
    for (const wrong of [
      { cron: '0 0 * * * * *' },
      { timeZone: 'Mars/Phobos' },
      { task: 'nope' },
      { parameters: { x: 1 }, task: 'log_rotation', cron: '61 * * * *' },
    ])
      expect(() =>
        createMaintenance({
          store: memoryMaintenanceStore(),
          tasks: [countingTask().task],
          schedules: [{ ...schedules[0]!, ...wrong }],
        }),
      ).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('runs', () => {
  it('do not overlap for one tenant, and go on for another', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { task } = countingTask(() => gate);
    const maintenance = createMaintenance({ store: memoryMaintenanceStore(), tasks: [task] });
    const acme = maintenance.scope({ tenantId: 'acme' }).runs;
    const told: string[] = [];
    maintenance.events.onAny(({ name }) => void told.push(name));
    const { taskId } = await acme.beginRun('count', {});
    await expect(acme.run('count', {})).rejects.toMatchObject({ code: 'TASK_ALREADY_RUNNING' });
    const other = maintenance.scope({ tenantId: 'other' }).runs.run('count', {});
    await expect(maintenance.scope({ tenantId: 'other' }).runs.get(taskId)).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    });
    release();
    expect((await other).status).toBe('completed');
    await expect.poll(async () => (await acme.get(taskId)).status).toBe('completed');
    expect(told.sort()).toEqual([
      'maintenance.run_completed',
      'maintenance.run_completed',
      'maintenance.run_started',
      'maintenance.run_started',
    ]);
  });

  it('that fail say so, without what the failure said', async () => {
    const { task } = countingTask(() => Promise.reject(new Error('password=hunter2')));
    const result = await createMaintenance({ store: memoryMaintenanceStore(), tasks: [task] })
      .scope({ tenantId: 'acme' })
      .runs.run('count', {});
    expect(result.status).toBe('failed');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  it('of a dead process are failed at the next start', async () => {
    const store: MaintenanceStore = memoryMaintenanceStore();
    const id = newId();
    await store.runs('acme').insert({ ...began, id });
    const maintenance = createMaintenance({ store });
    await maintenance.start();
    expect(await store.runs('acme').get(id)).toMatchObject({ status: 'failed', errorCode: 'ABANDONED' });
    expect(await maintenance.scope({ tenantId: 'acme' }).status()).toMatchObject({
      failedRuns: 1,
      activeTasks: 0,
      schedulerRunning: true,
    });
    await maintenance.stop();
  });
});
