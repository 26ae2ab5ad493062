import { sql } from 'kysely';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { freshSqlite } from '../support/backends.js';
import { rig, type Rig } from '../support/lifecycle.js';
import { inStep } from '../support/traffic.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];

describe.each(databases)('customers of a version that did not keep what they churn from, on $title', (each) => {
  it.skipIf(!each.present)(
    'churn from active, as their history says, and are active when they are won back',
    async () => {
      const { url, drop } = await each.fresh();
      onTestFinished(() => drop());
      const clock = fakeClock();
      /** On connections of its own: what one has prepared does not see a table change. */
      const withRig = async <Result>(work: (run: Rig, database: Database) => Promise<Result>): Promise<Result> => {
        const database = databaseFromUrl(url);
        const backend = inStep(kyselyLifecycleStore(database, { clock }), clock);
        await backend.store.migrate();
        const run = await rig({ ...backend, close: () => database.close() });
        try {
          return await work(run, database);
        } finally {
          await run.stop();
          await database.close();
        }
      };
      const [churning, left, stays] = await withRig(async (run, { kysely, dialect }) => {
        const ids = [await run.active(), await run.active(), await run.active()] as const;
        for (const id of ids.slice(0, 2)) await run.acme.customers.markChurning(id);
        await run.acme.customers.deactivate(ids[1]);
        await sql`alter table dotmac_customers drop column churning_from`.execute(kysely);
        const of = dialect === 'mysql' ? sql`on dotmac_verification_quotas` : sql``;
        await sql`drop index dotmac_verification_quotas_window ${of}`.execute(kysely);
        for (const column of ['erased_filter', 'erased_input', 'erased_by'])
          await sql`alter table dotmac_bulk_operations drop column ${sql.ref(column)}`.execute(kysely);
        await sql`create index dotmac_service_runs_status on dotmac_service_runs (tenant_id, status)`.execute(kysely);
        await sql`delete from dotmac_lifecycle_migrations where name >= '0044'`.execute(kysely);
        return ids;
      });
      await withRig(async ({ acme }) => {
        const from = async (id: string) => (await acme.customers.read(id)).churningFrom;
        expect([await from(churning), await from(left), await from(stays)]).toEqual(['active', null, null]);
        for await (const line of acme.consistency.check()) expect(line).toMatchObject({ kind: 'done', checked: 3 });
        expect((await acme.customers.winBack(churning)).lifecycleStage).toBe('active');
      });
    },
  );
});
