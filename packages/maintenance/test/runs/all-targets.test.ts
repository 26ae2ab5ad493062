import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { sqlite, type Database } from '@dotmac/core/kysely';
import {
  createMaintenance,
  defineMaintenanceTask,
  memoryMaintenanceStore,
  planned,
  type MaintenanceOptions,
} from '../../src/index.js';
import { logFolder, type LogFolder } from '../support/logs.js';

async function start(options: Partial<MaintenanceOptions>) {
  const maintenance = createMaintenance({ store: memoryMaintenanceStore(), startScheduler: false, ...options });
  onTestFinished(() => maintenance.stop());
  await maintenance.start();
  return maintenance.scope({ tenantId: 'acme' });
}

describe('the progress of a run of several targets', () => {
  /** Takes so many items of each target, one a second, right before progress is kept; tells of all before it begins. */
  const taking = (targets: Record<string, number>, told: Record<string, number | null> = targets) =>
    defineMaintenanceTask({
      type: 'take',
      name: 'Take',
      description: 'Takes items of several targets',
      parameters: z.object({}),
      details: z.object({}),
      plan: () =>
        Promise.resolve({
          targets: Object.entries(targets).map(([target, items]) =>
            planned({ target, action: 'take', items, strategy: 'one by one' }, {}),
          ),
          warnings: [],
        }),
      async run({ target: begin, expect: toCome, clock, signal }) {
        for (const [target, items] of Object.entries(told)) toCome(target, items);
        let next = 999;
        for (const [target, items] of Object.entries(targets)) {
          const progress = await begin({ target, planned: told[target] ?? null, total: null });
          for (let left = items; left > 0; left--) {
            await clock.sleep(next, signal);
            next = 1_000;
            await progress.advance({ cleaned: 1 });
          }
          progress.done();
        }
        return { details: {} };
      },
    });
  const after = async (seconds: number, task: ReturnType<typeof taking>) => {
    const clock = fakeClock();
    const { runs } = await start({ clock, tasks: [task] });
    const { taskId } = await runs.beginRun('take', {});
    await clock.advance(seconds * 1_000 + 100);
    return (await runs.get(taskId)).progress;
  };

  it('tells the time that all of them take, those to come with them', async () => {
    expect(await after(5, taking({ a: 10, b: 20, c: 30 }))).toMatchObject({ planned: 60, target: 'a', etaSeconds: 55 });
    expect(await after(20, taking({ a: 10, b: 20, c: 30 }))).toMatchObject({
      planned: 60,
      target: 'b',
      etaSeconds: 40,
    });
  });

  it('tells none while the items of any are not known, and tells it when all are', async () => {
    const task = taking({ a: 10, b: 20, c: 30 }, { a: 10, b: null, c: 30 });
    expect(await after(5, task)).toMatchObject({ planned: null, etaSeconds: null });
    expect(await after(20, task)).toMatchObject({ planned: null, etaSeconds: null, target: 'b' });
    expect(await after(35, task)).toMatchObject({ planned: 60, etaSeconds: 25, target: 'c' });
  });

  it('counts what was done of a target that came out smaller than it was planned', async () => {
    const task = taking({ a: 5, b: 20 }, { a: 50, b: 20 });
    expect(await after(10, task)).toMatchObject({ planned: 25, target: 'b', etaSeconds: 15 });
  });

  it('knows what is to come by the plan that it applies', async () => {
    const clock = fakeClock();
    const task = taking({ a: 10, b: 20 }, { a: null, b: null });
    const { runs, plans } = await start({ clock, tasks: [task] });
    const { taskId } = await plans.beginApply((await plans.create({ maintenanceType: 'take', parameters: {} })).id);
    await clock.advance(5_100);
    expect((await runs.get(taskId)).progress).toMatchObject({ planned: 30, etaSeconds: 25 });
  });

  it('knows what is left of the plan when it goes on from the run that applied it, and from that one', async () => {
    const clock = fakeClock();
    const task = taking({ a: 10, b: 20 }, { a: null, b: null });
    const { runs, plans } = await start({ clock, tasks: [task] });
    const { id } = await plans.create({ maintenanceType: 'take', parameters: {} });
    let { taskId } = await plans.beginApply(id);
    for (const left of [26, 21]) {
      await clock.advance(4_100);
      await runs.cancel(taskId);
      await clock.advance(1_000);
      ({ taskId } = await runs.resume(taskId));
      expect(await runs.get(taskId)).toMatchObject({ planId: id });
      await clock.advance(1_100);
      expect((await runs.get(taskId)).progress).toMatchObject({ planned: left, etaSeconds: left - 1 });
    }
  });
});

