import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { sqlite } from '@dotmac/core/kysely';
import { kyselyLifecycleStore } from '@dotmac/lifecycle';
import { createMaintenance, dotmacRetention, kyselyMaintenanceStore } from '@dotmac/maintenance';

const at = (daysAgo: number): number => Date.now() - daysAgo * 86_400_000;

it('the tables of lifecycle are cleaned of what is over, and of nothing that waits', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-own-tables-'));
  const file = join(folder, 'app.db');
  const database = sqlite(file);
  const store = kyselyMaintenanceStore(database);
  await kyselyLifecycleStore(database).migrate();
  await store.migrate();
  const rows = new Sqlite(file);
  onTestFinished(async () => {
    rows.close();
    await database.close();
    await rm(folder, { recursive: true });
  });
  const delivery = rows.prepare(`insert into dotmac_webhook_deliveries
    (tenant_id, id, webhook_id, customer_id, event_id, event_type, event_at, state, attempts)
    values ('acme', :id, 'w', 'c', :id, 'customer.suspended', :at, :state, 1)`);
  delivery.run({ id: 'settled long ago', state: 'delivered', at: at(91) });
  delivery.run({ id: 'given up long ago', state: 'failed', at: at(91) });
  delivery.run({ id: 'settled lately', state: 'delivered', at: at(89) });
  delivery.run({ id: 'still to be told', state: 'pending', at: at(91) });
  const retention = dotmacRetention({ database: 'main', tenants: ['operator'], lifecycleDays: 90 });
  const maintenance = createMaintenance({ store, databases: { main: database }, retention });

  const run = await maintenance.scope({ tenantId: 'operator' }).runs.run('database_cleanup', {});
  expect(run).toMatchObject({ status: 'completed', itemsCleaned: 2, errorMessage: null });
  const left = rows.prepare('select id from dotmac_webhook_deliveries order by 1');
  expect(left.pluck().all()).toEqual(['settled lately', 'still to be told']);
});
