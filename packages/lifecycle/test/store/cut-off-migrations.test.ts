import { databaseFromUrl, fromKysely, migrate } from '@dotmac/core/kysely';
import { expect, it, onTestFinished } from 'vitest';
import { lifecycleMigrations } from '../../src/store/kysely/migrations.js';
import type { LifecycleTables } from '../../src/store/kysely/tables.js';
import { cutOff, untilDone } from '../../../../test/support/cut-off.js';
import { available, freshMysql } from '../../../../test/support/services.js';

const { module, migrations } = lifecycleMigrations;
const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0009'));

it.skipIf(!available.mysql)(
  'services come of the runs of before once, after whichever statement of a migration MariaDB was cut off',
  async () => {
    const { url, drop } = await freshMysql();
    const database = databaseFromUrl(url, { poolSize: 1 });
    onTestFinished(() => database.close().then(drop));
    await migrate(database, { module, migrations: before });
    const kysely = database.withTables<LifecycleTables & { dotmac_service_runs: Record<string, unknown> }>();
    const run = (id: string, status: string, next_at: number | null) => ({
      ...{ tenant_id: 'acme', id, status, next_at, customer_id: 'c', service_name: 'line', template_version: '1' },
      ...{ template_hash: 'h', config: '{}', direction: 'up', steps: '[]', requested_by: 'neo', fence: 0 },
      ...{ created_at: 1, updated_at: 2 },
    });
    await kysely
      .insertInto('dotmac_service_runs')
      .values([run('done', 'active', null), run('open', 'provisioning', 3)])
      .execute();

    const cut = cutOff(database.kysely);
    await untilDone(() => migrate(fromKysely(cut.kysely, 'mysql'), lifecycleMigrations));

    expect(cut.times).toBeGreaterThan(80);
    const services = kysely.selectFrom('dotmac_services').select(['id', 'status', 'access', 'open_run_id']);
    expect(await services.orderBy('id').execute()).toEqual([
      { id: 'done', status: 'active', access: 'full', open_run_id: null },
      { id: 'open', status: 'provisioning', access: 'none', open_run_id: 'open' },
    ]);
    const runs = kysely.selectFrom('dotmac_service_runs').select(['id', 'service_id', 'status', 'given']);
    expect(await runs.orderBy('id').execute()).toEqual([
      { id: 'done', service_id: 'done', status: 'completed', given: '{}' },
      { id: 'open', service_id: 'open', status: 'running', given: '{}' },
    ]);
    expect(await migrate(database, lifecycleMigrations)).toEqual([]);
  },
);
