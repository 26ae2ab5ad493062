import type { Kysely } from 'kysely';
import type { Migration } from '@dotmac/core/kysely';
import type { LifecycleTables } from './tables.js';

const churningFrom: Migration = async (schema, { types }) => {
  await schema.schema.alterTable('dotmac_customers').addColumn('churning_from', types.word).execute();
};

/** By their events, whoever is churning was active: until now no other stage led there. */
const churningFromActive: Migration = async (schema) => {
  await (schema as Kysely<LifecycleTables>)
    .updateTable('dotmac_customers')
    .set({ churning_from: 'active' })
    .where('stage', '=', 'churning')
    .execute();
};

/** In which stage customers were marked as churning. */
export const churningMigrations: Record<string, Migration> = {
  '0044-churning-from': churningFrom,
  '0045-churning-from-active': churningFromActive,
};
