import type { Customer } from '../../src/customers/customer.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { aCustomer, anEvent } from '../../src/testing/samples.js';

/** Many customers, with a history of one event each. */
export async function crowd(
  store: LifecycleStore,
  count: number,
  change: Partial<Customer> | ((index: number) => Partial<Customer>) = { stage: 'active' },
  tenantId = 'acme',
): Promise<Customer[]> {
  const { customers, history } = store.tenant(tenantId);
  const people = Array.from({ length: count }, (_, index) =>
    aCustomer(tenantId, typeof change === 'function' ? change(index) : change),
  );
  await store.transaction(async (trx) => {
    for (const person of people) {
      await customers.insert([person], trx);
      await history.append([{ seq: 1, event: anEvent(tenantId, person.id, person.stage) }], trx);
    }
  });
  return people;
}
