import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import {
  createMaintenance,
  memoryMaintenanceStore,
  type MaintenanceOptions,
  type RetentionPolicy,
} from '../../src/index.js';
import { resourceKey } from '../../src/runs/lease-keys.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const old = Date.now() - 60 * 86_400_000;

/** Something that one side waits for and the other gives. */
function signal() {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`a table that two tasks want at once, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    let schema: string;
    const run = (statement: string) => sql.raw(statement).execute(database.kysely);

    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      await run('create table events (id bigint primary key, at bigint)');
      await run('create index events_at on events (at)');
      const ask = {
        sqlite: `select 'main' as s`,
        postgres: 'select current_schema() as s',
        mysql: 'select database() as s',
      };
      const { rows } = await sql.raw<{ s: string }>(ask[dialect]).execute(database.kysely);
      schema = rows[0]?.s ?? '';
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    const policy = (name: string, more: Partial<RetentionPolicy> = {}): RetentionPolicy => ({
      ...{ name, database: 'main', table: 'events', timeColumn: 'at', retentionDays: 30, maxShare: 1 },
      ...more,
    });

    const start = async (more: Partial<MaintenanceOptions>, tenantId = 'acme') => {
      const maintenance = createMaintenance({
        store: memoryMaintenanceStore(),
        databases: { main: database },
        throttle: [],
        startScheduler: false,
        ...more,
      });
      await maintenance.start();
      onTestFinished(() => maintenance.stop());
      return maintenance.scope({ tenantId });
    };

    it.each(['without', 'within'])(
      'is had by the one that cleans it, under a policy %s its schema, and by no other',
      { timeout: 60_000 },
      async (holder) => {
        await run('delete from events');
        await run(`insert into events values (1, ${old}), (2, ${old})`);
        const store = memoryMaintenanceStore();
        const retention = [policy('without'), policy('within', { schema })];
        const upkeep = [{ name: 'upkeep', database: 'main', apply: [] }];
        // The first holds the table, and does nothing with it until it is let go on.
        const [reached, gate] = [signal(), signal()];
        const acquire: typeof store.leases.acquire = async (key, ...asked) => {
          const lease = await store.leases.acquire(key, ...asked);
          if (key !== resourceKey('table:main.events', '')) return lease;
          reached.give();
          await gate.given;
          return lease;
        };
        const slow = { ...store, leases: { ...store.leases, acquire } };
        const first = await start({ store: slow, retention, leaseTtlMs: 120_000 });
        const second = await start({ store, retention, upkeep }, 'other');
        const cleaning = { maintenanceType: 'database_cleanup', parameters: { policies: [holder] } };
        const cleaned = first.runs.execute(cleaning);
        await reached.given;
        const analyze = { maintenanceType: 'performance_optimization', parameters: {} };
        const analyzed = async () => (await second.runs.execute(analyze)).details;
        expect(await analyzed()).toMatchObject({ databases: [{ tables_busy: ['events'], tables_analyzed: 0 }] });
        for (const name of ['without', 'within']) {
          const { status, details } = await second.runs.execute({ ...cleaning, parameters: { policies: [name] } });
          expect({ status, details }).toMatchObject({
            status: 'skipped',
            details: { policies: [{ outcome: 'busy' }] },
          });
        }
        gate.give();
        expect(await cleaned).toMatchObject({ status: 'completed', itemsCleaned: 2 });
        expect(await analyzed()).toMatchObject({ databases: [{ tables_busy: [], tables_analyzed: 1 }] });
      },
    );

    it('is not its own archive, however that is written', async () => {
      for (const [given, archive] of [
        [undefined, { table: 'events', schema }],
        [schema, { table: 'events' }],
      ] as const) {
        const { plans } = await start({ retention: [policy('events', { schema: given, archive })] });
        await expect(plans.create({ maintenanceType: 'database_cleanup', parameters: {} })).rejects.toMatchObject({
          details: { reason: expect.stringContaining('its archive is the table itself') },
        });
      }
    });
  });
