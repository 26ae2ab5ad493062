import type { ServiceInstance, ServiceStatus } from '../../services/instance.js';
import { pageOf } from '../page-of.js';
import type { ServiceStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** Services in memory. */
export function memoryServices(memory: LifecycleMemory, tenantId: string): ServiceStore {
  const keyOf = (id: string): string => `${tenantId}/${id}`;
  /** Newest first. */
  const own = (): ServiceInstance[] =>
    [...memory.read.services.values()]
      .filter((service) => service.tenantId === tenantId)
      .sort((a, b) => (a.id < b.id ? 1 : -1));
  const get: ServiceStore['get'] = (serviceId) => Promise.resolve(memory.read.services.get(keyOf(serviceId)));
  const write: ServiceStore['insert'] = (service, trx) =>
    memory.transaction(
      ({ services }) => void services.set(keyOf(service.id), structuredClone({ ...service, tenantId })),
      trx,
    );
  return {
    insert: write,
    get,
    lock: get,
    replace: write,
    live: (customerId) =>
      Promise.resolve(
        own()
          .filter((it) => it.customerId === customerId && it.status !== 'terminated' && it.status !== 'failed')
          .reverse(),
      ),
    list({ customerId, status, limit, cursor }) {
      const found = own().filter(
        (it) =>
          (customerId === undefined || it.customerId === customerId) &&
          (status === undefined || it.status === status) &&
          (cursor === undefined || it.id < cursor),
      );
      return Promise.resolve(pageOf(found, limit));
    },
    ownersAmong(customerIds) {
      const owners = new Set(own().map(({ customerId }) => customerId));
      return Promise.resolve(customerIds.filter((id) => owners.has(id)));
    },
    countByStatus() {
      const counts: Partial<Record<ServiceStatus, number>> = {};
      for (const { status } of own()) counts[status] = (counts[status] ?? 0) + 1;
      return Promise.resolve(counts);
    },
  };
}
