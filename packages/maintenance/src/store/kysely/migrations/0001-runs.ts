import type { Migration } from '@dotmac/core/kysely';

/** Every execution of a task. */
export const runs: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_maintenance_runs')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('task', types.word, (c) => c.notNull())
    .addColumn('trigger_kind', types.word, (c) => c.notNull())
    .addColumn('schedule', types.key)
    .addColumn('actor', types.text, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('started_at', types.epochMs, (c) => c.notNull())
    .addColumn('ended_at', types.epochMs)
    .addColumn('items_processed', types.bigInt, (c) => c.notNull())
    .addColumn('items_cleaned', types.bigInt, (c) => c.notNull())
    .addColumn('bytes_freed', types.bigInt, (c) => c.notNull())
    .addColumn('error_code', types.word)
    .addColumn('error_message', types.text)
    .addColumn('details', types.bigText, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_maintenance_runs_pk', ['tenant_id', 'id'])
    .execute();
};

/** By state for a tenant's list; across tenants for the sweeps of dead and of old runs. */
export const runIndexes: Migration = async ({ schema }) => {
  const on = (name: string, columns: ('tenant_id' | 'status' | 'ended_at' | 'id')[]) =>
    schema.createIndex(name).on('dotmac_maintenance_runs').columns(columns).execute();
  await on('dotmac_maintenance_runs_state', ['tenant_id', 'status', 'id']);
  await on('dotmac_maintenance_runs_sweep', ['status', 'id']);
  await on('dotmac_maintenance_runs_ended', ['ended_at']);
};
