import type { Migration, ModuleMigrations } from '@dotmac/core/kysely';
import { answerMigrations } from './answer-migrations.js';
import { customerIndexMigrations } from './customer-index-migrations.js';
import { bulkMigrations } from './bulk-migrations.js';
import { churningMigrations } from './churning-migrations.js';
import { attemptMigrations } from './attempt-migrations.js';
import { issueMigrations } from './issue-pruning.js';
import { limitMigrations } from './limits.js';
import { privacyMigrations } from './privacy-migrations.js';
import { removedWebhookMigrations } from './removed-webhooks.js';
import { sparedMigrations } from './spared-migrations.js';
import { runMigrations } from './run-migrations.js';
import { webhookMigrations } from './webhook-migrations.js';
import { searchMigrations } from './search-migrations.js';

// JSON columns are text, not jsonb: it refuses the character U+0000, and nothing here looks inside.
const customers: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_customers')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('version', types.int, (c) => c.notNull())
    .addColumn('stage', types.word, (c) => c.notNull())
    .addColumn('approval', types.word, (c) => c.notNull())
    .addColumn('username', types.text, (c) => c.notNull())
    .addColumn('username_key', types.word, (c) => c.notNull())
    .addColumn('email', types.text, (c) => c.notNull())
    .addColumn('email_key', types.word, (c) => c.notNull())
    .addColumn('first_name', types.text, (c) => c.notNull())
    .addColumn('last_name', types.text, (c) => c.notNull())
    .addColumn('user_type', types.word, (c) => c.notNull())
    .addColumn('phone', types.word)
    .addColumn('registration_source', types.text, (c) => c.notNull())
    .addColumn('referral_code', types.text)
    .addColumn('terms_accepted_at', types.epochMs, (c) => c.notNull())
    .addColumn('marketing_consent', types.flag, (c) => c.notNull())
    .addColumn('attributes', types.bigText, (c) => c.notNull())
    .addColumn('onboarding_data', types.bigText, (c) => c.notNull())
    .addColumn('blocks', types.bigText, (c) => c.notNull())
    .addColumn('email_verified_at', types.epochMs)
    .addColumn('phone_verified_at', types.epochMs)
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('updated_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_customers_pk', ['tenant_id', 'id'])
    .addUniqueConstraint('dotmac_customers_username', ['tenant_id', 'username_key'])
    .addUniqueConstraint('dotmac_customers_email', ['tenant_id', 'email_key'])
    .execute();
};

const customersByStage: Migration = async (schema) => {
  await schema.schema
    .createIndex('dotmac_customers_stage')
    .on('dotmac_customers')
    .columns(['tenant_id', 'stage', 'id'])
    .execute();
};

const events: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_customer_events')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('seq', types.int, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('name', types.word, (c) => c.notNull())
    .addColumn('entered_stage', types.word)
    .addColumn('actor', types.key, (c) => c.notNull())
    .addColumn('at', types.epochMs, (c) => c.notNull())
    .addColumn('data', types.bigText, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_customer_events_pk', ['tenant_id', 'customer_id', 'seq'])
    .execute();
};

const tokens: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_verification_tokens')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('channel', types.word, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('key_id', types.word, (c) => c.notNull())
    .addColumn('hash', types.word, (c) => c.notNull())
    .addColumn('attempts', types.int, (c) => c.notNull())
    .addColumn('issued_at', types.epochMs, (c) => c.notNull())
    .addColumn('expires_at', types.epochMs, (c) => c.notNull())
    .addColumn('consumed_at', types.epochMs)
    .addColumn('issued', types.int, (c) => c.notNull())
    .addColumn('window_started_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_verification_tokens_pk', ['tenant_id', 'customer_id', 'channel'])
    .execute();
};

const services: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_services')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('service_name', types.key, (c) => c.notNull())
    .addColumn('template_version', types.key, (c) => c.notNull())
    .addColumn('template_hash', types.word, (c) => c.notNull())
    .addColumn('config', types.bigText, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('access', types.word, (c) => c.notNull())
    .addColumn('outputs', types.bigText, (c) => c.notNull())
    .addColumn('blocks', types.bigText, (c) => c.notNull())
    .addColumn('terminate_requested_at', types.epochMs)
    .addColumn('open_run_id', types.id)
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('updated_at', types.epochMs, (c) => c.notNull())
    .addColumn('provisioned_at', types.epochMs)
    .addColumn('terminated_at', types.epochMs)
    .addPrimaryKeyConstraint('dotmac_services_pk', ['tenant_id', 'id'])
    .execute();
};

const serviceIndexes: Migration = async (schema) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_services');
  await index('dotmac_services_customer').columns(['tenant_id', 'customer_id', 'id']).execute();
  await index('dotmac_services_status').columns(['tenant_id', 'status', 'id']).execute();
};

const stepSignals: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_step_signals')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('run_id', types.id, (c) => c.notNull())
    .addColumn('step_key', types.key, (c) => c.notNull())
    .addColumn('said_by', types.key, (c) => c.notNull())
    .addColumn('kind', types.word, (c) => c.notNull())
    .addColumn('comment', types.bigText)
    .addColumn('output', types.bigText, (c) => c.notNull())
    .addColumn('at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_step_signals_pk', ['tenant_id', 'run_id', 'step_key', 'said_by'])
    .execute();
};

const timers: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_lifecycle_timers')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('name', types.key, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('due_at', types.epochMs, (c) => c.notNull())
    .addColumn('command', types.word, (c) => c.notNull())
    .addColumn('input', types.bigText, (c) => c.notNull())
    .addColumn('anchor_at', types.epochMs, (c) => c.notNull())
    .addColumn('set_by', types.key, (c) => c.notNull())
    .addColumn('set_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_lifecycle_timers_pk', ['tenant_id', 'customer_id', 'name'])
    .execute();
};

const timerIndexes: Migration = async (schema) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_lifecycle_timers');
  await index('dotmac_lifecycle_timers_id').columns(['tenant_id', 'id']).execute();
  await index('dotmac_lifecycle_timers_due').columns(['due_at']).execute();
};

const dunningCases: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_dunning_cases')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('policy', types.word, (c) => c.notNull())
    .addColumn('invoices', types.bigText, (c) => c.notNull())
    .addColumn('steps_taken', types.int, (c) => c.notNull())
    .addColumn('last_step_at', types.epochMs)
    .addColumn('opened_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_dunning_cases_pk', ['tenant_id', 'customer_id', 'policy'])
    .execute();
};

/** The lifecycle domain's tables. */
export const lifecycleMigrations: ModuleMigrations = {
  module: 'lifecycle',
  migrations: {
    '0001-customers': customers,
    '0002-customers-by-stage': customersByStage,
    '0003-customer-events': events,
    '0004-verification-tokens': tokens,
    '0007-services': services,
    '0008-service-indexes': serviceIndexes,
    '0011-step-signals': stepSignals,
    '0012-timers': timers,
    '0013-timer-indexes': timerIndexes,
    '0014-dunning-cases': dunningCases,
    ...runMigrations,
    ...privacyMigrations,
    ...webhookMigrations,
    ...bulkMigrations,
    ...searchMigrations,
    ...answerMigrations,
    ...customerIndexMigrations,
    ...churningMigrations,
    ...issueMigrations,
    ...limitMigrations,
    ...attemptMigrations,
    ...removedWebhookMigrations,
    ...sparedMigrations,
  },
};
