import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  memoryMaintenanceStore,
  type MaintenanceOptions,
  type PressureSignal,
} from '../../src/index.js';
import { heapOf, sweepingTask } from '../support/sweeping-task.js';
import { logFolder } from '../support/logs.js';

async function start(options: Partial<MaintenanceOptions>) {
  const maintenance = createMaintenance({ store: memoryMaintenanceStore(), startScheduler: false, ...options });
  onTestFinished(() => maintenance.stop());
  await maintenance.start();
  return maintenance.scope({ tenantId: 'acme' });
}
const haste = 10_000;
/** By which each look for relief finds a new reading, and a pause is too long at the second; leases last as long as they would. */
const hasty = {
  clock: { ...systemClock, monotonic: () => systemClock.monotonic() * haste },
  leaseTtlMs: 30_000 * haste,
};
/** By which a reading is old after each rest; what it measures of batches is true. */
function restless() {
  let rested = 0;
  const sleep: typeof systemClock.sleep = (ms, signal) => {
    rested += 600;
    return systemClock.sleep(ms, signal);
  };
  return { clock: { ...systemClock, sleep, monotonic: () => systemClock.monotonic() + rested }, longestPauseMs: 1_000 };
}
const busy = (isBusy: () => boolean): { throttle: PressureSignal[] } => ({
  throttle: [{ name: 'busy', unit: 'jobs', pauseAt: 1, read: () => (isBusy() ? 3 : 0) }],
});

it('a plan that is made under pressure does not wait for its end', async () => {
  const folder = await logFolder();
  onTestFinished(() => folder.remove());
  await folder.write('old', 'x', 90);
  const { plans, runs } = await start({
    ...{ clock: fakeClock(Date.now()), tasks: [sweepingTask(heapOf(5))], ...busy(() => true) },
    directories: [
      { name: 'files', directory: folder.directory, maxAgeDays: 30, ageBy: ['modification'], maxShare: 0.5 },
    ],
  });
  for (const maintenanceType of ['sweep', 'disk_cleanup']) {
    const { plan } = await plans.create({ maintenanceType, parameters: {} });
    expect(plan.targets[0]?.items).toBeGreaterThan(0);
    // And a run does.
    const { taskId } = await runs.begin({ maintenanceType, parameters: {} });
    expect(await runs.get(taskId)).toMatchObject({ status: 'running', itemsCleaned: 0 });
  }
});

it('a cleanup whose giving back is cut short tells what it removed', { timeout: 60_000 }, async () => {
  const folder = await logFolder();
  onTestFinished(() => folder.remove());
  const database = sqlite(folder.at('app.db'));
  onTestFinished(() => database.close());
  const { kysely } = database;
  await sql`pragma auto_vacuum = incremental`.execute(kysely);
  await sql`vacuum`.execute(kysely);
  await sql`create table t (id integer primary key, at integer, text text)`.execute(kysely);
  await sql`create index t_at on t (at)`.execute(kysely);
  await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000)
    insert into t select i, 0, hex(randomblob(2000)) from n`.execute(kysely);
  const pages = async () => {
    const { rows } = await sql<{ freelist_count: number }>`pragma freelist_count`.execute(kysely);
    return rows[0]?.freelist_count ?? 0;
  };
  let [most, left] = [0, false];
  const signal: PressureSignal = {
    ...{ name: 'busy', unit: 'jobs', pauseAt: 1 },
    async read() {
      const free = await pages();
      left ||= free < most;
      most = Math.max(most, free);
      return left ? 3 : 0;
    },
  };
  const { runs } = await start({
    ...{ ...restless(), throttle: [signal], databases: { main: database } },
    retention: [{ name: 't', database: 'main', table: 't', timeColumn: 'at', retentionDays: 30, maxShare: 1 }],
  });
  const run = await runs.run('database_cleanup', {});
  expect(run).toMatchObject({
    ...{ status: 'completed', stopReason: 'pressure', errorMessage: null, itemsCleaned: 2_000 },
    details: {
      policies: [{ policy: 't', outcome: 'done', rows: 2_000, warnings: [expect.stringContaining('was cut short')] }],
    },
  });
  expect(await pages()).toBeGreaterThan(0);
});

it('a rotation whose copy is cut short tells what it saw, and leaves the log', { timeout: 60_000 }, async () => {
  const folder = await logFolder();
  onTestFinished(() => folder.remove());
  const text = randomBytes(8 * 1_048_576).toString('base64');
  await folder.write('app.log', text, 2);
  const copied = () => statSync(folder.at('app.log.1.copying'), { throwIfNoEntry: false })?.size ?? 0;
  const { runs } = await start({
    ...{ ...hasty, ...busy(() => copied() > 0) },
    logs: [
      {
        ...{ name: 'app', directory: folder.directory, naming: 'numbered', method: 'copytruncate', maxAgeDays: 1 },
      },
    ],
  });
  const run = await runs.run('log_rotation', {});
  expect(run).toMatchObject({
    ...{ status: 'completed', stopReason: 'pressure', errorMessage: null, itemsCleaned: 0, itemsProcessed: 1 },
    details: { policies: [{ policy: 'app', rotated: 0 }] },
  });
  expect(await folder.names()).toEqual(['app.log']);
  expect((await folder.read('app.log')) === text).toBe(true);
});
