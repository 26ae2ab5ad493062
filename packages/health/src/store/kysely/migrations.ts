import type { ColumnTypes, Migration, ModuleMigrations } from '@dotmac/core/kysely';
import type { AlterTableBuilder } from 'kysely';
import { endpointStatus } from '../../endpoints/endpoint.js';
import { eventLogMigrations } from './event-log-migrations.js';
import { incidentEntries, incidents } from './incident-migrations.js';
import { receiptMigrations } from './receipts.js';
import { sharingMigrations } from './sharing-migrations.js';

const index =
  (name: string, table: string, columns: string[]): Migration =>
  async (schema) => {
    await schema.schema.createIndex(name).on(table).columns(columns).execute();
  };

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

const alter =
  (table: string, change: (table: AlterTableBuilder, types: ColumnTypes) => { execute(): Promise<void> }): Migration =>
  async (schema, { types }) =>
    change(schema.schema.alterTable(table), types).execute();

const tags: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_endpoint_tags')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('tag', types.word, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_endpoint_tags_pk', ['tenant_id', 'tag', 'endpoint_id'])
    .execute();
};

/** Rings in the place of samples: bounded by construction, nothing to prune. */
const results: Migration = async (schema, { types, traits }) => {
  await schema.schema
    .createTable('dotmac_check_results')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('ring', types.word, (c) => c.notNull())
    .addColumn('slot', types.int, (c) => c.notNull())
    .addColumn('at', types.epochMs, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('response_time_ms', types.real)
    .addColumn('message', types.text, (c) => c.notNull())
    .addColumn('phases', types.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_check_results_pk', ['tenant_id', 'endpoint_id', 'ring', 'slot'])
    .modifyEnd(traits.clustered)
    .execute();
};

const buckets: Migration = async (schema, { types, traits }) => {
  let table = schema.schema
    .createTable('dotmac_check_buckets')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('resolution', types.word, (c) => c.notNull())
    .addColumn('start', types.epochMs, (c) => c.notNull());
  for (const status of endpointStatus.options)
    table = table
      .addColumn(`n_${status}`, types.bigInt, (c) => c.notNull())
      .addColumn(`ms_${status}`, types.bigInt, (c) => c.notNull());
  await table
    .addColumn('timed', types.bigInt, (c) => c.notNull())
    .addColumn('sum_ms', types.real, (c) => c.notNull())
    .addColumn('min_ms', types.real)
    .addColumn('max_ms', types.real)
    .addColumn('histogram', types.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_check_buckets_pk', ['tenant_id', 'endpoint_id', 'resolution', 'start'])
    .modifyEnd(traits.clustered)
    .execute();
};

const documents: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_health_documents')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('kind', types.word, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('body', types.json, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_health_documents_pk', ['tenant_id', 'kind', 'id'])
    .execute();
};

const alerts: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_alerts')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('channel_id', types.id, (c) => c.notNull())
    .addColumn('incident_id', types.id, (c) => c.notNull())
    .addColumn('due_at', types.epochMs)
    .addColumn('message_id', types.id)
    .addColumn('body', types.json, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_alerts_pk', ['tenant_id', 'channel_id', 'incident_id'])
    .execute();
};

const alertMessages: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_alert_messages')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('channel_id', types.id, (c) => c.notNull())
    .addColumn('payload', types.bigText)
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_alert_messages_pk', ['tenant_id', 'id'])
    .execute();
};

/** In the place of a row for each result, which cost more to write than the check itself. */
const chunks: Migration = async (schema, { types, traits }) => {
  await schema.schema
    .createTable('dotmac_result_chunks')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('ring', types.word, (c) => c.notNull())
    .addColumn('slot', types.int, (c) => c.notNull())
    .addColumn('body', types.bigText, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_result_chunks_pk', ['tenant_id', 'endpoint_id', 'ring', 'slot'])
    .modifyEnd(traits.clustered)
    .execute();
};

/** The index of alerts that are due, with all that is asked of many. */
const alertsByDueChannel: Migration = async (schema, { traits }) => {
  await schema.schema
    .createIndex('dotmac_alerts_due_channel')
    .on('dotmac_alerts')
    .columns(['due_at', 'tenant_id', 'channel_id'])
    .execute();
  // Where DDL takes part in no transactions, indexes are named within their table.
  const drop = schema.schema.dropIndex('dotmac_alerts_due');
  await (traits.transactionalDdl ? drop : drop.on('dotmac_alerts')).execute();
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
    '0006-endpoint-settings': alter('dotmac_endpoints', (table, types) => table.addColumn('settings', types.bigText)),
    '0007-endpoint-secrets': alter('dotmac_endpoints', (table, types) => table.addColumn('secrets', types.bigText)),
    '0008-endpoint-pause': alter('dotmac_endpoints', (table, types) => table.addColumn('paused_at', types.epochMs)),
    '0009-tags': tags,
    '0010-state-machine': alter('dotmac_endpoint_states', (table, types) => table.addColumn('machine', types.text)),
    '0011-no-streak': alter('dotmac_endpoint_states', (table) => table.dropColumn('streak')),
    '0012-results': results,
    '0013-buckets': buckets,
    '0014-buckets-by-age': index('dotmac_check_buckets_age', 'dotmac_check_buckets', ['resolution', 'start']),
    '0015-no-samples': (schema) => schema.schema.dropTable('dotmac_samples').ifExists().execute(),
    '0016-incidents': incidents,
    '0017-incidents-by-endpoint': index('dotmac_incidents_endpoint', 'dotmac_incidents', [
      'tenant_id',
      'endpoint_id',
      'id',
    ]),
    '0018-incident-entries': incidentEntries,
    '0019-incident-entries-by-endpoint': index('dotmac_incident_entries_endpoint', 'dotmac_incident_entries', [
      'tenant_id',
      'endpoint_id',
    ]),
    '0020-documents': documents,
    '0021-alerts': alerts,
    '0022-alerts-by-due': index('dotmac_alerts_due', 'dotmac_alerts', ['due_at']),
    '0023-alerts-by-message': index('dotmac_alerts_message', 'dotmac_alerts', ['tenant_id', 'message_id']),
    '0024-alert-messages': alertMessages,
    '0025-result-chunks': chunks,
    '0026-no-results': (schema) => schema.schema.dropTable('dotmac_check_results').ifExists().execute(),
    '0027-documents-by-kind': index('dotmac_health_documents_kind', 'dotmac_health_documents', [
      'kind',
      'tenant_id',
      'id',
    ]),
    '0028-incidents-unresolved': index('dotmac_incidents_unresolved', 'dotmac_incidents', [
      'tenant_id',
      'resolved_at',
      'id',
    ]),
    '0029-incidents-by-age': index('dotmac_incidents_age', 'dotmac_incidents', ['resolved_at', 'tenant_id', 'id']),
    ...sharingMigrations,
    '0036-incident-codes': alter('dotmac_incidents', (table, types) => table.addColumn('code', types.word)),
    '0037-incident-entry-codes': alter('dotmac_incident_entries', (table, types) =>
      table.addColumn('code', types.word),
    ),
    ...eventLogMigrations,
    '0043-alerts-by-due-channel': alertsByDueChannel,
    ...receiptMigrations,
  },
};
