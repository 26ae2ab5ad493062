import type { StoreTransaction } from '@dotmac/core';
import { executorFor, type CoreTables, type Database } from '@dotmac/core/kysely';

/** A customer that is erased, and where. */
export interface ErasedCustomer {
  database: Database;
  tenantId: string;
  customerId: string;
  trx: StoreTransaction;
}

/** Far below every database's limit of parameters, and of the depth of a condition. */
const idsPerStatement = 100;

/** Forgets answers that are kept for requests with an `Idempotency-Key`: all that name one of some ids. Reads the tenant's. */
export async function forgetRequests(
  { database, tenantId, trx }: ErasedCustomer,
  ids: readonly string[],
): Promise<void> {
  for (let start = 0; start < ids.length; start += idsPerStatement)
    await executorFor<CoreTables>(database, trx)
      .deleteFrom('dotmac_idempotency')
      .where('tenant_id', '=', tenantId)
      .where((build) =>
        build.or(ids.slice(start, start + idsPerStatement).map((id) => build('answer', 'like', `%${id}%`))),
      )
      .execute();
}
