import type { Migration, ModuleMigrations } from './migrate.js';

// Events and answers are text, not jsonb: it refuses the character U+0000, and nothing here looks inside.
const outbox: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_outbox')
    .ifNotExists()
    .addColumn('seq', types.serial)
    .addColumn('delivery_id', types.id, (c) => c.notNull())
    .addColumn('queue', types.word, (c) => c.notNull())
    .addColumn('subscriber', types.key, (c) => c.notNull())
    .addColumn('lane', types.word, (c) => c.notNull())
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('event', types.bigText, (c) => c.notNull())
    .addColumn('attempts', types.int, (c) => c.notNull().defaultTo(0))
    .addColumn('available_at', types.epochMs, (c) => c.notNull())
    .addColumn('claim', types.word)
    .addColumn('parked_at', types.epochMs)
    .addColumn('park_reason', types.text)
    .execute();
};

/** Indexes apart from their table: on MySQL each statement commits by itself. */
const outboxIndexes: Migration = async (schema) => {
  const index = (name: string): ReturnType<typeof schema.schema.createIndex> => schema.schema.createIndex(name);
  await index('dotmac_outbox_due').on('dotmac_outbox').columns(['queue', 'parked_at', 'available_at']).execute();
  await index('dotmac_outbox_lane').on('dotmac_outbox').columns(['lane', 'parked_at', 'seq']).execute();
  await index('dotmac_outbox_tenant').on('dotmac_outbox').columns(['tenant_id', 'parked_at', 'seq']).execute();
};

const leases: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_leases')
    .ifNotExists()
    .addColumn('name', types.key, (c) => c.notNull().primaryKey())
    .addColumn('owner', types.key)
    .addColumn('fence', types.bigInt, (c) => c.notNull())
    .addColumn('until_at', types.epochMs, (c) => c.notNull())
    .execute();
};

const idempotency: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_idempotency')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('key_hash', types.word, (c) => c.notNull())
    .addColumn('fingerprint', types.key, (c) => c.notNull())
    .addColumn('lease_until', types.epochMs, (c) => c.notNull())
    .addColumn('keep_until', types.epochMs, (c) => c.notNull())
    .addColumn('answer', types.bigText)
    .addPrimaryKeyConstraint('dotmac_idempotency_pk', ['tenant_id', 'key_hash'])
    .execute();
};

const idempotencyIndex: Migration = async (schema) => {
  await schema.schema.createIndex('dotmac_idempotency_keep').on('dotmac_idempotency').columns(['keep_until']).execute();
};

/** The index of what is due, with all of the order in it: nothing is sorted for a claim. */
const outboxDue: Migration = async (schema, { traits }) => {
  await schema.schema
    .createIndex('dotmac_outbox_next')
    .on('dotmac_outbox')
    .columns(['queue', 'parked_at', 'available_at', 'seq'])
    .execute();
  // Where DDL takes part in no transactions, indexes are named within their table.
  const drop = schema.schema.dropIndex('dotmac_outbox_due');
  await (traits.transactionalDdl ? drop : drop.on('dotmac_outbox')).execute();
};

/**
 * The tables that core itself keeps: outbox, leases, idempotency. Every module that uses one of them applies these
 * first.
 */
export const coreMigrations: ModuleMigrations = {
  module: 'core',
  migrations: {
    '0001-outbox': outbox,
    '0002-outbox-indexes': outboxIndexes,
    '0003-leases': leases,
    '0004-idempotency': idempotency,
    '0005-idempotency-index': idempotencyIndex,
    '0006-outbox-next': outboxDue,
  },
};
