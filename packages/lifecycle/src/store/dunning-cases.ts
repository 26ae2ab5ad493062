import type { StoreTransaction } from '@dotmac/core';
import type { DunningCase } from '../dunning/case.js';

/** One tenant's customers who do not pay. Changed under the lock of their customer alone. */
export interface DunningCaseStore {
  get(customerId: string, policy: string, trx?: StoreTransaction): Promise<DunningCase | undefined>;
  /** In the place of the customer's one of this policy. */
  put(kept: DunningCase, trx: StoreTransaction): Promise<void>;
  remove(customerId: string, policy: string, trx: StoreTransaction): Promise<void>;
  /** A customer's cases, by policy. */
  listFor(customerId: string): Promise<DunningCase[]>;
}
