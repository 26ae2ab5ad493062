import type { Migration } from '@dotmac/core/kysely';

/** `dotmac_incidents`, as they were at first. */
export const incidents: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_incidents')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('endpoint_name', types.text, (c) => c.notNull())
    .addColumn('severity', types.word, (c) => c.notNull())
    .addColumn('message', types.text, (c) => c.notNull())
    .addColumn('started_at', types.epochMs, (c) => c.notNull())
    .addColumn('opened_at', types.epochMs, (c) => c.notNull())
    .addColumn('acknowledged_at', types.epochMs)
    .addColumn('acknowledged_by', types.text)
    .addColumn('resolved_at', types.epochMs)
    .addPrimaryKeyConstraint('dotmac_incidents_pk', ['tenant_id', 'id'])
    .execute();
};

/** `dotmac_incident_entries`, as they were at first. */
export const incidentEntries: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_incident_entries')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('incident_id', types.id, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('endpoint_id', types.id, (c) => c.notNull())
    .addColumn('at', types.epochMs, (c) => c.notNull())
    .addColumn('kind', types.word, (c) => c.notNull())
    .addColumn('actor', types.text, (c) => c.notNull())
    .addColumn('text', types.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_incident_entries_pk', ['tenant_id', 'incident_id', 'id'])
    .execute();
};
