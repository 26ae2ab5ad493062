import { coreMigrations, kyselyLeases, migrate, type Database, type KyselyLeasesOptions } from '@dotmac/core/kysely';
import type { MaintenanceStore } from '../store.js';
import { maintenanceMigrations } from './migrations/index.js';
import { kyselyRuns, runOf } from './runs.js';
import type { MaintenanceTables } from './tables.js';

/**
 * Keeps runs in SQLite, PostgreSQL or MySQL/MariaDB.
 *
 * @example
 * const store = kyselyMaintenanceStore(sqlite('ops.db'));
 */
export function kyselyMaintenanceStore(database: Database, options: KyselyLeasesOptions = {}): MaintenanceStore {
  const kysely = database.withTables<MaintenanceTables>();
  return {
    tenant: (tenantId) => kyselyRuns(database, tenantId),
    leases: kyselyLeases(database, options),
    async migrate() {
      await migrate(database, coreMigrations);
      await migrate(database, maintenanceMigrations);
    },
    async runningAcrossTenants(limit) {
      const rows = await kysely
        .selectFrom('dotmac_maintenance_runs')
        .selectAll()
        .where('status', '=', 'running')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(runOf);
    },
    async forgetRunsAcrossTenants(endedBefore, limit) {
      // One status after another: the index begins with it. Rows by key, for MySQL deletes from no subquery of itself.
      const old = await kysely
        .selectFrom('dotmac_maintenance_runs')
        .select(['tenant_id', 'id'])
        .where('status', 'in', ['completed', 'failed', 'cancelled', 'skipped'])
        .where('ended_at', '<', endedBefore)
        .limit(limit)
        .execute();
      for (const { tenant_id, id } of old)
        await kysely
          .deleteFrom('dotmac_maintenance_runs')
          .where('tenant_id', '=', tenant_id)
          .where('id', '=', id)
          .execute();
      return old.length;
    },
  };
}
