import { databaseFromUrl, migrate } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kyselyMaintenanceStore } from '../../src/index.js';
import { maintenanceMigrations } from '../../src/store/kysely/migrations.js';
import type { MaintenanceTables, SlotRow } from '../../src/store/kysely/tables.js';
import { dialects } from '../support/databases.js';

const { module, migrations } = maintenanceMigrations;
const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0013'));

/** As it was. */
interface Tables extends Omit<MaintenanceTables, 'dotmac_maintenance_ledger'> {
  dotmac_maintenance_ledger: Omit<SlotRow, 'next_at'>;
}

const line = {
  ...{ tenant_id: 'acme', schedule: 'nightly', scope_id: '', outcome: 'completed', instance: 'host/0#1' },
  ...{ run_id: null, attempts: 1, claimed_at: 1, ended_at: 2, message: null },
};

for (const { fresh, title } of dialects.filter(({ present }) => present))
  describe(`the ledger of a version that did not know which slot is the last, on ${title}`, () => {
    it('goes by the times of its slots', async () => {
      const { url, drop } = await fresh();
      const database = databaseFromUrl(url);
      onTestFinished(() => database.close().then(drop));
      await migrate(database, { module, migrations: before });
      const ledger = database.withTables<Tables>().insertInto('dotmac_maintenance_ledger');
      await ledger.values([10, 60].map((slot_at) => ({ ...line, slot_at }))).execute();
      await kyselyMaintenanceStore(database).migrate();
      const migrated = database.withTables<MaintenanceTables>().selectFrom('dotmac_maintenance_ledger');
      const rows = await migrated.select('next_at').orderBy('slot_at').execute();
      expect(rows.map(({ next_at }) => Number(next_at))).toEqual([10, 60]);
    });
  });
