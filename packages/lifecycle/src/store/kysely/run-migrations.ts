import { sql } from 'kysely';
import type { Migration } from '@dotmac/core/kysely';

const runs: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_service_runs')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('service_name', types.key, (c) => c.notNull())
    .addColumn('template_version', types.key, (c) => c.notNull())
    .addColumn('template_hash', types.word, (c) => c.notNull())
    .addColumn('config', types.bigText, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('direction', types.word, (c) => c.notNull())
    .addColumn('steps', types.bigText, (c) => c.notNull())
    .addColumn('next_at', types.epochMs)
    .addColumn('requested_by', types.key, (c) => c.notNull())
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('updated_at', types.epochMs, (c) => c.notNull())
    .addColumn('provisioned_at', types.epochMs)
    .addColumn('lease_owner', types.key)
    .addColumn('lease_until', types.epochMs)
    .addColumn('fence', types.bigInt, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_service_runs_pk', ['tenant_id', 'id'])
    .execute();
};

/** A customer's runs; counts by status; and, for the sweep over all tenants, what is due. */
const runIndexes: Migration = async (schema) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_service_runs');
  await index('dotmac_service_runs_customer').columns(['tenant_id', 'customer_id', 'id']).execute();
  await index('dotmac_service_runs_status').columns(['tenant_id', 'status']).execute();
  await index('dotmac_service_runs_due').columns(['next_at']).execute();
};

/** Runs were services; from here on a service has many. What was made of them before this was cut off is left alone. */
const runsOfServices: Migration = async (schema, { types }) => {
  const runs = () => schema.schema.alterTable('dotmac_service_runs');
  await runs().addColumn('service_id', types.id).execute();
  await runs()
    .addColumn('operation', types.word, (c) => c.notNull().defaultTo('provision'))
    .execute();
  await runs().addColumn('previous', types.bigText).execute();
  await runs().addColumn('given', types.bigText).execute();
  await runs().addColumn('cancel_requested_at', types.epochMs).execute();
  await sql`update dotmac_service_runs set service_id = id, given = '{}'`.execute(schema);
  await sql`
    insert into dotmac_services (tenant_id, id, customer_id, service_name, template_version, template_hash, config,
      status, access, outputs, blocks, open_run_id, created_at, updated_at, provisioned_at)
    select tenant_id, id, customer_id, service_name, template_version, template_hash, config, status,
      case when status = 'active' then 'full' else 'none' end, '{}', '[]',
      case when next_at is null and status <> 'stuck' then null else id end, created_at, updated_at, provisioned_at
    from dotmac_service_runs
    where not exists (select 1 from dotmac_services as made
      where made.tenant_id = dotmac_service_runs.tenant_id and made.id = dotmac_service_runs.id)`.execute(schema);
  await sql`update dotmac_service_runs set status = 'running' where status = 'provisioning'`.execute(schema);
  await sql`update dotmac_service_runs set status = 'completed' where status = 'active'`.execute(schema);
};

const runsByService: Migration = async (schema) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_service_runs');
  await index('dotmac_service_runs_service').columns(['tenant_id', 'service_id', 'id']).execute();
  await index('dotmac_service_runs_state').columns(['tenant_id', 'status', 'id']).execute();
};

/** The index by state says it as well. */
const runsByStateAlone: Migration = async (schema, { traits }) => {
  const drop = schema.schema.dropIndex('dotmac_service_runs_status');
  // Where DDL takes part in no transactions, indexes are named within their table.
  await (traits.transactionalDdl ? drop : drop.on('dotmac_service_runs')).execute();
};

/** What is done to services, run by run. */
export const runMigrations: Record<string, Migration> = {
  '0005-service-runs': runs,
  '0006-service-run-indexes': runIndexes,
  '0009-runs-of-services': runsOfServices,
  '0010-runs-by-service': runsByService,
  '0048-runs-by-state-alone': runsByStateAlone,
};
