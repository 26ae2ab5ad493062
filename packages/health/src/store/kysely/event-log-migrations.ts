import type { Migration } from '@dotmac/core/kysely';

// Events are text, as in the outbox: nothing here looks inside.
const events: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_health_events')
    .ifNotExists()
    .addColumn('seq', types.serial)
    .addColumn('event_id', types.id, (c) => c.notNull())
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('event', types.bigText, (c) => c.notNull())
    .addColumn('logged_at', types.epochMs, (c) => c.notNull())
    .addColumn('position', types.bigInt)
    .execute();
};

const feeds: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_health_event_feeds')
    .ifNotExists()
    .addColumn('name', types.word, (c) => c.notNull().primaryKey())
    .addColumn('last_position', types.bigInt, (c) => c.notNull())
    .execute();
};

const index =
  (name: string, columns: string[]): Migration =>
  (schema) =>
    schema.schema.createIndex(name).on('dotmac_health_events').columns(columns).execute();

/** For what happens, as every process follows it. */
export const eventLogMigrations: Record<string, Migration> = {
  '0038-events': events,
  '0039-event-feeds': feeds,
  '0040-events-by-position': index('dotmac_health_events_position', ['position', 'seq']),
  '0041-events-by-tenant': index('dotmac_health_events_tenant', ['tenant_id', 'position']),
  '0042-events-by-id': index('dotmac_health_events_id', ['tenant_id', 'event_id']),
};
