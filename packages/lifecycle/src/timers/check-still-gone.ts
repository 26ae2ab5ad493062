import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { illegal } from '../customers/transitions.js';

/** What happens to a customer who had left and is back. */
const back = ['customer.restored', 'customer.won_back'];

/**
 * An erasure is meant for a customer who left. Came it back since, what it was set for is over, even where the customer has
 * left again: that departure has a time of its own.
 * @param since the first moment of a return that counts (epoch ms)
 * @throws ILLEGAL_TRANSITION
 */
export async function checkStillGone(
  { store, checklist }: Pick<LifecycleContext, 'store' | 'checklist'>,
  tenantId: string,
  customerId: string,
  { since, trx }: { since: number; trx: StoreTransaction },
): Promise<void> {
  const { customers, history } = store.tenant(tenantId);
  const [last] = await history.page(customerId, { names: back, limit: 1 }, trx);
  const customer = await customers.lock(customerId, trx);
  if (customer && last && last.event.at >= since)
    throw illegal(customer, 'erase', checklist, 'it came back after this was set');
}
