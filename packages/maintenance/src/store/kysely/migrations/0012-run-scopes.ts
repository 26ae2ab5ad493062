import type { Migration } from '@dotmac/core/kysely';

/** What runs of a task found on a machine is looked for by that on one that is new, among the runs of all others. */
export const runScopes: Migration = async ({ schema }) => {
  const columns = ['tenant_id', 'scope_id', 'task', 'id'] as const;
  await schema
    .createIndex('dotmac_maintenance_runs_scope')
    .on('dotmac_maintenance_runs')
    .columns([...columns])
    .execute();
};
