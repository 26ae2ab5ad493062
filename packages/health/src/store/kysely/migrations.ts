import type { Migration, ModuleMigrations } from '@dotmac/core/kysely';

const endpoints: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_endpoints')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('name', types.text, (c) => c.notNull())
    .addColumn('host', types.text, (c) => c.notNull())
    .addColumn('port', types.int, (c) => c.notNull())
    .addColumn('service_type', types.word, (c) => c.notNull())
    .addColumn('check_interval', types.real, (c) => c.notNull())
    .addColumn('timeout', types.real, (c) => c.notNull())
    .addColumn('retry_count', types.int, (c) => c.notNull())
    .addColumn('expected_response_time', types.real, (c) => c.notNull())
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('updated_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_endpoints_pk', ['tenant_id', 'id'])
    .execute();
};

/** For the monitor, which walks over all tenants' endpoints by id. */
const endpointsById: Migration = async (schema) => {
  await schema.schema.createIndex('dotmac_endpoints_id').on('dotmac_endpoints').columns(['id']).unique().execute();
};

const states: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_endpoint_states')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('streak', types.int, (c) => c.notNull())
    .addColumn('response_time_ms', types.real)
    .addColumn('message', types.text, (c) => c.notNull())
    .addColumn('checked_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_endpoint_states_pk', ['tenant_id', 'endpoint_id'])
    .execute();
};

const samples: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_samples')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('at', types.epochMs, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('response_time_ms', types.real)
    .addColumn('message', types.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_samples_pk', ['tenant_id', 'endpoint_id', 'at', 'id'])
    .execute();
};

/** For retention, which takes the oldest of all tenants. */
const samplesByAge: Migration = async (schema) => {
  await schema.schema.createIndex('dotmac_samples_at').on('dotmac_samples').columns(['at']).execute();
};

/** The health domain's tables. */
export const healthMigrations: ModuleMigrations = {
  module: 'health',
  migrations: {
    '0001-endpoints': endpoints,
    '0002-endpoints-by-id': endpointsById,
    '0003-states': states,
    '0004-samples': samples,
    '0005-samples-by-age': samplesByAge,
  },
};
