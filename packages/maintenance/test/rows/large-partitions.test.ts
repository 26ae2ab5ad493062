import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const dayMs = 86_400_000;

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`partitions and the budget of a run, on ${title}`, () => {
      let fresh: FreshDatabase;
      let database: Database;
      const now = Date.now();
      const bounds = [now - 90 * dayMs, now - 60 * dayMs];
      const run = (text: string) => sql.raw(text).execute(database.kysely);
      // The older has 300 rows and the later name, the younger 30.
      beforeEach(async () => {
        fresh = await createFresh();
        database = databaseFromUrl(fresh.url);
        const table = 'create table ev (id bigint, at bigint, primary key (id, at)) partition by range (at)';
        const statements = {
          postgres: [
            table,
            `create table ev_2 partition of ev for values from (minvalue) to (${bounds[0]})`,
            `create table ev_1 partition of ev for values from (${bounds[0]}) to (${bounds[1]})`,
            `create table ev_now partition of ev for values from (${bounds[1]}) to (maxvalue)`,
          ],
          mysql: [
            `${table} (partition ev_2 values less than (${bounds[0]}), partition ev_1 values less than (${bounds[1]}), partition ev_now values less than maxvalue)`,
          ],
        }[dialect];
        for (const text of statements) await run(text);
        const rows = (from: number, count: number, daysAgo: number) =>
          Array.from({ length: count }, (_, i) => `(${from + i}, ${now - daysAgo * dayMs})`);
        await run(
          `insert into ev values ${[...rows(0, 300, 100), ...rows(1_000, 30, 70), ...rows(2_000, 100, 0)].join()}`,
        );
      });
      afterEach(async () => {
        await database.close();
        await fresh.drop();
      });
      const left = async () => (await run('select id from ev')).rows.length;
      const scope = () =>
        createMaintenance({
          store: memoryMaintenanceStore(),
          throttle: [],
          databases: { main: database },
          retention: [{ name: 'ev', database: 'main', table: 'ev', timeColumn: 'at', retentionDays: 30, maxShare: 1 }],
        }).scope({ tenantId: 'acme' });
      const clean = (maxItems: number) =>
        scope().runs.execute({ maintenanceType: 'database_cleanup', parameters: { max_items: maxItems } });

      it('goes to those that fit, and both plan and run say which never will, and what keeps up', async () => {
        const request = { maintenanceType: 'database_cleanup', parameters: { max_items: 60 } };
        const { plan } = await scope().plans.create(request);
        expect(plan.targets).toMatchObject([{ items: 330, sample: ['ev_2', 'ev_1'] }]);
        const never = expect.stringContaining(
          'within a budget of 60 items drops ev_2: one of 300 items would',
        ) as string;
        const forecast = expect.stringContaining('will never converge') as string;
        expect(plan.warnings).toEqual([never, forecast]);
        const first = await clean(60);
        expect(first).toMatchObject({ status: 'completed', stopReason: 'items', itemsCleaned: 30 });
        expect(first.details['policies']).toMatchObject([
          { outcome: 'partial', left: 300, convergence: { converges: false }, warnings: [never, forecast] },
        ]);
        expect(await left()).toBe(400);
        const stuck = await clean(60);
        expect(stuck).toMatchObject({ status: 'completed', stopReason: 'items', itemsCleaned: 0 });
        expect(stuck.details['policies']).toMatchObject([{ warnings: [never, forecast] }]);
        expect(await clean(300)).toMatchObject({ stopReason: 'items', itemsCleaned: 300 });
        expect(await left()).toBe(100);
      });

      it('takes the oldest first, and ends at one that it has too little left for', async () => {
        expect(await clean(310)).toMatchObject({ status: 'completed', stopReason: 'items', itemsCleaned: 300 });
        const { details, ...rest } = await clean(310);
        expect(rest).toMatchObject({ status: 'completed', stopReason: 'drained', itemsCleaned: 30 });
        expect(details['policies']).toMatchObject([{ outcome: 'done', warnings: [] }]);
      });
    });
