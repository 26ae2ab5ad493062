import type { StoreTransaction } from '@dotmac/core';

/** What a tenant has so many of at the most, and no customer's lock guards. */
export type LimitName = 'open-bulk-operations' | 'webhooks';

/** One tenant's limits. */
export interface LimitStore {
  /** Keeps others out, who come for the same limit, until the transaction ends: who counts then may add one. */
  lock(limit: LimitName, trx: StoreTransaction): Promise<void>;
}
