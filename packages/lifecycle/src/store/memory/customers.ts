import type { Stage } from '../../customers/stage.js';
import { nameKey } from '../name-key.js';
import type { CustomerStore } from '../store.js';
import type { LifecycleMemory } from './index.js';

/** Customers in memory. */
export function memoryCustomers(memory: LifecycleMemory, tenantId: string): CustomerStore {
  const keyOf = (id: string): string => `${tenantId}/${id}`;
  const nameOf = (of: 'username' | 'email', name: string): string => `${tenantId}/${of}/${nameKey(name)}`;
  const get = (id: string) => Promise.resolve(memory.read.customers.get(keyOf(id)));
  return {
    insert: (customer, trx) =>
      memory.transaction(({ customers, names }) => {
        const username = nameOf('username', customer.username);
        const email = nameOf('email', customer.email);
        if (names.has(username)) return 'username';
        if (names.has(email)) return 'email';
        names.set(username, customer.id);
        names.set(email, customer.id);
        customers.set(keyOf(customer.id), structuredClone({ ...customer, tenantId }));
        return 'inserted';
      }, trx),
    get,
    lock: get,
    replace: (customer, expectedVersion, trx) =>
      memory.transaction(({ customers, names }) => {
        const before = customers.get(keyOf(customer.id));
        if (before?.version !== expectedVersion) return false;
        for (const of of ['username', 'email'] as const)
          if (before[of] !== customer[of]) {
            names.delete(nameOf(of, before[of]));
            names.set(nameOf(of, customer[of]), customer.id);
          }
        customers.set(keyOf(customer.id), structuredClone({ ...customer, tenantId }));
        return true;
      }, trx),
    countByStage() {
      const counts: Partial<Record<Stage, number>> = {};
      for (const customer of memory.read.customers.values())
        if (customer.tenantId === tenantId) counts[customer.stage] = (counts[customer.stage] ?? 0) + 1;
      return Promise.resolve(counts);
    },
  };
}
