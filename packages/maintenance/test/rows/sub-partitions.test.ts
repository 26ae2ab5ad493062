import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { dialects } from '../support/databases.js';

const dayMs = 86_400_000;
const now = Date.now();
const bounds = [now - 90 * dayMs, now - 60 * dayMs];

const created = {
  postgres: [
    'create table ev (id bigint, at bigint, note text, primary key (id, at)) partition by range (at)',
    `create table ev_0 partition of ev for values from (minvalue) to (${bounds[0]}) partition by hash (id)`,
    'create table ev_0_a partition of ev_0 for values with (modulus 2, remainder 0)',
    'create table ev_0_b partition of ev_0 for values with (modulus 2, remainder 1)',
    `create table ev_1 partition of ev for values from (${bounds[0]}) to (${bounds[1]})`,
    `create table ev_now partition of ev for values from (${bounds[1]}) to (maxvalue)`,
  ],
  mysql: [
    `create table ev (id bigint, at bigint, note text, primary key (id, at)) partition by range (at) subpartition by hash (id) subpartitions 2
      (partition ev_0 values less than (${bounds[0]}), partition ev_1 values less than (${bounds[1]}), partition ev_now values less than maxvalue)`,
  ],
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`partitions that have partitions of their own, on ${title}`, () => {
      it('are counted and dropped with all that is in these', async () => {
        const fresh = await createFresh();
        const database = databaseFromUrl(fresh.url);
        onTestFinished(async () => {
          await database.close();
          await fresh.drop();
        });
        const run = (text: string) => sql.raw(text).execute(database.kysely);
        for (const text of created[dialect]) await run(text);
        const note = 'x'.repeat(1_000);
        const rows = (from: number, count: number, daysAgo: number) =>
          Array.from({ length: count }, (_, i) => `(${from + i}, ${now - daysAgo * dayMs}, '${note}')`);
        await run(`insert into ev values ${[...rows(0, 300, 100), ...rows(300, 30, 70), ...rows(400, 300, 0)].join()}`);
        await run(dialect === 'mysql' ? 'analyze table ev' : 'analyze ev');
        const acme = createMaintenance({
          store: memoryMaintenanceStore(),
          throttle: [],
          databases: { main: database },
          retention: [{ name: 'ev', database: 'main', table: 'ev', timeColumn: 'at', retentionDays: 30 }],
        }).scope({ tenantId: 'acme' });
        const request = { maintenanceType: 'database_cleanup', parameters: {} };
        const { plan } = await acme.plans.create(request);
        expect(plan.targets).toMatchObject([{ items: 330, exact: true, sample: ['ev_0', 'ev_1'] }]);
        // A kilobyte a row, and pages that are begun.
        expect(plan.targets[0]?.bytes).toBeGreaterThan(330_000);
        const done = await acme.runs.execute(request);
        expect(done).toMatchObject({ status: 'completed', itemsCleaned: 330 });
        expect(done.spaceFreedMb + done.spaceEstimatedMb).toBeGreaterThan(0.33);
        expect((await run('select id from ev')).rows).toHaveLength(300);
      });
    });
