import type { Migration } from '@dotmac/core/kysely';

const table = 'dotmac_command_answers';

const answers: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable(table)
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('key_hash', types.word, (c) => c.notNull())
    .addColumn('fingerprint', types.word, (c) => c.notNull())
    .addColumn('customer_id', types.id)
    .addColumn('answer', types.bigText)
    .addColumn('keep_until', types.epochMs, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_command_answers_pk', ['tenant_id', 'key_hash'])
    .execute();
};

/** Indexes apart from their table: on MySQL each statement commits by itself. */
const answerIndexes: Migration = async (schema) => {
  await schema.schema.createIndex('dotmac_command_answers_keep').on(table).columns(['keep_until']).execute();
  await schema.schema
    .createIndex('dotmac_command_answers_customer')
    .on(table)
    .columns(['tenant_id', 'customer_id'])
    .execute();
};

/** What commands answered under their keys. */
export const answerMigrations: Record<string, Migration> = {
  '0035-command-answers': answers,
  '0036-command-answer-indexes': answerIndexes,
};
