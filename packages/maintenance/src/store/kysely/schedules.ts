import { inTransaction, numberOrNull, type Database } from '@dotmac/core/kysely';
import type { KeptSchedule, ScheduleDefinition } from '../../schedule/schedule.js';
import type { TenantSchedules } from '../store.js';
import { asked } from './asked.js';
import type { MaintenanceTables, ScheduleRow } from './tables.js';

/** One tenant's schedules, by the primary key. */
export function kyselySchedules(database: Database, tenantId: string): TenantSchedules {
  const db = database.withTables<MaintenanceTables>();
  const own = () =>
    db
      .selectFrom('dotmac_maintenance_schedules')
      .where('tenant_id', '=', tenantId)
      .where('deleted_at', 'is', null)
      .selectAll();
  return {
    async get(name) {
      const row = await asked(own().where('name', '=', name).executeTakeFirst());
      return row ? scheduleOf(row) : null;
    },
    async list({ limit, after }) {
      const kept = own().where('definition', 'is not', null);
      const query = after === undefined ? kept : kept.where('name', '>', after);
      return (await asked(query.orderBy('name').limit(limit).execute())).map(scheduleOf);
    },
    async inCode() {
      return (await asked(own().where('definition', 'is', null).execute())).map(scheduleOf);
    },
    write: (name, change) =>
      inTransaction<MaintenanceTables, KeptSchedule>(database, undefined, async (trx) => {
        // Holds the row until the end: revisions come to be seen in their order, and the count stays true.
        await trx
          .updateTable('dotmac_maintenance_revision')
          .set(({ eb }) => ({ value: eb('value', '+', 1) }))
          .where('name', '=', 'schedules')
          .execute();
        const counter = trx.selectFrom('dotmac_maintenance_revision').select('value').where('name', '=', 'schedules');
        const revision = Number((await counter.executeTakeFirstOrThrow()).value);
        const mine = trx.selectFrom('dotmac_maintenance_schedules').where('tenant_id', '=', tenantId);
        const row = await mine.where('name', '=', name).selectAll().executeTakeFirst();
        const { count } = await mine
          .where('deleted_at', 'is', null)
          .where('definition', 'is not', null)
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        const known = row && row.deleted_at === null ? scheduleOf(row) : null;
        const kept = { ...change(known, Number(count)), tenantId, name, revision };
        if (row)
          await trx
            .updateTable('dotmac_maintenance_schedules')
            .set(rowOf(kept))
            .where('tenant_id', '=', tenantId)
            .where('name', '=', name)
            .execute();
        else await trx.insertInto('dotmac_maintenance_schedules').values(rowOf(kept)).execute();
        return kept;
      }),
  };
}

function rowOf(it: KeptSchedule): ScheduleRow {
  return {
    tenant_id: it.tenantId,
    name: it.name,
    definition: it.definition && JSON.stringify(it.definition),
    version: it.version,
    paused_at: it.pausedAt,
    effective_at: it.effectiveAt,
    created_at: it.createdAt,
    updated_at: it.updatedAt,
    deleted_at: it.deletedAt,
    revision: it.revision,
  };
}

/** A row as what it says. */
export function scheduleOf(row: ScheduleRow): KeptSchedule {
  return {
    tenantId: row.tenant_id,
    name: row.name,
    definition: row.definition === null ? null : (JSON.parse(row.definition) as ScheduleDefinition),
    version: Number(row.version),
    pausedAt: numberOrNull(row.paused_at),
    effectiveAt: Number(row.effective_at),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    deletedAt: numberOrNull(row.deleted_at),
    revision: Number(row.revision),
  };
}
