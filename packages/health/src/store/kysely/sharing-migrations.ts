import type { Migration } from '@dotmac/core/kysely';

const endpointChanges: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_endpoint_changes')
    .ifNotExists()
    .addColumn('id', types.id, (c) => c.notNull().primaryKey())
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('origin', types.word, (c) => c.notNull())
    .addColumn('changed_at', types.epochMs, (c) => c.notNull())
    .execute();
};

const handedResults: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_handed_results')
    .ifNotExists()
    .addColumn('id', types.id, (c) => c.notNull().primaryKey())
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('at', types.epochMs, (c) => c.notNull())
    .addColumn('body', types.text, (c) => c.notNull())
    .addColumn('handed_at', types.epochMs, (c) => c.notNull())
    .execute();
};

const stateRevision: Migration = (schema, { types }) =>
  schema.schema
    .alterTable('dotmac_endpoint_states')
    .addColumn('revision', types.bigInt, (c) => c.notNull().defaultTo(0))
    .execute();

const index =
  (name: string, table: string, columns: string[]): Migration =>
  (schema) =>
    schema.schema.createIndex(name).on(table).columns(columns).execute();

/** For what processes tell each other. They read of all tenants what they have not read yet. */
export const sharingMigrations: Record<string, Migration> = {
  '0030-endpoint-changes': endpointChanges,
  '0031-endpoint-changes-by-time': index('dotmac_endpoint_changes_time', 'dotmac_endpoint_changes', [
    'changed_at',
    'id',
  ]),
  '0032-handed-results': handedResults,
  '0033-handed-results-by-time': index('dotmac_handed_results_time', 'dotmac_handed_results', ['handed_at', 'id']),
  '0034-state-revision': stateRevision,
  '0035-states-by-revision': index('dotmac_endpoint_states_revision', 'dotmac_endpoint_states', ['revision']),
};
