import type { Migration } from '@dotmac/core/kysely';

/** Every execution of a task. */
export const createRuns: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_maintenance_runs')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('task', types.word, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('triggered_by', types.word, (c) => c.notNull())
    .addColumn('schedule', types.key)
    .addColumn('slot_at', types.epochMs)
    .addColumn('actor', types.text, (c) => c.notNull())
    .addColumn('started_at', types.epochMs, (c) => c.notNull())
    .addColumn('ended_at', types.epochMs)
    .addColumn('items_processed', types.bigInt, (c) => c.notNull())
    .addColumn('items_cleaned', types.bigInt, (c) => c.notNull())
    .addColumn('space_freed_bytes', types.bigInt, (c) => c.notNull())
    .addColumn('error_message', types.text)
    // Text, not jsonb: details may hold what file names hold, U+0000 included, and nothing here looks inside.
    .addColumn('details', types.bigText, (c) => c.notNull())
    .addColumn('worker', types.key, (c) => c.notNull())
    .addColumn('fence', types.bigInt, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_maintenance_runs_pk', ['tenant_id', 'id'])
    .execute();
};

/** For the list of one task's runs. */
export const indexRunsByTask: Migration = async (schema) => {
  await schema.schema
    .createIndex('dotmac_maintenance_runs_task')
    .on('dotmac_maintenance_runs')
    .columns(['tenant_id', 'task', 'id'])
    .execute();
};

/** For what still runs, and for the sweep that forgets old runs. */
export const indexRunsByStatus: Migration = async (schema) => {
  await schema.schema
    .createIndex('dotmac_maintenance_runs_status')
    .on('dotmac_maintenance_runs')
    .columns(['status', 'ended_at'])
    .execute();
};
