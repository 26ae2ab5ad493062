import type { Migration } from '@dotmac/core/kysely';

/** Plans are removed by when they were made. */
export const planTimes: Migration = async ({ schema }) => {
  const table = schema.createIndex('dotmac_maintenance_plans_created').on('dotmac_maintenance_plans');
  await table.columns(['created_at']).execute();
};
