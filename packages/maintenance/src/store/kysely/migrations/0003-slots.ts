import type { Migration } from '@dotmac/core/kysely';

/** The ledger of slots: its primary key is what makes a scheduled run happen once. */
export const slots: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_maintenance_slots')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('schedule', types.key, (c) => c.notNull())
    .addColumn('slot_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_maintenance_slots_pk', ['tenant_id', 'schedule', 'slot_at'])
    .execute();
};
