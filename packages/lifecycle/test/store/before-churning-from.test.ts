import { sql } from 'kysely';
import { databaseFromUrl, migrate, type Database } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { churningMigrations } from '../../src/store/kysely/churning-migrations.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { freshSqlite } from '../support/backends.js';
import { rig, type Rig } from '../support/lifecycle.js';
import { inStep } from '../../../core/test/support/traffic.js';

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
      const [churning, left, stays] = await withRig(async (run, { kysely }) => {
        const ids = [await run.active(), await run.active(), await run.active()] as const;
        for (const id of ids.slice(0, 2)) await run.acme.customers.markChurning(id);
        await run.acme.customers.deactivate(ids[1]);
        await sql`alter table dotmac_customers drop column churning_from`.execute(kysely);
        return ids;
      });
      await withRig(async ({ acme }, database) => {
        // By themselves: what was added since stays as it is.
        await migrate(database, { module: 'churning', migrations: churningMigrations });
        const from = async (id: string) => (await acme.customers.read(id)).churningFrom;
        expect([await from(churning), await from(left), await from(stays)]).toEqual(['active', null, null]);
        for await (const line of acme.consistency.check()) expect(line).toMatchObject({ kind: 'done', checked: 3 });
        expect((await acme.customers.winBack(churning)).lifecycleStage).toBe('active');
      });
    },
  );
});
