import type { NamedLeases, StoreTransaction } from '@dotmac/core';
import type { ProbeResult } from '../probes/judge.js';
import type { StoredEndpoint } from './stored-endpoint.js';

/** By what right a process writes what it found out: refused once another has the lease. */
export interface Term {
  key: string;
  fence: number;
}

/** Which settlement of a process it is, or which of the times that it handed results over. */
export interface Receipt {
  /** Names the process, as who settles or as who hands over; never given twice. */
  process: string;
  /** From 1 on; greater with each. */
  number: number;
}

/** How long endpoints were monitored, by one process after another: what jobs are measured by, and no wall clock changes. */
export interface WatchTime {
  /** In all, ms. */
  ms: number;
  /** What it was when that began which goes on since without a break, ms. */
  sinceMs: number;
}

/** That an endpoint is another, or gone, or its incident was ended by hand. */
export interface EndpointChange {
  id: string;
  tenantId: string;
  endpointId: string;
  /** By the store's clock, epoch ms. */
  at: number;
}

/** What a process found out that does not monitor, for the one that does. */
export interface HandedResult {
  id: string;
  tenantId: string;
  endpointId: string;
  /** By the store's clock, epoch ms: those of two processes may differ. */
  at: number;
  result: ProbeResult;
}

/** What processes on one store tell each other. */
export interface SharedStore {
  /** Who monitors. */
  readonly leases: NamedLeases;
  /** Notes that endpoints were changed, for other processes than `origin`. */
  noteChanges(
    changes: Pick<EndpointChange, 'tenantId' | 'endpointId'>[],
    origin: string,
    trx: StoreTransaction,
  ): Promise<void>;
  /**
   * Changes noted at `since` or later by others than `origin`, in the order of their times and ids. What a transaction
   * noted that was still under way may come to light later.
   */
  changesSince(ask: {
    origin: string;
    since: number;
    after: Pick<EndpointChange, 'at' | 'id'> | null;
    limit: number;
  }): Promise<EndpointChange[]>;
  /** The time by the clock that changes are noted by, epoch ms. */
  time(): Promise<number>;
  /** Every tenant's endpoints with these ids, those that are there. */
  endpointsById(ids: readonly string[]): Promise<StoredEndpoint[]>;
  /** The revision of the last state that was settled; 0 before. */
  stateRevision(): Promise<number>;
  /** States settled after a revision, in the order of their settlement. A state that was settled again comes once. */
  statesSince(revision: number, limit: number): Promise<(StoredEndpoint & { revision: number })[]>;
  /**
   * Hands results over to whoever monitors, all of them or none, and keeps the receipt with them. Nothing is done when that
   * or a greater one of the process was kept: they are there, or were settled already.
   */
  handOver(results: readonly HandedResult[], receipt: Receipt): Promise<void>;
  /** What was handed over and is counted in no settlement yet, the oldest first. */
  handed(limit: number): Promise<HandedResult[]>;
  /** Deletes up to `limit` of each, changes and results, that were noted before `before` (store's clock). Returns how many. */
  pruneShared(before: number, limit: number): Promise<number>;
  /** What was last settled of {@link WatchTime}; none before. */
  watched(): Promise<WatchTime>;
  /** The greatest number that a receipt of a process was kept with; 0 for none. */
  lastSettled(process: string): Promise<number>;
  /** Deletes up to `limit` receipts that were last kept before `before` (store's clock, epoch ms). Returns how many. */
  pruneReceipts(before: number, limit: number): Promise<number>;
}
