import type { Migration } from '@dotmac/core/kysely';

const operations: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_bulk_operations')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addColumn('command', types.word, (c) => c.notNull())
    .addColumn('input', types.bigText, (c) => c.notNull())
    .addColumn('filter', types.bigText, (c) => c.notNull())
    .addColumn('dry_run', types.flag, (c) => c.notNull())
    .addColumn('status', types.word, (c) => c.notNull())
    .addColumn('total', types.int)
    .addColumn('processed', types.int, (c) => c.notNull())
    .addColumn('changed', types.int, (c) => c.notNull())
    .addColumn('refused', types.int, (c) => c.notNull())
    .addColumn('outcomes', types.bigText, (c) => c.notNull())
    // Not `cursor`: MySQL keeps that word.
    .addColumn('last_customer_id', types.id, (c) => c.notNull())
    .addColumn('up_to', types.id, (c) => c.notNull())
    .addColumn('created_by', types.key, (c) => c.notNull())
    .addColumn('created_at', types.epochMs, (c) => c.notNull())
    .addColumn('started_at', types.epochMs)
    .addColumn('touched_at', types.epochMs, (c) => c.notNull())
    .addColumn('ended_at', types.epochMs)
    .addColumn('cancel_requested_at', types.epochMs)
    .addPrimaryKeyConstraint('dotmac_bulk_operations_pk', ['tenant_id', 'id'])
    .execute();
};

/** A tenant's open ones; and, for the sweep over all tenants, those that nobody goes on with. */
const operationIndexes: Migration = async (schema) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_bulk_operations');
  await index('dotmac_bulk_operations_open').columns(['tenant_id', 'status']).execute();
  await index('dotmac_bulk_operations_due').columns(['status', 'touched_at']).execute();
};

const failures: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_bulk_failures')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('operation_id', types.id, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addColumn('code', types.word, (c) => c.notNull())
    .addColumn('message', types.text, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_bulk_failures_pk', ['tenant_id', 'operation_id', 'customer_id'])
    .execute();
};

const targets: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable('dotmac_bulk_targets')
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('operation_id', types.id, (c) => c.notNull())
    .addColumn('customer_id', types.id, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_bulk_targets_pk', ['tenant_id', 'operation_id', 'customer_id'])
    .execute();
};

/** What ended long ago, for its removal. */
const endedIndex: Migration = async (schema) => {
  await schema.schema
    .createIndex('dotmac_bulk_operations_ended')
    .on('dotmac_bulk_operations')
    .columns(['ended_at'])
    .execute();
};

/** What erasures leave of operations that are not over. */
const erasedColumns: Migration = async (schema, { types }) => {
  const operations = () => schema.schema.alterTable('dotmac_bulk_operations');
  await operations().addColumn('erased_filter', types.bigText).execute();
  await operations().addColumn('erased_input', types.bigText).execute();
  await operations().addColumn('erased_by', types.key).execute();
};

/** Commands for many: how far each is, who was refused, and who is meant where they are listed one by one. */
export const bulkMigrations: Record<string, Migration> = {
  '0022-bulk-operations': operations,
  '0023-bulk-operation-indexes': operationIndexes,
  '0024-bulk-failures': failures,
  '0025-bulk-targets': targets,
  '0041-bulk-ended-index': endedIndex,
  '0047-bulk-erased': erasedColumns,
};
