import type { Database } from '@dotmac/core/kysely';
import { wordsAtEnd } from './bulk-erased.js';
import type { LifecycleTables } from './tables.js';

/**
 * Deletes up to `limit` rows of operations that ended before an instant, the oldest first: what belongs to one goes before
 * it. Indexes: (ended_at), and the primary keys of what belongs to it.
 */
export async function pruneBulk(database: Database, before: number, limit: number): Promise<number> {
  const kysely = database.withTables<LifecycleTables>();
  const removePart = async (
    table: 'dotmac_bulk_failures' | 'dotmac_bulk_targets',
    of: { tenant_id: string; id: string },
    most: number,
  ): Promise<number> => {
    const rows = await kysely
      .selectFrom(table)
      .select('customer_id')
      .where('tenant_id', '=', of.tenant_id)
      .where('operation_id', '=', of.id)
      .orderBy('customer_id')
      .limit(most)
      .execute();
    const last = rows.at(-1);
    if (last)
      await kysely
        .deleteFrom(table)
        .where('tenant_id', '=', of.tenant_id)
        .where('operation_id', '=', of.id)
        .where('customer_id', '<=', last.customer_id)
        .execute();
    return rows.length;
  };
  let removed = 0;
  while (removed < limit) {
    const oldest = await kysely
      .selectFrom('dotmac_bulk_operations')
      .select(['tenant_id', 'id'])
      .where('ended_at', '<', before)
      .orderBy('ended_at')
      .executeTakeFirst();
    if (!oldest) break;
    for (const table of ['dotmac_bulk_failures', 'dotmac_bulk_targets'] as const)
      if (removed < limit) removed += await removePart(table, oldest, limit - removed);
    if (removed >= limit) break;
    await kysely
      .deleteFrom('dotmac_bulk_operations')
      .where('tenant_id', '=', oldest.tenant_id)
      .where('id', '=', oldest.id)
      .execute();
    removed += 1;
  }
  return removed;
}

/**
 * Cancels up to `limit` operations that nobody listed anybody for since an instant; one that somebody does meanwhile stays.
 * Index: (status, touched_at).
 */
export async function cancelAbandonedBulk(
  database: Database,
  before: number,
  at: number,
  limit: number,
): Promise<number> {
  const kysely = database.withTables<LifecycleTables>();
  const left = await kysely
    .selectFrom('dotmac_bulk_operations')
    .select(['tenant_id', 'id'])
    .where('status', '=', 'collecting')
    .where('touched_at', '<', before)
    .orderBy('touched_at')
    .limit(limit)
    .execute();
  for (const { tenant_id, id } of left)
    await kysely
      .updateTable('dotmac_bulk_operations')
      .set({ status: 'cancelled', ended_at: at, ...wordsAtEnd })
      .where('tenant_id', '=', tenant_id)
      .where('id', '=', id)
      .where('status', '=', 'collecting')
      .where('touched_at', '<', before)
      .execute();
  return left.length;
}
