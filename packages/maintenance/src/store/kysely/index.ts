import type { Clock } from '@dotmac/core';
import {
  coreMigrations,
  kyselyLeases,
  leaseWithin,
  checkMigrated,
  migrate,
  type Database,
  type ModuleMigrations,
} from '@dotmac/core/kysely';
import type { MaintenanceStore } from '../store.js';
import { asked } from './asked.js';
import { runIndexes, runs } from './migrations/0001-runs.js';
import { slots } from './migrations/0003-slots.js';
import { plans, runProgress } from './migrations/0004-plans.js';
import { runStarts } from './migrations/0009-run-starts.js';
import { planTimes } from './migrations/0010-plan-times.js';
import { planScopes } from './migrations/0011-plan-scopes.js';
import { runScopes } from './migrations/0012-run-scopes.js';
import { slotSuccessors, slotSuccessorTimes } from './migrations/0013-slot-successors.js';
import { kyselyPlans } from './plans.js';
import { scheduleIndexes, schedules } from './migrations/0005-schedules.js';
import { kyselyRuns, runOf } from './runs.js';
import { kyselySchedules, scheduleOf } from './schedules.js';
import { prune } from './prune.js';
import { kyselySlots, openSlots } from './slots.js';
import type { MaintenanceTables } from './tables.js';

const migrations: ModuleMigrations = {
  module: 'maintenance',
  migrations: {
    '0001-runs': runs,
    '0002-run-indexes': runIndexes,
    '0003-slots': slots,
    '0004-plans': plans,
    '0004-run-progress': runProgress,
    '0005-schedules': schedules,
    '0005-schedules-indexes': scheduleIndexes,
    '0009-run-starts': runStarts,
    '0010-plan-times': planTimes,
    '0011-plan-scopes': planScopes,
    '0012-run-scopes': runScopes,
    '0013-slot-successors': slotSuccessors,
    '0014-slot-successor-times': slotSuccessorTimes,
  },
};

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
      await migrate(database, migrations);
    },
    async checkMigrated() {
      await checkMigrated(database, coreMigrations);
      await checkMigrated(database, migrations);
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
