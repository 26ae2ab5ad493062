import type { Migration } from '@dotmac/core/kysely';

const spared: Migration = async (schema, { types }) => {
  await schema.schema.alterTable('dotmac_services').addColumn('spared', types.bigText).execute();
};

/** What of its customer does not count for a service. */
export const sparedMigrations: Record<string, Migration> = { '0053-spared-services': spared };
