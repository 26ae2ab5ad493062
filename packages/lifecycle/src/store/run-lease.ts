import type { Lease, Leases } from '@dotmac/core';
import type { Customer } from '../customers/customer.js';
import type { Run } from '../provisioning/run.js';
import type { ServiceInstance } from '../services/instance.js';

/** What a checkpoint writes of a run. */
export type Checkpoint = Pick<Run, 'status' | 'direction' | 'steps' | 'nextAt' | 'provisionedAt' | 'updatedAt'>;

/** What a worker has to know before it goes on with a run. */
export interface RunStanding {
  customer: Customer;
  cancelRequestedAt: number | null;
}

/** A run as it was when somebody took it. */
export interface TakenRun {
  run: Run;
  customer: Customer;
  service: ServiceInstance;
}

/** Leases on runs. A store that can, gives what was taken along, and spares whoever took it the reading. */
export interface RunLeases extends Leases {
  acquire(key: string, owner: string, ttlMs: number): Promise<(Lease & { taken?: TakenRun | undefined }) | null>;
}
