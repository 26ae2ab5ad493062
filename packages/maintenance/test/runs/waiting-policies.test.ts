import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';
import type { RunService } from '../../src/runs/service.js';
import { logFolder, type LogFolder } from '../support/logs.js';

const dayMs = 86_400_000;
const old = (Date.now() - 100 * dayMs) / 1_000;

const started = (options: Omit<MaintenanceOptions, 'store'>) => {
  const { runs } = createMaintenance({
    store: memoryMaintenanceStore(),
    throttle: [],
    unaskedItems: 20,
    ...options,
  }).scope({ tenantId: 'acme' });
  return { runs, confirmed: (id: string) => confirmed(runs, id) };
};
const confirmed = async (runs: RunService, id: string) => {
  const { taskId } = await runs.confirm(id);
  await expect.poll(async () => (await runs.get(taskId)).status).not.toBe('running');
  return runs.get(taskId);
};

describe('tables of which more would go than may go unasked', () => {
  let database: Database;
  beforeEach(() => void (database = sqlite(':memory:')));
  afterEach(() => database.close());
  const tables = async (counts: Record<string, number>) => {
    for (const [table, count] of Object.entries(counts)) {
      await sql`create table ${sql.id(table)} (id integer primary key, at bigint)`.execute(database.kysely);
      await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})
        insert into ${sql.id(table)} select i, 0 from n`.execute(database.kysely);
    }
    const policy = { database: 'main', timeColumn: 'at', retentionDays: 30, allowFullScan: true };
    return started({
      databases: { main: database },
      retention: Object.keys(counts).map((table) => ({ ...policy, name: table, table })),
    });
  };
  const outcomes = ({ details }: { details: Record<string, unknown> }) =>
    (details['policies'] as { policy: string; outcome: string; rows: number }[]).map(
      ({ policy, outcome, rows }) => `${policy} ${outcome} ${rows}`,
    );
  const asks = (table: string, items: number) => ({ target: `table:main.${table}`, planned: items, total: items });

  it('wait, and the others have their turn', async () => {
    const { runs, confirmed } = await tables({ a: 10, b: 100, c: 20 });
    const asked = await runs.run('database_cleanup', {});
    expect(asked).toMatchObject({ status: 'needs_confirmation', stopReason: 'unconfirmed', itemsCleaned: 30 });
    expect(outcomes(asked)).toEqual(['a done 10', 'b unconfirmed 0', 'c done 20']);
    expect(asked.details['asked']).toEqual([asks('b', 100)]);
    expect(asked.errorMessage).toBe(
      '100 of 100 items of table:main.b would go, which is more than may go unasked. ' +
        `If that is intended: POST /infrastructure-maintenance/runs/${asked.taskId}/confirm.`,
    );
    expect(asked.progress).toMatchObject({ planned: 30, etaSeconds: 0 });
    const { log } = await runs.get(asked.taskId);
    expect(log.map(({ message }) => message)).toContainEqual(expect.stringMatching(/^b: waits for a confirmation\. /));
    expect(await confirmed(asked.taskId)).toMatchObject({
      status: 'completed',
      itemsCleaned: 100,
      details: { policies: [{}, { outcome: 'done', rows: 100 }, {}] },
    });
  });

  it('are confirmed together', async () => {
    const { runs, confirmed } = await tables({ a: 100, b: 10, c: 200, d: 300 });
    const asked = await runs.run('database_cleanup', {});
    expect(asked.details['asked']).toEqual([asks('a', 100), asks('c', 200), asks('d', 300)]);
    expect(asked.errorMessage).toMatch(/table:main\.a .* 2 more targets wait, too\. If .*\/runs\/\S+\/confirm\.$/);
    expect(asked.errorMessage).toContain(`/runs/${asked.taskId}/confirm.`);
    expect(await confirmed(asked.taskId)).toMatchObject({ status: 'completed', itemsCleaned: 600 });
  });

  it('wait beside a budget that is used up', async () => {
    const { runs, confirmed } = await tables({ a: 100, b: 10, c: 200 });
    const asked = await runs.run('database_cleanup', { maxItems: 10 });
    expect(asked).toMatchObject({ status: 'needs_confirmation', itemsCleaned: 10 });
    expect(outcomes(asked)).toEqual(['a unconfirmed 0', 'b done 10']);
    expect(await confirmed(asked.taskId)).toMatchObject({ stopReason: 'items', itemsCleaned: 10 });
  });

  it('wait beside one that fails: the run has failed, and can be confirmed', async () => {
    const { runs, confirmed } = await tables({ a: 100, b: 10, c: 5 });
    await sql`create trigger kept before delete on b begin select raise(abort, 'not mine'); end`.execute(
      database.kysely,
    );
    const asked = await runs.run('database_cleanup', {});
    expect(asked).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('work on b') as string });
    expect(await runs.get(asked.taskId)).toMatchObject({ details: { asked: [asks('a', 100)] } });
    expect(outcomes(asked)).toEqual(['a unconfirmed 0', 'b failed 0', 'c done 5']);
    await sql`drop trigger kept`.execute(database.kysely);
    expect(await confirmed(asked.taskId)).toMatchObject({ status: 'completed', itemsCleaned: 110 });
  });

  it('ask anew in a run that only resumes: nobody has confirmed them', async () => {
    const { runs, confirmed } = await tables({ a: 100, b: 10, c: 200 });
    await sql`create trigger kept before delete on b begin select raise(abort, 'not mine'); end`.execute(
      database.kysely,
    );
    const first = await runs.run('database_cleanup', { policies: ['a', 'b'] });
    const second = await confirmed(first.taskId);
    expect(second).toMatchObject({ status: 'failed', itemsCleaned: 100 });
    await sql`insert into a select id, 0 from c`.execute(database.kysely);
    const { taskId } = await runs.resume(second.taskId);
    await expect.poll(async () => (await runs.get(taskId)).status).toBe('failed');
    // What was done of it was confirmed, and is over.
    expect((await runs.get(taskId)).itemsCleaned).toBe(0);

    const third = await runs.run('database_cleanup', {});
    expect(third).toMatchObject({ status: 'failed', details: { asked: [asks('a', 200), asks('c', 200)] } });
    const resumed = await runs.resume(third.taskId);
    await expect.poll(async () => (await runs.get(resumed.taskId)).status).toBe('failed');
    expect(await runs.get(resumed.taskId)).toMatchObject({
      itemsCleaned: 0,
      details: { asked: [asks('a', 200), asks('c', 200)] },
    });
  });
});

describe('files of which more would go than may go unasked', () => {
  let folder: LogFolder;
  beforeEach(async () => void (folder = await logFolder()));
  afterEach(() => folder.remove());
  const oldFiles = async (name: string, count: number, nameOf = (index: number) => `file-${index}`) => {
    const directory = folder.at(name);
    await mkdir(directory, { mode: 0o700 });
    for (let i = 0; i < count; i++) {
      const path = join(directory, nameOf(i));
      await writeFile(path, 'x');
      await utimes(path, old, old);
    }
    return directory;
  };
  const left = async (name: string) => (await readdir(folder.at(name))).length;

  it('wait, and other directories have their turn', async () => {
    const directories = [];
    for (const [name, count] of [['a', 5] as const, ['b', 100] as const, ['c', 5] as const])
      directories.push({
        name,
        directory: await oldFiles(name, count),
        maxAgeDays: 30,
        ageBy: ['modification' as const],
      });
    const { runs, confirmed } = started({ directories });
    const asked = await runs.run('disk_cleanup', {});
    expect(asked).toMatchObject({
      status: 'needs_confirmation',
      itemsCleaned: 10,
      details: {
        policies: [{ outcome: 'done' }, { outcome: 'unconfirmed', removed: 0 }, { outcome: 'done' }],
        asked: [{ target: 'directory:b', planned: 100, total: 100 }],
      },
    });
    expect([await left('a'), await left('b'), await left('c')]).toEqual([0, 100, 0]);
    expect(await confirmed(asked.taskId)).toMatchObject({ status: 'completed', itemsCleaned: 100 });
    expect(await left('b')).toBe(0);
  });

  const logs = (name: string, more: object = {}) => ({
    ...{ name, directory: folder.at(name), naming: 'numbered' as const, maxAgeDays: 36_500, retentionDays: 30 },
    ...more,
  });
  const rotated = (index: number): string => `app.log.${index + 1}`;

  it('wait, and other parts and logs have their turn', async () => {
    await oldFiles('a', 40, rotated);
    await oldFiles('b', 5, rotated);
    await writeFile(join(folder.at('a'), 'app.log'), 'x'.repeat(2_000_000));
    const { runs, confirmed } = started({ logs: [logs('a', { maxSizeMb: 1 }), logs('b')] });
    const asked = await runs.run('log_rotation', {});
    expect(asked).toMatchObject({
      status: 'needs_confirmation',
      details: {
        policies: [
          { policy: 'a', outcome: 'unconfirmed', rotated: 1, deleted: 0 },
          { policy: 'b', outcome: 'done', deleted: 5 },
        ],
        asked: [{ target: 'logs:a:expire', planned: 40, total: 41 }],
      },
    });
    expect((asked.details['policies'] as { compressed: number }[])[0]?.compressed).toBeGreaterThan(0);
    expect(await confirmed(asked.taskId)).toMatchObject({
      status: 'completed',
      details: {
        policies: [
          { outcome: 'done', deleted: 40 },
          { outcome: 'done', deleted: 0 },
        ],
      },
    });
    expect([await left('a'), await left('b')]).toEqual([1, 0]);
  });

  it('a directory of logs that is not safe keeps no other from its turn', async () => {
    await oldFiles('a', 5, rotated);
    await oldFiles('b', 5, rotated);
    const { runs } = started({ logs: [logs('a', { owners: [] }), logs('b')] });
    await (await import('node:fs/promises')).chmod(folder.at('a'), 0o777);
    const run = await runs.run('log_rotation', {});
    expect(run).toMatchObject({
      status: 'failed',
      details: {
        policies: [
          { policy: 'a', outcome: 'failed' },
          { policy: 'b', outcome: 'done', deleted: 5 },
        ],
      },
    });
    expect((await runs.get(run.taskId)).errorMessage).toMatch(/policy a is not touched/);
    expect([await left('a'), await left('b')]).toEqual([5, 0]);
  });
});
