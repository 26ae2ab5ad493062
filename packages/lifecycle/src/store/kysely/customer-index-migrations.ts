import type { Migration } from '@dotmac/core/kysely';

/** Those of a stage, of a type, and of a time of change, with all else that lists ask of columns: no row is looked up for it. */
const wholeIndexes: Migration = async (schema) => {
  const index = (name: string) => schema.schema.createIndex(name).on('dotmac_customers');
  await index('dotmac_customers_by_stage')
    .columns(['tenant_id', 'stage', 'created_at', 'id', 'user_type', 'updated_at'])
    .execute();
  await index('dotmac_customers_by_type')
    .columns(['tenant_id', 'user_type', 'created_at', 'id', 'stage', 'updated_at'])
    .execute();
  await index('dotmac_customers_by_change')
    .columns(['tenant_id', 'updated_at', 'id', 'stage', 'user_type', 'created_at'])
    .execute();
};

/** Those that the indexes above do the work of. */
const narrowIndexes: Migration = async (schema, { traits }) => {
  for (const name of ['stage_created', 'type', 'updated']) {
    const drop = schema.schema.dropIndex(`dotmac_customers_${name}`);
    // Where DDL takes part in no transactions, indexes are named within their table.
    await (traits.transactionalDdl ? drop : drop.on('dotmac_customers')).execute();
  }
};

/** Lists of customers by several columns. */
export const customerIndexMigrations: Record<string, Migration> = {
  '0042-whole-customer-indexes': wholeIndexes,
  '0043-narrow-customer-indexes': narrowIndexes,
};
