import type { StoreTransaction } from '@dotmac/core';
import { executorFor, type CoreTables, type Database } from '@dotmac/core/kysely';

/** A customer that is erased, and where. */
export interface ErasedCustomer {
  database: Database;
  tenantId: string;
  customerId: string;
  trx: StoreTransaction;
}

/** Forgets answers that are kept for requests with an `Idempotency-Key`: all that name an id. Reads the tenant's. */
export async function forgetRequests({ database, tenantId, trx }: ErasedCustomer, id: string): Promise<void> {
  await executorFor<CoreTables>(database, trx)
    .deleteFrom('dotmac_idempotency')
    .where('tenant_id', '=', tenantId)
    .where('answer', 'like', `%${id}%`)
    .execute();
}
