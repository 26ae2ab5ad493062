import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { builtInTasks } from '../../src/tasks/built-in.js';
import { createMaintenance, kyselyMaintenanceStore, type MaintenanceModule } from '../../src/index.js';
import { logFolder, type LogFolder } from '../support/logs.js';
import { startNpmProject, type NpmProject } from '../support/npm-project.js';

const old = Date.now() - 100 * 86_400_000;

// What runs apply is looked at anew, by parameters that differ in `dry_run` alone.
describe('a plan of', () => {
  let folder: LogFolder;
  let database: Database;
  let project: NpmProject;
  let maintenance: MaintenanceModule;
  const told: string[] = [];

  beforeAll(async () => {
    folder = await logFolder();
    const at = (name: string) => join(folder.directory, name);
    for (const name of ['logs', 'cache', 'uploads', 'backups', 'npm']) await mkdir(at(name), { mode: 0o700 });
    for (const name of ['logs/app.log', 'logs/app.log.1', 'cache/a', 'uploads/b']) {
      await writeFile(at(name), name.repeat(100));
      await utimes(at(name), old / 1_000, old / 1_000);
    }
    database = sqlite(at('app.db'));
    await sql`create table sessions (id integer primary key, at integer)`.execute(database.kysely);
    await sql`create index sessions_at on sessions (at)`.execute(database.kysely);
    await sql`insert into sessions values (1, ${old}), (2, ${Date.now()})`.execute(database.kysely);
    project = await startNpmProject(at('npm'), { versions: { left: ['1.0.0', '1.0.1'] }, faulty: {} });
    const ageBy = ['modification'] as const;
    maintenance = createMaintenance({
      store: kyselyMaintenanceStore(database),
      databases: { main: database },
      retention: [{ name: 'sessions', database: 'main', table: 'sessions', timeColumn: 'at', retentionDays: 30 }],
      upkeep: [{ name: 'main', database: 'main', apply: ['stale_statistics'] }],
      logs: [
        { name: 'app', directory: at('logs'), naming: 'numbered', retentionDays: 30, maxAgeDays: 1, reopen: () => {} },
      ],
      caches: [
        { name: 'pages', directory: at('cache'), maxAgeDays: 1, ageBy },
        { name: 'lru', memory: () => ({ size: 3, purgeStale: () => true, clear: () => undefined }) },
      ],
      directories: [{ name: 'uploads', directory: at('uploads'), maxAgeDays: 1, ageBy }],
      backups: [{ name: 'app', url: `sqlite:${at('app.db')}`, directory: at('backups'), keep: { last: 2 } }],
      updates: [{ name: 'project', manager: 'npm', directory: project.directory }],
      digests: [{ name: 'told', send: ({ text }) => Promise.resolve(void told.push(text)) }],
      startScheduler: false,
    });
    await maintenance.start();
  }, 120_000);
  afterAll(async () => {
    await maintenance.stop();
    await database.close();
    await project.stop();
    await folder.remove();
  });

  it.each([...builtInTasks.map(({ type }) => type), 'maintenance_digest'])(
    '%s says how long it takes, and can be applied while nothing has changed',
    async (maintenanceType) => {
      const { plans } = maintenance.scope({ tenantId: 'acme' });
      const { id, plan } = await plans.create({ maintenanceType, parameters: {} });
      expect(plan.targets).not.toEqual([]);
      for (const { estimatedMs, estimatedFrom } of plan.targets)
        expect([estimatedMs, estimatedFrom]).toEqual([expect.any(Number), 'default_rate']);
      expect(await plans.apply(id)).toMatchObject({ status: 'completed', errorMessage: null });
    },
    60_000,
  );
});
