import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl, sqlite, type Database } from '@dotmac/core/kysely';
import {
  createMaintenance,
  kyselyMaintenanceStore,
  memoryMaintenanceStore,
  type MaintenanceStore,
} from '../../src/index.js';
import { dialects } from '../support/databases.js';

describe('what a held-up run is kept from deleting by', () => {
  let [database, other]: Database[] = [];
  beforeAll(async () => {
    [database, other] = [sqlite(':memory:'), sqlite(':memory:')];
    await sql`create table sessions (id integer primary key, at bigint)`.execute((database as Database).kysely);
    await sql`create index sessions_at on sessions (at)`.execute((database as Database).kysely);
  });
  afterAll(async () => {
    await database?.close();
    await other?.close();
  });

  const toldOf = async (store: MaintenanceStore) => {
    const maintenance = createMaintenance({
      store,
      databases: { main: database as Database },
      retention: [{ name: 'sessions', database: 'main', table: 'sessions', timeColumn: 'at', retentionDays: 30 }],
      startScheduler: false,
    });
    await maintenance.start();
    const { plans, catalogue } = maintenance.scope({ tenantId: 'acme' });
    const { plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
    const { items } = await catalogue.policies();
    await maintenance.stop();
    return { warnings: plan.warnings, fencing: items[0]?.retention?.fencing };
  };

  it('is told, and warned of in plans where leases are in another database than the rows', async () => {
    expect(await toldOf(kyselyMaintenanceStore(database as Database))).toEqual({
      warnings: [],
      fencing: 'transaction',
    });
    expect(await toldOf(kyselyMaintenanceStore(other as Database))).toEqual({
      warnings: [expect.stringMatching(/^sessions: Its leases are in another database/)],
      fencing: 'time',
    });
    expect(await toldOf(memoryMaintenanceStore())).toEqual({ warnings: [], fencing: 'process' });
  });
});

for (const { title, present, dialect, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`what keeps a held-up run from dropping partitions of ${title}`, () => {
      it('is told, and warned of in plans where dropping one commits by itself', async () => {
        const fresh = await createFresh();
        const database = databaseFromUrl(fresh.url);
        onTestFinished(async () => {
          await database.close();
          await fresh.drop();
        });
        const range =
          dialect === 'mysql'
            ? '(partition old values less than (1000), partition rest values less than maxvalue)'
            : '';
        await sql
          .raw(`create table parted (id bigint, at bigint, primary key (at, id)) partition by range (at) ${range}`)
          .execute(database.kysely);
        const parts = ['old partition of parted for values from (0) to (1000)', 'rest partition of parted default'];
        for (const part of dialect === 'mysql' ? [] : parts)
          await sql.raw(`create table ${part}`).execute(database.kysely);
        const policy = { database: 'main', table: 'parted', timeColumn: 'at', retentionDays: 30 };
        const maintenance = createMaintenance({
          store: kyselyMaintenanceStore(database),
          databases: { main: database },
          retention: [
            { name: 'whole', ...policy },
            { name: 'narrowed', ...policy, where: (eb) => eb('id', '>', 0) },
          ],
          startScheduler: false,
        });
        await maintenance.start();
        onTestFinished(() => maintenance.stop());
        const { plans, catalogue } = maintenance.scope({ tenantId: 'acme' });
        const { plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
        const fencings = (await catalogue.policies()).items.map(({ name, retention }) => [name, retention?.fencing]);
        const isAlone = dialect === 'mysql';
        expect(Object.fromEntries(fencings)).toEqual({
          whole: isAlone ? 'time' : 'transaction',
          narrowed: 'transaction',
        });
        expect(plan.warnings).toEqual(
          isAlone ? [expect.stringMatching(/^whole: .* commit the dropping of a partition by itself/)] : [],
        );
      }, 60_000);
    });
