import { onConflictDoNothing, type Migration } from '@dotmac/core/kysely';
import type { Kysely } from 'kysely';
import type { MaintenanceTables } from '../tables.js';

/** Schedules made over HTTP; and of every slot what became of it, in the place of its mere claim. */
export const schedules: Migration = async (db, { types, traits }) => {
  const { schema } = db;
  await schema
    .createTable('dotmac_maintenance_schedules')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('name', types.key, (c) => c.notNull())
    .addColumn('definition', types.bigText)
    .addColumn('version', types.bigInt, (c) => c.notNull())
    .addColumn('paused_at', types.epochMs)
    .addColumn('effective_at', types.epochMs, (c) => c.notNull())
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('updated_at', types.epochMs, (c) => c.notNull())
    .addColumn('deleted_at', types.epochMs)
    .addColumn('revision', types.bigInt, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_maintenance_schedules_pk', ['tenant_id', 'name'])
    .execute();
  await schema
    .createTable('dotmac_maintenance_revision')
    .ifNotExists()
    .addColumn('name', types.word, (c) => c.primaryKey())
    .addColumn('value', types.bigInt, (c) => c.notNull())
    .execute();
  const first = (db as unknown as Kysely<MaintenanceTables>)
    .insertInto('dotmac_maintenance_revision')
    .values({ name: 'schedules', value: 0 });
  await onConflictDoNothing({ traits }, first).execute();
  await schema
    .createTable('dotmac_maintenance_ledger')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('schedule', types.key, (c) => c.notNull())
    .addColumn('scope_id', types.key, (c) => c.notNull())
    .addColumn('slot_at', types.epochMs, (c) => c.notNull())
    .addColumn('outcome', types.word, (c) => c.notNull())
    .addColumn('instance', types.key, (c) => c.notNull())
    .addColumn('run_id', types.id)
    .addColumn('attempts', types.int, (c) => c.notNull())
    .addColumn('claimed_at', types.epochMs, (c) => c.notNull())
    .addColumn('ended_at', types.epochMs)
    .addColumn('message', types.text)
    .addPrimaryKeyConstraint('dotmac_maintenance_ledger_pk', ['tenant_id', 'schedule', 'scope_id', 'slot_at'])
    .execute();
  await schema.dropTable('dotmac_maintenance_slots').ifExists().execute();
};

/** By revision for the other processes; of slots by state for the sweep, and by time for pruning. */
export const scheduleIndexes: Migration = async ({ schema }) => {
  const on = (table: string, name: string, columns: string[]) =>
    schema.createIndex(`dotmac_maintenance_${name}`).on(`dotmac_maintenance_${table}`).columns(columns).execute();
  await on('schedules', 'schedules_revision', ['revision']);
  await on('ledger', 'ledger_open', ['outcome', 'slot_at']);
  await on('ledger', 'ledger_time', ['slot_at']);
  // The newest of all scopes of a schedule.
  await on('ledger', 'ledger_list', ['tenant_id', 'schedule', 'slot_at', 'scope_id']);
};
