import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const dayMs = 86_400_000;
const request = { maintenanceType: 'database_cleanup', parameters: {} };

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect === 'mysql')
    describe.skipIf(!present)(`the last partition of a table, on ${title}`, () => {
      let fresh: FreshDatabase;
      let database: Database;
      const now = Date.now();
      const bounds = [now - 90 * dayMs, now - 60 * dayMs];
      const run = (text: string) => sql.raw(text).execute(database.kysely);
      beforeEach(async () => {
        fresh = await createFresh();
        database = databaseFromUrl(fresh.url);
      });
      afterEach(async () => {
        await database.close();
        await fresh.drop();
      });
      const create = async (more = '') => {
        const parts = bounds.map((bound, index) => `partition p${index} values less than (${bound})`);
        await run(`create table ev (id bigint, at bigint, primary key (id, at)) partition by range (at) ${more}
          (${parts.join()})`);
        const at = [100, 95, 70].map((daysAgo, id) => `(${id}, ${now - daysAgo * dayMs})`);
        await run(`insert into ev values ${at.join()}`);
      };
      const acme = () =>
        createMaintenance({
          store: memoryMaintenanceStore(),
          throttle: [],
          databases: { main: database },
          retention: [{ name: 'ev', database: 'main', table: 'ev', timeColumn: 'at', retentionDays: 30 }],
        }).scope({ tenantId: 'acme' });
      const partitions = async () => {
        const { rows } = await sql<{ name: string; n: number }>`
          select distinct partition_name as name from information_schema.partitions
          where table_schema = database() and table_name = 'ev' order by 1`.execute(database.kysely);
        return rows.map(({ name }) => name);
      };
      const stays = expect.stringContaining('p1 is emptied and stays: the table cannot be without any') as string;

      it.each(['', 'subpartition by hash (id) subpartitions 2'])(
        'is emptied and stays, which plan and run say: %s',
        async (more) => {
          await create(more);
          const { plan } = await acme().plans.create(request);
          expect(plan).toMatchObject({ targets: [{ items: 3, sample: ['p0', 'p1'] }], warnings: [stays] });
          const done = await acme().runs.execute(request);
          expect(done).toMatchObject({ status: 'completed', itemsCleaned: 3 });
          expect(done.details['policies']).toMatchObject([{ outcome: 'done', warnings: [stays] }]);
          expect([await partitions(), (await run('select id from ev')).rows]).toEqual([['p1'], []]);
          // An empty one is nothing to be done.
          expect((await acme().plans.create(request)).plan).toMatchObject({ targets: [{ items: 0 }], warnings: [] });
          expect(await acme().runs.execute(request)).toMatchObject({ status: 'completed', itemsCleaned: 0 });
          // It goes when another has come.
          await run(`alter table ev add partition (partition p2 values less than maxvalue)`);
          await acme().runs.execute(request);
          expect(await partitions()).toEqual(['p2']);
        },
      );
    });
