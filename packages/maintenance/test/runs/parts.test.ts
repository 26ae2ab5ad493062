import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import {
  createMaintenance,
  kyselyMaintenanceStore,
  memoryMaintenanceStore,
  type MaintenanceOptions,
} from '../../src/index.js';

const dayMs = 86_400_000;
const start = (options: Partial<MaintenanceOptions>) =>
  createMaintenance({ store: memoryMaintenanceStore(), ...options }).scope({ tenantId: 'acme' }).runs;

/** Directories of files that nobody has used for a hundred days. */
async function oldFiles(...counts: number[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-parts-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const when = new Date(Date.now() - 100 * dayMs);
  return Promise.all(
    counts.map(async (count) => {
      const directory = await mkdtemp(join(folder, 'd'));
      for (let i = 0; i < count; i++) {
        await writeFile(join(directory, String(i)), 'x'.repeat(100));
        await utimes(join(directory, String(i)), when, when);
      }
      return directory;
    }),
  );
}

describe('a budget', () => {
  it('that is used up by one table leaves the next alone', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    for (const [table, count] of [['a', 100] as const, ['b', 900] as const]) {
      await sql`create table ${sql.id(table)} (id integer primary key, at bigint)`.execute(database.kysely);
      await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
        insert into ${sql.id(table)} select i, 0 from n`.execute(database.kysely);
    }
    const policy = { database: 'main', timeColumn: 'at', retentionDays: 30, allowFullScan: true, maxShare: 1 };
    const runs = start({
      store: kyselyMaintenanceStore(database),
      databases: { main: database },
      retention: [
        { ...policy, name: 'a', table: 'a' },
        { ...policy, name: 'b', table: 'b' },
      ],
    });
    await kyselyMaintenanceStore(database).migrate();
    const first = await runs.run('database_cleanup', { vacuumAnalyze: false, maxItems: 100 });
    expect(first).toMatchObject({ itemsCleaned: 100, stopReason: 'items', details: { policies: [{ policy: 'a' }] } });
    const { rows } = await sql<{ n: number }>`select count(*) as n from b`.execute(database.kysely);
    expect(rows).toEqual([{ n: 900 }]);
  });

  it('that is used up in one directory leaves the next alone, and one that was not finished says so', async () => {
    const [first = '', second = '', third = ''] = await oldFiles(10, 200, 10);
    const policy = { maxAgeDays: 30, maxShare: 1 };
    const runs = start({
      directories: [
        { ...policy, name: 'first', directory: first },
        { ...policy, name: 'second', directory: second },
        { ...policy, name: 'third', directory: third },
      ],
    });
    const run = await runs.run('disk_cleanup', { maxItems: 50 });
    expect(run).toMatchObject({
      itemsCleaned: 50,
      stopReason: 'items',
      details: {
        policies: [
          { policy: 'first', outcome: 'done', removed: 10 },
          { policy: 'second', outcome: 'partial', removed: 40 },
        ],
      },
    });
    expect((await readdir(third)).length).toBe(10);
  });
});

describe('a run that is cancelled', () => {
  it('finishes the archive of what has gone, and tells of it', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const [directory = ''] = await oldFiles(0);
    await sql`create table a (id integer primary key, at bigint)`.execute(database.kysely);
    await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)
      insert into a select i, 0 from n`.execute(database.kysely);
    const store = kyselyMaintenanceStore(database);
    await store.migrate();
    const jobs = async () => (await readdir(directory)).length;
    // By the clock a reading takes so long that it is old by the next batch, however fast the machine is.
    let readings = 0;
    const runs = start({
      store,
      databases: { main: database },
      clock: { ...systemClock, monotonic: () => systemClock.monotonic() + readings * 500 },
      throttle: [{ name: 'busy', unit: 'jobs', pauseAt: 1, read: () => ((readings += 1), jobs()) }],
      retention: [
        {
          ...{ name: 'a', database: 'main', table: 'a', timeColumn: 'at', retentionDays: 30 },
          ...{ allowFullScan: true, maxShare: 1, archive: { directory } },
        },
      ],
    });
    const { taskId } = await runs.beginRun('database_cleanup', {});
    await expect.poll(async () => (await runs.get(taskId)).progress?.state).toBe('paused');
    await runs.cancel(taskId);
    await expect.poll(async () => (await runs.get(taskId)).status).toBe('cancelled');
    const { itemsCleaned, details } = await runs.get(taskId);
    const { rows } = await sql<{ n: number }>`select count(*) as n from a`.execute(database.kysely);
    expect([itemsCleaned > 0, rows[0]?.n]).toEqual([true, 100_000 - itemsCleaned]);
    const [archive = '', sum] = (await readdir(directory)).sort();
    expect(sum).toBe(`${archive}.sha256`);
    expect(details).toMatchObject({ policies: [{ outcome: 'partial', rows: itemsCleaned, archived_to: archive }] });
    const lines = gunzipSync(await readFile(join(directory, archive)))
      .toString()
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(itemsCleaned);
  });
});

describe('a part that fails', () => {
  let directories: string[];
  beforeEach(async () => void (directories = await oldFiles(10, 10)));

  it('keeps no other from its turn, and what these did is told and counted', async () => {
    const [good = '', alsoGood = ''] = directories;
    const policy = { maxAgeDays: 30, maxShare: 1 };
    const broken = join(good, '0');
    const runs = start({
      directories: [
        { ...policy, name: 'none', directory: broken },
        { ...policy, name: 'good', directory: alsoGood },
      ],
    });
    const run = await runs.run('disk_cleanup', {});
    expect(run).toMatchObject({
      status: 'failed',
      stopReason: 'error',
      itemsCleaned: 10,
      details: {
        policies: [
          { policy: 'none', outcome: 'failed' },
          { policy: 'good', outcome: 'done', removed: 10 },
        ],
      },
    });
    expect(run.spaceFreedMb).toBeGreaterThan(0);
    expect(run.errorMessage).toContain('none');
  });

  it('of a rotation does not hide what was rotated', async () => {
    const [directory = ''] = directories;
    await writeFile(join(directory, 'app.log'), 'x'.repeat(100));
    const after = () => Promise.reject(new Error('the hook is broken'));
    const runs = start({
      logs: [{ name: 'app', directory, files: ['app.log'], hooks: { after }, compress: false } as never],
    });
    const run = await runs.run('log_rotation', { maxSizeMb: 0.000_001, maxAgeDays: 0 });
    expect(run).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('All was done but for one fault') as string,
      details: { policies: [{ policy: 'app', rotated: 1 }] },
    });
  });
});
