import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { available } from '../../../../test/support/services.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { dumpOf } from '../support/dump.js';

const old = Date.now() - 60 * 86_400_000;
const dumps = { sqlite: true, postgres: available.postgresClient, mysql: available.mysqlClient };

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present || !dumps[dialect])(`a dry run on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    let directory: string;
    const execute = (text: string) => sql.raw(text).execute(database.kysely);
    beforeEach(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      directory = join(await mkdtemp(join(tmpdir(), 'dotmac-dry-')), 'archive');
      await mkdir(directory);
      for (const name of ['gone', 'moved', 'filed', 'kept'])
        for (const statement of [
          `create table ${name} (id bigint primary key, at bigint, note varchar(40))`,
          `create index ${name}_at on ${name} (at)`,
          `insert into ${name} values ${Array.from({ length: 200 }, (_, i) => `(${i}, ${i % 2 ? old + i : Date.now()}, 'it''s ${i}')`).join(', ')}`,
        ])
          await execute(statement);
      await execute('create table moved_archive (id bigint primary key, at bigint, note varchar(40))');
      await execute(
        'create table parts (id bigint primary key, gone_id bigint, foreign key (gone_id) references gone (id) on delete cascade)',
      );
      await execute('insert into parts select id, id from gone');
    });
    afterEach(async () => {
      await database.close();
      await fresh.drop();
      await rm(join(directory, '..'), { recursive: true });
    });

    it(
      'of a cleanup and of upkeep leaves the database byte for byte as it is, and no file',
      { timeout: 60_000 },
      async () => {
        const common = { database: 'main', timeColumn: 'at', retentionDays: 30, maxShare: 1 };
        const maintenance = createMaintenance({
          store: memoryMaintenanceStore(),
          databases: { main: database },
          retention: [
            { ...common, name: 'gone', table: 'gone' },
            { ...common, name: 'moved', table: 'moved', archive: { table: 'moved_archive' } },
            { ...common, name: 'filed', table: 'filed', archive: { directory } },
            { ...common, name: 'kept', table: 'kept', keepNewest: 150, where: (eb) => eb('note', 'like', 'it%') },
          ],
          upkeep: [{ name: 'main', database: 'main', apply: ['stale_statistics', 'bloated_index'] }],
          startScheduler: false,
        });
        await maintenance.start();
        const { runs, plans } = maintenance.scope({ tenantId: 'acme' });
        const before = await dumpOf(database, fresh.url);
        expect(before.length).toBeGreaterThan(10_000);
        const parameters = { dry_run: true };
        for (const maintenanceType of ['database_cleanup', 'performance_optimization'])
          expect(await runs.execute({ maintenanceType, parameters })).toMatchObject({
            status: 'completed',
            itemsCleaned: 0,
          });
        const { plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
        const planned = plan.targets.map(({ target, items }) => [target, items]);
        expect(await dumpOf(database, fresh.url)).toBe(before);
        expect(await readdir(directory)).toEqual([]);
        // And says exactly what then happens.
        const { details, itemsCleaned } = await runs.execute({ maintenanceType: 'database_cleanup', parameters: {} });
        const done = (details['policies'] as { table: string; rows: number }[]).map((it) => [
          `table:main.${it.table}`,
          it.rows,
        ]);
        expect(done).toEqual(planned);
        expect(itemsCleaned).toBe(350);
        expect(await dumpOf(database, fresh.url)).not.toBe(before);
        await maintenance.stop();
      },
    );
  });
