import type { Clock } from '@dotmac/core';
import { coreMigrations, kyselyLeases, leaseWithin, checkMigrated, migrate, type Database } from '@dotmac/core/kysely';
import type { MaintenanceStore } from '../store.js';
import { asked } from './asked.js';
import { maintenanceMigrations } from './migrations.js';
import { kyselyPlans } from './plans.js';
import { kyselyRuns, runOf } from './runs.js';
import { kyselySchedules, scheduleOf } from './schedules.js';
import { prune } from './prune.js';
import { kyselySlots, openSlots } from './slots.js';
import type { MaintenanceTables } from './tables.js';

/** Options of {@link kyselyMaintenanceStore}. */
export interface KyselyMaintenanceStoreOptions {
  /** Judge leases by this clock instead of the database's. */
  clock?: Pick<Clock, 'now'>;
}

/** A store in the application's own database: SQLite, PostgreSQL, MySQL or MariaDB. */
export function kyselyMaintenanceStore(
  database: Database,
  options: KyselyMaintenanceStoreOptions = {},
): MaintenanceStore {
  const db = database.withTables<MaintenanceTables>();
  return {
    async migrate() {
      await migrate(database, coreMigrations);
      await migrate(database, maintenanceMigrations);
    },
    async checkMigrated() {
      await checkMigrated(database, coreMigrations);
      await checkMigrated(database, maintenanceMigrations);
    },
    leases: kyselyLeases(database, options),
    holdsLease: leaseWithin(database, options),
    fencing: (other) => (other === database ? 'transaction' : 'time'),
    runs: (tenantId) => kyselyRuns(database, tenantId),
    plans: (tenantId) => kyselyPlans(database, tenantId),
    async runningRuns(limit) {
      const found = db.selectFrom('dotmac_maintenance_runs').selectAll().where('status', '=', 'running');
      return (await asked(found.orderBy('id').limit(limit).execute())).map(runOf);
    },
    async stoppedRuns(since, limit) {
      const found = db.selectFrom('dotmac_maintenance_runs').selectAll().where('ended_at', '>=', since);
      const left = found.where('stop_reason', '=', 'stopped').where('resumed_by', 'is', null);
      return (await asked(left.orderBy('id').limit(limit).execute())).map(runOf);
    },
    schedules: (tenantId) => kyselySchedules(database, tenantId),
    async scheduleRevision() {
      const row = db.selectFrom('dotmac_maintenance_revision').select('value').where('name', '=', 'schedules');
      return Number((await asked(row.executeTakeFirst()))?.value ?? 0);
    },
    async schedulesSince(revision, limit) {
      const changed = db.selectFrom('dotmac_maintenance_schedules').selectAll().where('revision', '>', revision);
      return (await asked(changed.orderBy('revision').limit(limit).execute())).map(scheduleOf);
    },
    slots: (tenantId) => kyselySlots(database, tenantId),
    openSlots: (limit) => openSlots(database, limit),
    prune: (before, pruning) => asked(prune(database, before, pruning, options)),
  };
}
