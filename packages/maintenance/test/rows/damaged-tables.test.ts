import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

it('a table in a damaged file of SQLite keeps no other from its turn, and the plan and the run tell of it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-damaged-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'torn.db');
  const torn = new Sqlite(file);
  torn.exec('create table b (id integer primary key, at bigint, note text)');
  const insert = torn.prepare('insert into b values (?, 0, ?)');
  torn.transaction(() => {
    for (let id = 1; id <= 200; id++) insert.run(id, 'x'.repeat(400));
  })();
  torn.close();
  const bytes = await readFile(file);
  // All but the page with the schema.
  await writeFile(file, bytes.fill(0xff, 4_096));

  const database = databaseFromUrl(`sqlite:${join(directory, 'main.db')}`);
  onTestFinished(() => database.close());
  const run = (text: string) => sql.raw(text).execute(database.kysely);
  await run(`attach '${file}' as torn`);
  for (const table of ['a', 'c']) {
    await run(`create table ${table} (id integer primary key, at bigint)`);
    await run(`insert into ${table} values (1, 0), (2, 0)`);
  }
  const policy = (table: string) => ({ name: table, table, database: 'main', timeColumn: 'at', retentionDays: 30 });
  const { runs, plans } = createMaintenance({
    store: memoryMaintenanceStore(),
    throttle: [],
    databases: { main: database },
    retention: [policy('a'), { ...policy('b'), schema: 'torn' }, policy('c')].map((it) => ({
      ...it,
      allowFullScan: true,
    })),
  }).scope({ tenantId: 'acme' });
  const request = { maintenanceType: 'database_cleanup', parameters: {} };
  const reason = 'The database refused the work on torn.b: its file is damaged.';

  const { plan } = await plans.create(request);
  expect(plan.targets.map(({ target }) => target)).toEqual(['table:main.a', 'table:main.c']);
  expect(plan.warnings).toEqual([`b: ${reason}`]);
  const done = await runs.execute(request);
  expect(done).toMatchObject({ status: 'failed', itemsCleaned: 4, errorMessage: reason });
});
