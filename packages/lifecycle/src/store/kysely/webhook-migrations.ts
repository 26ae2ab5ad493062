import type { ColumnTypes, Migration } from '@dotmac/core/kysely';

const webhooks: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_lifecycle_webhooks')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('name', types.text, (c) => c.notNull())
    .addColumn('url', types.text, (c) => c.notNull())
    .addColumn('events', types.text)
    .addColumn('enabled', types.flag, (c) => c.notNull())
    .addColumn('sealed_secret', types.text, (c) => c.notNull())
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('updated_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_lifecycle_webhooks_pk', ['tenant_id', 'id'])
    .execute();
};

const deliveries: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_webhook_deliveries')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('webhook_id', types.id, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('event_id', types.id, (c) => c.notNull())
    .addColumn('event_type', types.word, (c) => c.notNull())
    .addColumn('event_at', types.epochMs, (c) => c.notNull())
    .addColumn('state', types.word, (c) => c.notNull())
    .addColumn('attempts', types.int, (c) => c.notNull())
    .addColumn('last_attempt_at', types.epochMs)
    .addColumn('last_failure', types.word)
    .addColumn('delivered_at', types.epochMs)
    .addPrimaryKeyConstraint('dotmac_webhook_deliveries_pk', ['tenant_id', 'id'])
    .addUniqueConstraint('dotmac_webhook_deliveries_event', ['tenant_id', 'webhook_id', 'event_id'])
    .execute();
};

/** The log of one webhook, newest first, all of it and by state; its events by time; and what is too old. */
const deliveryIndexes: Migration = async (schema) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_webhook_deliveries');
  await index('dotmac_webhook_deliveries_log').columns(['tenant_id', 'webhook_id', 'id']).execute();
  await index('dotmac_webhook_deliveries_state').columns(['tenant_id', 'webhook_id', 'state', 'id']).execute();
  await index('dotmac_webhook_deliveries_time').columns(['tenant_id', 'webhook_id', 'event_at', 'id']).execute();
  await index('dotmac_webhook_deliveries_old').columns(['event_at']).execute();
};

/** A column each: on MySQL each statement commits by itself, and SQLite adds one at a time. */
const column =
  (name: string, type: keyof ColumnTypes): Migration =>
  async (schema, { types }) => {
    await schema.schema.alterTable('dotmac_lifecycle_webhooks').addColumn(name, types[type]).execute();
  };

/** Webhooks, and the log of what became of each event. */
export const webhookMigrations: Record<string, Migration> = {
  '0019-webhooks': webhooks,
  '0020-webhook-deliveries': deliveries,
  '0021-webhook-delivery-indexes': deliveryIndexes,
  '0037-webhook-old-secrets': column('old_sealed_secret', 'text'),
  '0038-webhook-old-secrets-until': column('old_secret_until', 'epochMs'),
  '0039-webhooks-failing-since': column('failing_since', 'epochMs'),
  '0040-webhooks-disabled-at': column('disabled_at', 'epochMs'),
};
