import { databaseFromUrl, fromKysely, migrate, type Database } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { lifecycleMigrations } from '../../src/store/kysely/migrations.js';
import type { LifecycleTables } from '../../src/store/kysely/tables.js';
import { cutOff, untilDone } from '../../../../test/support/cut-off.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { freshSqlite } from '../support/backends.js';

const { module, migrations } = lifecycleMigrations;
const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0049'));

/** As they were: what came later is left out. */
interface Tables extends Omit<LifecycleTables, 'dotmac_verification_tokens'> {
  dotmac_verification_tokens: Omit<LifecycleTables['dotmac_verification_tokens'], 'attempt_mark'>;
}

const webhook = (tenant_id: string, id: string) => ({
  ...{ tenant_id, id, name: id, url: 'https://crm.example.com', events: null, enabled: 1, sealed_secret: 's' },
  ...{ old_sealed_secret: null, old_secret_until: null, failing_since: null, disabled_at: null },
  ...{ created_at: 1, updated_at: 1 },
});
const delivery = (tenant_id: string, id: string, webhook_id: string) => ({
  ...{ tenant_id, id, webhook_id, customer_id: 'neo', event_id: id, event_type: 'customer.verified', event_at: 1 },
  ...{ state: 'delivered', attempts: 1, last_attempt_at: 1, last_failure: null, delivered_at: 1 },
});
const token = {
  ...{ tenant_id: 'acme', customer_id: 'neo', channel: 'email', id: 't', key_id: 'k', hash: 'h', attempts: 2 },
  ...{ issued_at: 1, expires_at: 2, consumed_at: null, issued: 1, window_started_at: 1 },
};

const upToDate = (database: Database): Promise<unknown> => migrate(database, lifecycleMigrations);
const cutOffEverywhere = (database: Database): Promise<unknown> => {
  const { kysely } = cutOff(database.kysely);
  return untilDone(() => upToDate(fromKysely(kysely, database.dialect)));
};

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite, finish: upToDate },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres, finish: upToDate },
  {
    title: 'MariaDB, cut off after each statement',
    present: available.mysql,
    fresh: freshMysql,
    finish: cutOffEverywhere,
  },
];

describe.each(databases)('the tables of a version without limits, on $title', ({ present, fresh, finish }) => {
  it.skipIf(!present)('keep their rows, and lose what removed webhooks have left behind', async () => {
    const { url, drop } = await fresh();
    const database = databaseFromUrl(url, { poolSize: 1 });
    onTestFinished(() => database.close().then(drop));
    const store = kyselyLifecycleStore(database);
    const kysely = database.withTables<Tables>();
    await migrate(database, { module, migrations: before });
    await kysely
      .insertInto('dotmac_lifecycle_webhooks')
      .values([webhook('acme', 'kept'), webhook('else', 'gone')])
      .execute();
    const deliveries = [delivery('acme', '1', 'kept'), delivery('acme', '2', 'gone'), delivery('acme', '3', 'gone')];
    await kysely
      .insertInto('dotmac_webhook_deliveries')
      .values([...deliveries, delivery('else', '4', 'gone')])
      .execute();
    await kysely.insertInto('dotmac_verification_tokens').values(token).execute();

    await finish(database);

    const removed = kysely.selectFrom('dotmac_removed_webhooks').selectAll();
    // Another tenant has one of that name.
    expect(await removed.execute()).toEqual([{ tenant_id: 'acme', id: 'gone' }]);
    expect(await store.pruneRemovedWebhooks(100)).toBe(3);
    expect(await removed.execute()).toEqual([]);
    const left = kysely.selectFrom('dotmac_webhook_deliveries').select('id').orderBy('id');
    expect(await left.execute()).toEqual([{ id: '1' }, { id: '4' }]);
    const { tokens } = store.tenant('acme');
    expect(await tokens.get('neo', 'email')).toMatchObject({ attempts: 2, attemptMark: null });
    expect(await tokens.countAttempt('neo', 'email', 'mark')).toMatchObject({ attempts: 3, attemptMark: 'mark' });
  });
});
