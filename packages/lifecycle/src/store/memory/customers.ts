import type { Outbox } from '@dotmac/core';
import type { Stage } from '../../customers/stage.js';
import type { ServiceInstance } from '../../services/instance.js';
import { nameKey } from '../name-key.js';
import type { CustomerStore } from '../store.js';
import type { LifecycleMemory } from './index.js';

/** Customers in memory. */
export function memoryCustomers(memory: LifecycleMemory, outbox: Outbox, tenantId: string): CustomerStore {
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
    // In its turn: what another transaction has written so far may be undone yet.
    standing: (customerId) =>
      memory.transaction(({ customers, services }) => {
        const customer = customers.get(keyOf(customerId));
        const isLive = ({ status }: ServiceInstance): boolean => status !== 'terminated' && status !== 'failed';
        const own = [...services.values()].filter((it) => it.tenantId === tenantId && it.customerId === customerId);
        return customer && { customer, liveServices: own.filter(isLive).length };
      }),
    change: ({ before, after, history, outbox: entries, requested, ended }, join) =>
      memory.transaction(async (maps, trx) => {
        const kept = maps.customers.get(keyOf(after.id));
        if (kept?.version !== before.version) return false;
        const record = ended && maps.runs.get(keyOf(ended.runId));
        if (record?.fence !== ended?.fence) return false;
        for (const of of ['username', 'email'] as const)
          if (kept[of] !== after[of]) {
            maps.names.delete(nameOf(of, kept[of]));
            maps.names.set(nameOf(of, after[of]), after.id);
          }
        maps.customers.set(keyOf(after.id), structuredClone({ ...after, tenantId }));
        const events = maps.history.get(keyOf(after.id)) ?? [];
        maps.history.set(keyOf(after.id), [...events, ...structuredClone(history)]);
        if (requested) {
          const { service, run } = structuredClone(requested);
          maps.services.set(keyOf(service.id), { ...service, tenantId });
          maps.runs.set(keyOf(run.id), { run: { ...run, tenantId }, fence: 0, leaseOwner: null, leaseUntil: 0 });
        }
        if (ended && record) {
          const run = { ...record.run, ...structuredClone(ended.state) };
          maps.runs.set(keyOf(ended.runId), { ...record, run, leaseOwner: null, leaseUntil: 0 });
          maps.services.set(keyOf(ended.service.id), structuredClone({ ...ended.service, tenantId }));
        }
        await outbox.append(entries, trx);
        return true;
      }, join),
    countByStage() {
      const counts: Partial<Record<Stage, number>> = {};
      for (const customer of memory.read.customers.values())
        if (customer.tenantId === tenantId) counts[customer.stage] = (counts[customer.stage] ?? 0) + 1;
      return Promise.resolve(counts);
    },
  };
}