describe('from its first batch on a run knows of', () => {
  const old = Date.now() / 1_000 - 100 * 86_400;
  let folder: LogFolder;
  beforeEach(async () => void (folder = await logFolder()));
  afterEach(() => folder.remove());

  async function files(directory: string, names: string[]): Promise<string> {
    await mkdir(folder.at(directory), { recursive: true, mode: 0o700 });
    for (const name of names) {
      await writeFile(join(folder.at(directory), name), name.repeat(50));
      await utimes(join(folder.at(directory), name), old, old);
    }
    return folder.at(directory);
  }

  it('the rows of all tables', async () => {
    const database: Database = sqlite(':memory:');
    onTestFinished(() => database.close());
    for (const [table, rows] of Object.entries({ a: 300, b: 200, c: 100 })) {
      await sql`create table ${sql.id(table)} (id integer primary key, at integer)`.execute(database.kysely);
      await sql`create index ${sql.id(`${table}_at`)} on ${sql.id(table)} (at)`.execute(database.kysely);
      await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${rows})
        insert into ${sql.id(table)} select i, 0 from n`.execute(database.kysely);
    }
    const { runs } = await start({
      databases: { main: database },
      retention: ['a', 'b', 'c'].map((table) => ({
        ...{ name: table, database: 'main', table, timeColumn: 'at', retentionDays: 30, maxShare: 1 },
      })),
    });
    const run = await runs.run('database_cleanup', { maxBatches: 1 });
    expect(run).toMatchObject({ stopReason: 'batches', progress: { batches: 1, planned: 600 } });
    expect(run.progress?.etaSeconds).toBeGreaterThan(0);
    expect(await runs.run('database_cleanup', {})).toMatchObject({
      stopReason: 'drained',
      progress: { etaSeconds: 0 },
    });
  });

  it('the logs of all policies, and what is to be done with each', async () => {
    const policy = (name: string, directory: string) => {
      return { name, directory, naming: 'numbered' as const, maxAgeDays: 1, reopen: () => {} };
    };
    const { runs } = await start({
      logs: [
        policy('one', await files('one', ['app.log'])),
        policy('other', await files('other', ['app.log', 'app.log.1', 'app.log.2'])),
      ],
    });
    const run = await runs.run('log_rotation', { maxBatches: 1 });
    // Each log is rotated, and then all that is rotated is compressed.
    expect(run).toMatchObject({ stopReason: 'batches', progress: { batches: 1, planned: 2 + 1 + 3 } });
  });

  it('the files that it looks at, of which few go', async () => {
    const directory = await files(
      'one',
      Array.from({ length: 640 }, (_, index) => `file ${index}`),
    );
    const [young, now] = [Array.from({ length: 639 }, (_, index) => `file ${index}`), Date.now() / 1_000];
    for (const name of young) await utimes(join(directory, name), now, now);
    const { plans } = await start({
      caches: [{ name: 'one', directory, maxAgeDays: 1, ageBy: ['modification'], maxShare: 0.5 }],
    });
    const parameters = { max_batches: 5 };
    const { id, plan } = await plans.create({ maintenanceType: 'cache_cleanup', parameters });
    expect(plan.targets).toMatchObject([{ items: 1, toSee: 640 }]);
    const { progress } = await plans.apply(id);
    expect(progress?.targets).toMatchObject([{ seen: 320 }]);
    // Half of it is done, whether the one has gone or not.
    expect(progress?.etaSeconds).toBe(Math.ceil(progress?.targets[0]?.seconds ?? 0));
  });

  it('nothing of directories that are not counted, but what a plan says of them', async () => {
    const names = Array.from({ length: 80 }, (_, index) => `file ${index}`);
    const ageBy = ['modification'] as const;
    const { runs, plans } = await start({
      caches: [
        { name: 'one', directory: await files('one', names), maxAgeDays: 1, ageBy },
        { name: 'other', directory: await files('other', names), maxAgeDays: 1, ageBy },
      ],
    });
    const parameters = { max_batches: 1 };
    expect((await runs.execute({ maintenanceType: 'cache_cleanup', parameters })).progress).toMatchObject({
      ...{ planned: null, etaSeconds: null },
    });
    const { id, plan } = await plans.create({ maintenanceType: 'cache_cleanup', parameters });
    expect(plan.targets).toMatchObject([
      { items: 80 - 64, toSee: 80 - 64 },
      { items: 80, toSee: 80 },
    ]);
    expect((await plans.apply(id)).progress).toMatchObject({ batches: 1, planned: 80 - 64 + 80 });
  });
});
