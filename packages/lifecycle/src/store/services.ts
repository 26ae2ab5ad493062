import type { StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { ServiceInstance, ServiceStatus } from '../services/instance.js';

/** One tenant's services. They are changed under the lock of their customer alone. */
export interface ServiceStore {
  insert(service: ServiceInstance, trx: StoreTransaction): Promise<void>;
  get(serviceId: string, trx?: StoreTransaction): Promise<ServiceInstance | undefined>;
  /** Reads the latest state, and keeps others from changing it until the transaction ends. */
  lock(serviceId: string, trx: StoreTransaction): Promise<ServiceInstance | undefined>;
  replace(service: ServiceInstance, trx: StoreTransaction): Promise<void>;
  /** A customer's services that are neither terminated nor failed, oldest first. */
  live(customerId: string, trx: StoreTransaction): Promise<ServiceInstance[]>;
  /** Newest first; `cursor` is the id of the last one seen. */
  list(ask: {
    customerId?: string | undefined;
    status?: ServiceStatus | undefined;
    limit: number;
    cursor?: string | undefined;
  }): Promise<Page<ServiceInstance>>;
  /** Those of these customers, up to 200, that have services, whatever became of them. */
  ownersAmong(customerIds: readonly string[]): Promise<string[]>;
  countByStatus(): Promise<Partial<Record<ServiceStatus, number>>>;
}
