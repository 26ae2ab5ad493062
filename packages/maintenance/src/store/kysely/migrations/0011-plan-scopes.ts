import type { Migration } from '@dotmac/core/kysely';

/** Whose things a plan is about; null in plans of before. */
export const planScopes: Migration = async ({ schema }, { types }) => {
  await schema.alterTable('dotmac_maintenance_plans').addColumn('scope_id', types.key).execute();
};
