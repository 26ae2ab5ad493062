import type { Migration } from '@dotmac/core/kysely';

const erasedAt: Migration = async (schema, { types }) => {
  await schema.schema.alterTable('dotmac_customers').addColumn('erased_at', types.epochMs).execute();
};

const sealed: Migration = async (schema, { types }) => {
  await schema.schema.alterTable('dotmac_customer_events').addColumn('sealed', types.bigText).execute();
};

/** Apart from everything else, so that backups can leave it out: what is sealed in them is gone with the key, too. */
const keys: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_customer_keys')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('sealed_key', types.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_customer_keys_pk', ['tenant_id', 'customer_id'])
    .execute();
};

const holds: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_legal_holds')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('name', types.key, (c) => c.notNull())
    .addColumn('note', types.text)
    .addColumn('set_by', types.key, (c) => c.notNull())
    .addColumn('set_at', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_legal_holds_pk', ['tenant_id', 'customer_id', 'name'])
    .execute();
};

/** Keys, holds and erasures. */
export const privacyMigrations: Record<string, Migration> = {
  '0015-privacy-erased-customers': erasedAt,
  '0016-privacy-sealed-events': sealed,
  '0017-privacy-customer-keys': keys,
  '0018-privacy-legal-holds': holds,
};
