import type { Migration } from '@dotmac/core/kysely';

/** Reports sum a tenant's runs up by when they began. */
export const runStarts: Migration = async ({ schema }) => {
  const columns = ['tenant_id', 'started_at'] as const;
  await schema
    .createIndex('dotmac_maintenance_runs_started')
    .on('dotmac_maintenance_runs')
    .columns([...columns])
    .execute();
};
