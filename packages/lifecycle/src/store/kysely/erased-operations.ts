import type { StoreTransaction } from '@dotmac/core';
import { executorFor, toJson, type Database } from '@dotmac/core/kysely';
import type { Erasure } from '../store.js';
import { operationOf } from './bulk.js';
import type { LifecycleTables } from './tables.js';

const pageSize = 500;
const named = ['search', 'externalId', 'attribute'];

/** Writes what is left of operations that are over and looked for somebody. Index: the primary key; reads the tenant's. */
export async function wipeOperations(
  { database, tenantId, trx }: { database: Database; tenantId: string; trx: StoreTransaction },
  { operation }: Erasure,
): Promise<void> {
  const on = executorFor<LifecycleTables>(database, trx);
  const table = 'dotmac_bulk_operations';
  for (let after = ''; ;) {
    const rows = await on
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('id', '>', after)
      .where('ended_at', 'is not', null)
      .where((build) => build.or(named.map((name) => build('filter', 'like', `%"${name}":%`))))
      .orderBy('id')
      .limit(pageSize)
      .execute();
    for (const row of rows) {
      after = row.id;
      const left = operation(operationOf(row));
      if (!left) continue;
      await on
        .updateTable(table)
        .set({ filter: toJson(left.filter), input: toJson(left.input), created_by: left.createdBy })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', row.id)
        .execute();
    }
    if (rows.length < pageSize) return;
  }
}
