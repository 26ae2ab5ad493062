import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import type { Customer } from './customer.js';

/**
 * A customer under its lock, to be changed by what is no command of the table (that one knows what an erased customer may
 * do). Of an erased one nothing is taken any more: it would be personal, and there is nobody to take it away again.
 * @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED
 */
export async function lockToChange(
  { store }: Pick<LifecycleContext, 'store'>,
  tenantId: string,
  customerId: string,
  trx: StoreTransaction,
): Promise<Customer> {
  const customer = await store.tenant(tenantId).customers.lock(customerId, trx);
  if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
  if (customer.erasedAt !== null) throw lifecycleErrors.CUSTOMER_ERASED({ customerId });
  return customer;
}
