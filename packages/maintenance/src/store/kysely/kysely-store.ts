import type { Clock } from '@dotmac/core';
import {
  coreMigrations,
  insertedCount,
  kyselyLeases,
  migrate,
  numberOrNull,
  onConflictDoNothing,
  storeError,
  type Database,
  type ModuleMigrations,
} from '@dotmac/core/kysely';
import type { Run, RunStatus } from '../../runs/run.js';
import type { MaintenanceStore, TenantRuns } from '../store.js';
import { runIndexes, runs } from './migrations/0001-runs.js';
import { slots } from './migrations/0003-slots.js';
import type { MaintenanceTables, RunRow } from './tables.js';

const migrations: ModuleMigrations = {
  module: 'maintenance',
  migrations: { '0001-runs': runs, '0002-run-indexes': runIndexes, '0003-slots': slots },
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
    leases: kyselyLeases(database, options),
    runs: (tenantId) => tenantRuns(database, tenantId),
    async runningRuns(limit) {
      const found = db.selectFrom('dotmac_maintenance_runs').selectAll().where('status', '=', 'running');
      return (await asked(found.orderBy('id').limit(limit).execute())).map(runOf);
    },
    async claimSlot({ tenantId, schedule, slotAt }) {
      const row = { tenant_id: tenantId, schedule, slot_at: slotAt };
      const insert = db.insertInto('dotmac_maintenance_slots').values(row);
      return insertedCount(await asked(onConflictDoNothing(database, insert).execute())) === 1;
    },
    async prune(before) {
      const old = db.deleteFrom('dotmac_maintenance_runs').where('ended_at', '<', before);
      const { numDeletedRows } = await asked(old.executeTakeFirstOrThrow());
      await asked(db.deleteFrom('dotmac_maintenance_slots').where('slot_at', '<', before).execute());
      return Number(numDeletedRows);
    },
  };
}

async function asked<Result>(query: Promise<Result>): Promise<Result> {
  try {
    return await query;
  } catch (error) {
    throw storeError(error, 'keeping the runs of maintenance');
  }
}

function tenantRuns(database: Database, tenantId: string): TenantRuns {
  const db = database.withTables<MaintenanceTables>();
  const own = () => db.selectFrom('dotmac_maintenance_runs').where('tenant_id', '=', tenantId);
  return {
    async insert(run) {
      await asked(
        db
          .insertInto('dotmac_maintenance_runs')
          .values(rowOf({ ...run, tenantId }))
          .execute(),
      );
    },
    async finish(id, outcome) {
      const { status, endedAt, itemsProcessed, itemsCleaned, bytesFreed, errorCode, errorMessage, details } = outcome;
      const update = db
        .updateTable('dotmac_maintenance_runs')
        .set({
          status,
          ended_at: endedAt,
          items_processed: itemsProcessed,
          items_cleaned: itemsCleaned,
          bytes_freed: bytesFreed,
          error_code: errorCode,
          error_message: errorMessage,
          details: JSON.stringify(details),
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('status', '=', 'running');
      return (await asked(update.executeTakeFirst())).numUpdatedRows === 1n;
    },
    async get(id) {
      const row = await asked(own().where('id', '=', id).selectAll().executeTakeFirst());
      return row ? runOf(row) : null;
    },
    async list({ limit, before, task, status }) {
      let query = own().selectAll();
      if (before !== undefined) query = query.where('id', '<', before);
      if (task !== undefined) query = query.where('task', '=', task);
      if (status !== undefined) query = query.where('status', '=', status);
      return (await asked(query.orderBy('id', 'desc').limit(limit).execute())).map(runOf);
    },
    async countByStatus() {
      const query = own()
        .select(({ fn }) => ['status', fn.countAll<number>().as('n')])
        .groupBy('status');
      return Object.fromEntries(
        (await asked(query.execute())).map(({ status, n }) => [status as RunStatus, Number(n)]),
      );
    },
  };
}

function rowOf(run: Run): RunRow {
  return {
    tenant_id: run.tenantId,
    id: run.id,
    task: run.task,
    trigger_kind: run.trigger,
    schedule: run.schedule,
    actor: run.actor,
    status: run.status,
    started_at: run.startedAt,
    ended_at: run.endedAt,
    items_processed: run.itemsProcessed,
    items_cleaned: run.itemsCleaned,
    bytes_freed: run.bytesFreed,
    error_code: run.errorCode,
    error_message: run.errorMessage,
    details: JSON.stringify(run.details),
  };
}

function runOf(row: RunRow): Run {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    task: row.task,
    trigger: row.trigger_kind as Run['trigger'],
    schedule: row.schedule,
    actor: row.actor,
    status: row.status as RunStatus,
    startedAt: Number(row.started_at),
    endedAt: numberOrNull(row.ended_at),
    itemsProcessed: Number(row.items_processed),
    itemsCleaned: Number(row.items_cleaned),
    bytesFreed: Number(row.bytes_freed),
    errorCode: row.error_code,
    errorMessage: row.error_message,
    details: JSON.parse(row.details) as Run['details'],
  };
}
