import { onConflictDoNothing, insertedCount, fromJson, numberOrNull, type Database } from '@dotmac/core/kysely';
import type { Insertable, Selectable } from 'kysely';
import type { Run } from '../../runs/run.js';
import type { RunStore } from '../store.js';
import type { MaintenanceTables } from './tables.js';

type Row = Selectable<MaintenanceTables['dotmac_maintenance_runs']>;

/** A row as a run. */
export function runOf(row: Row): Run {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    task: row.task,
    status: row.status,
    trigger: row.triggered_by,
    schedule: row.schedule,
    slotAt: numberOrNull(row.slot_at),
    actor: row.actor,
    startedAt: Number(row.started_at),
    endedAt: numberOrNull(row.ended_at),
    itemsProcessed: Number(row.items_processed),
    itemsCleaned: Number(row.items_cleaned),
    spaceFreedBytes: Number(row.space_freed_bytes),
    errorMessage: row.error_message,
    details: fromJson(row.details),
    worker: row.worker,
    fence: Number(row.fence),
  };
}

function rowOf(run: Run): Insertable<MaintenanceTables['dotmac_maintenance_runs']> {
  return {
    tenant_id: run.tenantId,
    id: run.id,
    task: run.task,
    status: run.status,
    triggered_by: run.trigger,
    schedule: run.schedule,
    slot_at: run.slotAt,
    actor: run.actor,
    started_at: run.startedAt,
    ended_at: run.endedAt,
    items_processed: run.itemsProcessed,
    items_cleaned: run.itemsCleaned,
    space_freed_bytes: run.spaceFreedBytes,
    error_message: run.errorMessage,
    details: JSON.stringify(run.details),
    worker: run.worker,
    fence: run.fence,
  };
}

/** One tenant's runs in a database. Queries use the primary key, `_task` or `_status`. */
export function kyselyRuns(database: Database, tenantId: string): RunStore {
  const kysely = database.withTables<MaintenanceTables>();
  const runs = () => kysely.selectFrom('dotmac_maintenance_runs').selectAll().where('tenant_id', '=', tenantId);
  const runningRun = (id: string) =>
    kysely
      .updateTable('dotmac_maintenance_runs')
      .where('tenant_id', '=', tenantId)
      .where('id', '=', id)
      .where('status', '=', 'running');

  return {
    async insert(run) {
      await kysely.insertInto('dotmac_maintenance_runs').values(rowOf({ ...run, tenantId })).execute();
    },
    async get(id) {
      const row = await runs().where('id', '=', id).executeTakeFirst();
      return row && runOf(row);
    },
    async list({ limit, before, task }) {
      const rows = await runs()
        .$if(before !== undefined, (query) => query.where('id', '<', before as string))
        .$if(task !== undefined, (query) => query.where('task', '=', task as string))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(runOf);
    },
    running: async () => (await runs().where('status', '=', 'running').orderBy('id').limit(100).execute()).map(runOf),
    async progress(id, { itemsProcessed, itemsCleaned, spaceFreedBytes }) {
      const figures = {
        items_processed: itemsProcessed,
        items_cleaned: itemsCleaned,
        space_freed_bytes: spaceFreedBytes,
      };
      await runningRun(id).set(figures).execute();
    },
    async finish(id, end) {
      const { numUpdatedRows } = await runningRun(id)
        .set({
          status: end.status,
          ended_at: end.endedAt,
          error_message: end.errorMessage,
          details: JSON.stringify(end.details),
          items_processed: end.itemsProcessed,
          items_cleaned: end.itemsCleaned,
          space_freed_bytes: end.spaceFreedBytes,
        })
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async totals() {
      const rows = await kysely
        .selectFrom('dotmac_maintenance_runs')
        .where('tenant_id', '=', tenantId)
        .where('ended_at', 'is not', null)
        .groupBy('status')
        .select(({ fn }) => [
          'status',
          fn.countAll<number>().as('runs'),
          fn.sum<number>('items_cleaned').as('items_cleaned'),
          fn.sum<number>('space_freed_bytes').as('space_freed_bytes'),
          fn.max('ended_at').as('last_ended_at'),
        ])
        .execute();
      const runsOf = (wanted: string): number => Number(rows.find(({ status }) => status === wanted)?.runs ?? 0);
      return {
        completed: runsOf('completed'),
        failed: runsOf('failed'),
        itemsCleaned: rows.reduce((sum, row) => sum + Number(row.items_cleaned), 0),
        spaceFreedBytes: rows.reduce((sum, row) => sum + Number(row.space_freed_bytes), 0),
        lastEndedAt: rows.length === 0 ? null : Math.max(...rows.map((row) => Number(row.last_ended_at))),
      };
    },
    async claimSlot(schedule, slotAt, forgetBefore) {
      const insert = kysely
        .insertInto('dotmac_maintenance_slots')
        .values({ tenant_id: tenantId, schedule, slot_at: slotAt });
      if (insertedCount(await onConflictDoNothing(database, insert).execute()) === 0) return false;
      await kysely
        .deleteFrom('dotmac_maintenance_slots')
        .where('tenant_id', '=', tenantId)
        .where('schedule', '=', schedule)
        .where('slot_at', '<', forgetBefore)
        .execute();
      return true;
    },
  };
}
