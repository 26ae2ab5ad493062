import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, sqlite, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

/** Databases that refuse connections, without a server. */
const away = [
  ['SQLite', 'sqlite:/nowhere/archive.db'],
  ['PostgreSQL', 'postgres://nobody@127.0.0.1:1/archive'],
  ['MariaDB', 'mysql://nobody@127.0.0.1:1/archive'],
] as const;

describe.each(away)('a database that does not answer, of %s', (_, url) => {
  let [main, archive]: Database[] = [];
  const on = (): { main: Database; archive: Database } => ({ main: main as Database, archive: archive as Database });
  beforeEach(async () => {
    [main, archive] = [sqlite(':memory:'), databaseFromUrl(url)];
    await sql`create table a (id integer primary key, at integer)`.execute(on().main.kysely);
    await sql`create index a_at on a (at)`.execute(on().main.kysely);
    await sql`insert into a values (1, 0), (2, 0)`.execute(on().main.kysely);
  });
  afterEach(async () => {
    await main?.close();
    await archive?.close();
  });
  const policy = (name: string, database: string, table: string) => ({
    ...{ name, database, table, timeColumn: 'at', retentionDays: 30 },
  });
  const acme = (only?: 'archive') =>
    createMaintenance({
      store: memoryMaintenanceStore(),
      databases: on(),
      retention: [
        policy('old', 'archive', 'old'),
        policy('older', 'archive', 'older'),
        ...(only ? [] : [policy('a', 'main', 'a')]),
      ],
    }).scope({ tenantId: 'acme' });
  const silent = 'The database did not answer while ';

  it('keeps retention on no other from its turn, and the run says which failed', async () => {
    const done = await acme().runs.execute({ maintenanceType: 'database_cleanup', parameters: {} });
    expect(done).toMatchObject({
      ...{ status: 'failed', itemsCleaned: 2, errorMessage: expect.stringContaining(silent) },
      details: {
        policies: [
          { policy: 'old', outcome: 'failed', rows: 0, warnings: [expect.stringContaining(silent)] },
          { policy: 'older', outcome: 'failed', rows: 0, warnings: [expect.stringContaining(silent)] },
          { policy: 'a', outcome: 'done', rows: 2 },
        ],
      },
    });
  });

  it.each(['database_cleanup', 'performance_optimization'])(
    'keeps no other out of the plan, which says so: %s',
    async (maintenanceType) => {
      const { plans } = acme();
      const { id, plan } = await plans.create({ maintenanceType, parameters: {} });
      expect(plan.targets.map(({ target }) => target)).toEqual(
        maintenanceType === 'database_cleanup' ? ['table:main.a'] : [expect.stringContaining('main')],
      );
      expect(plan.warnings).toContainEqual(expect.stringMatching(/^(old|archive): The database did not answer/));
      expect(await plans.apply(id)).toMatchObject({ status: 'failed' });
    },
  );

  it('is no plan by itself', async () => {
    const making = acme('archive').plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
    await expect(making).rejects.toMatchObject({ code: 'PLAN_NOT_MADE', message: expect.stringContaining(silent) });
  });
});
