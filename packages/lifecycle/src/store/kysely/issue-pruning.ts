import type { Database, Migration } from '@dotmac/core/kysely';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_verification_quotas';

const windows: Migration = async (schema) => {
  await schema.schema
    .createIndex('dotmac_verification_quotas_window')
    .on(table)
    .columns(['window_started_at'])
    .execute();
};

/** What is over of the counts of addresses, for its removal. */
export const issueMigrations: Record<string, Migration> = { '0046-verification-quota-windows': windows };

/** Removes counts whose window is over, some at a time; how many. Index: (window_started_at). */
export async function pruneIssues(database: Database, began: number, limit: number): Promise<number> {
  const kysely = database.withTables<LifecycleTables>();
  const old = await kysely
    .selectFrom(table)
    .select(['tenant_id', 'address_key'])
    .where('window_started_at', '<=', began)
    .orderBy('window_started_at')
    .limit(limit)
    .execute();
  for (const { tenant_id, address_key } of old)
    await kysely
      .deleteFrom(table)
      .where('tenant_id', '=', tenant_id)
      .where('address_key', '=', address_key)
      // Not one that has begun anew since.
      .where('window_started_at', '<=', began)
      .execute();
  return old.length;
}
