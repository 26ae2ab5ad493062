import type { Lease, Leases, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { Customer } from '../customers/customer.js';
import type { Run, RunStatus } from '../provisioning/run.js';
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
  /** Also null for a run whose template has none of these hashes, if some are given: it is left to who knows it. */
  acquire(
    key: string,
    owner: string,
    ttlMs: number,
    templateHashes?: readonly string[],
  ): Promise<(Lease & { taken?: TakenRun | undefined }) | null>;
}

/** One tenant's provisioning runs. */
export interface RunStore {
  insert(run: Run, trx: StoreTransaction): Promise<void>;
  get(runId: string, trx?: StoreTransaction): Promise<Run | undefined>;
  /** Reads the latest state, and keeps others from changing it until the transaction ends. */
  lock(runId: string, trx: StoreTransaction): Promise<Run | undefined>;
  /** A service's latest runs, newest first; only those before a run, if asked. */
  listFor(serviceId: string, limit: number, before?: string, trx?: StoreTransaction): Promise<Run[]>;
  /** Newest first; `cursor` is the id of the last one seen. */
  list(ask: { status?: RunStatus | undefined; limit: number; cursor?: string | undefined }): Promise<Page<Run>>;
  /**
   * Writes how far a run is, if `fence` is still the run's; false, and nothing written, when another worker took the
   * run over. The one that ends the run gives its lease back. `begunService` is set up from now on: it is `provisioning` if it was `pending`.
   */
  checkpoint(
    runId: string,
    fence: number,
    state: Checkpoint & { begunService?: string | undefined },
    trx?: StoreTransaction,
  ): Promise<boolean>;
  /** Writes a run that nobody works on, as somebody set it. */
  reopen(run: Run, trx: StoreTransaction): Promise<void>;
  /** Notes that a run is to be cancelled, and makes it due. */
  requestCancel(runId: string, at: number, trx: StoreTransaction): Promise<void>;
  /** A checkpoint, and what has to be known after it; undefined, and nothing written, as `checkpoint` says false. */
  proceed(
    runId: string,
    fence: number,
    state: Checkpoint & { begunService?: string | undefined },
  ): Promise<RunStanding | undefined>;
  /** Undefined when the run or its customer is not there. */
  standing(runId: string, trx?: StoreTransaction): Promise<RunStanding | undefined>;
  /** Makes a run due that waits. */
  wakeWaiting(runId: string, at: number, trx: StoreTransaction): Promise<void>;
  /** Makes a run due that goes forward, also between two attempts of a step. */
  makeDue(runId: string, at: number, trx: StoreTransaction): Promise<void>;
}
