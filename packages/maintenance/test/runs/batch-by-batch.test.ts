import { readdir } from 'node:fs/promises';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceModule } from '../../src/index.js';
import { logFolder, type LogFolder } from '../support/logs.js';
import { startNpmProject, type NpmProject } from '../support/npm-project.js';

const day = 86_400_000;
const old = Date.now() - 100 * day;
let folder: LogFolder;
let database: Database;
let project: NpmProject;
let maintenance: MaintenanceModule;
const at = (name: string): string => join(folder.directory, name);

beforeEach(async () => {
  folder = await logFolder();
  for (const name of ['logs', 'cache', 'uploads', 'kept', 'kept-too', 'npm']) await mkdir(at(name), { mode: 0o700 });
  const files = [
    'logs/app.log',
    'logs/web.log',
    'logs/app.log.1',
    'logs/app.log.2',
    'logs/app.log.3',
    'cache/a',
    'uploads/b',
  ];
  for (const [age, name] of files.entries()) {
    await writeFile(at(name), name.repeat(100));
    await utimes(at(name), old / 1_000 - age, old / 1_000 - age);
  }
  database = sqlite(at('app.db'));
  await sql`create table sessions (id integer primary key, at integer)`.execute(database.kysely);
  await sql`create index sessions_at on sessions (at)`.execute(database.kysely);
  for (let id = 1; id <= 900; id++) await sql`insert into sessions values (${id}, ${old})`.execute(database.kysely);
  await sql`create table users (id integer primary key, at integer)`.execute(database.kysely);
  await sql`create index users_at on users (at)`.execute(database.kysely);
  await sql`insert into users values (1, ${Date.now()})`.execute(database.kysely);
  project = await startNpmProject(at('npm'), { versions: { left: ['1.0.0', '1.0.1'] }, faulty: {} });
  const ageBy = ['modification'] as const;
  maintenance = createMaintenance({
    store: memoryMaintenanceStore(),
    databases: { main: database },
    retention: ['sessions', 'users'].map((table) => ({
      name: table,
      database: 'main',
      table,
      timeColumn: 'at',
      retentionDays: 30,
    })),
    backups: ['kept', 'kept-too'].map((name) => ({
      name,
      url: `sqlite:${at('app.db')}`,
      directory: at(name),
      keep: { last: 1 },
    })),
    updates: ['shop', 'shop-too'].map((name) => ({ name, manager: 'npm', directory: project.directory })),
    logs: [{ name: 'app', directory: at('logs'), naming: 'numbered', keepFiles: 3, maxAgeDays: 1, reopen: () => {} }],
    caches: [{ name: 'pages', directory: at('cache'), maxAgeDays: 1, ageBy }],
    directories: [{ name: 'uploads', directory: at('uploads'), maxAgeDays: 1, ageBy }],
    startScheduler: false,
  });
  await maintenance.start();
});
afterEach(async () => {
  await maintenance.stop();
  await database.close();
  await project.stop();
  await folder.remove();
});

/** What stopped runs can be told by: where the next one goes on, and that each did one batch alone. */
type Rounds = [maintenanceType: string, left: () => Promise<unknown>, expected: unknown, parameters?: object];

const analysed = async (): Promise<string[]> => {
  const { rows } = await sql<{ idx: string }>`select idx from sqlite_stat1 order by idx`.execute(database.kysely);
  return rows.map(({ idx }) => idx);
};
const backups = async (): Promise<string[]> => {
  const { items } = await maintenance.scope({ tenantId: 'acme' }).backups.list({});
  return items.map(({ policy, state }) => `${policy}: ${state}`).sort();
};

it.each<Rounds>([
  ['database_cleanup', async () => (await sql`select 1 from sessions`.execute(database.kysely)).rows.length, 0],
  [
    'log_rotation',
    async () => (await readdir(at('logs'))).filter((name) => !name.startsWith('.')).sort(),
    ['app.log.1.gz', 'app.log.2.gz', 'app.log.3.gz', 'web.log.1.gz'],
  ],
  ['cache_cleanup', () => readdir(at('cache')), []],
  ['disk_cleanup', () => readdir(at('uploads')), []],
  ['backup_management', backups, ['kept-too: verified', 'kept: verified']],
  [
    'performance_optimization',
    analysed,
    ['sessions_at', 'users_at'],
    { update_statistics: true, optimize_indexes: true },
  ],
  ['security_updates', () => project.versionOf('left'), '1.0.0'],
])(
  '%s of one batch a run gets done, however many runs that takes',
  async (maintenanceType, left, expected, parameters = {}) => {
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    let run = await runs.execute({ maintenanceType, parameters: { ...parameters, max_batches: 1 } });
    let rounds = 1;
    for (; run.resumable && rounds < 30; rounds++) {
      expect(run).toMatchObject({ stopReason: 'batches', progress: { batches: 1 } });
      const { taskId } = await runs.resume(run.taskId);
      await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 60_000 }).not.toBe('running');
      run = await runs.get(taskId);
      expect(run).toMatchObject({ status: 'completed', errorMessage: null });
    }
    expect(await left()).toEqual(expected);
    expect(rounds).toBeGreaterThan(1);
    expect(rounds).toBeLessThan(30);
  },
  120_000,
);

it.each([
  ['batches', { max_batches: 1 }],
  ['items', { max_items: 1 }],
])(
  'verify, limited to one of %s a run, tries every backup once, however many runs that takes',
  async (reason, limit) => {
    const { runs, backups: kept } = maintenance.scope({ tenantId: 'acme' });
    await runs.run('backup_management', { prune: false });
    await runs.run('backup_management', { prune: false });
    const before = new Map((await kept.list({})).items.map(({ id, verifiedAt }) => [id, verifiedAt ?? 0]));
    let run = await runs.execute({
      maintenanceType: 'backup_management',
      parameters: { action: 'verify', ...limit },
    });
    let rounds = 1;
    for (; run.resumable && rounds < 30; rounds++) {
      expect(run).toMatchObject({ stopReason: reason, progress: { batches: 1 } });
      const { taskId } = await runs.resume(run.taskId);
      await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 60_000 }).not.toBe('running');
      run = await runs.get(taskId);
    }
    // The last batch may use up the budget: then one more run finds that nothing is left.
    expect(rounds).toBeGreaterThanOrEqual(4);
    expect(rounds).toBeLessThanOrEqual(5);
    const { items } = await kept.list({});
    expect(items).toHaveLength(4);
    for (const { id, verifiedAt } of items) expect(verifiedAt).toBeGreaterThan(before.get(id) ?? Infinity);
  },
  120_000,
);
