import type { AnyEvent, Outbox, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { EndpointRecord } from '../endpoints/endpoint.js';
import type { HealthEvents } from '../events.js';
import type { Sample } from '../history/sample.js';
import type { Aggregate, TrendWindow } from '../history/trend.js';
import type { KeptEndpoint, KeptState } from '../monitoring/directory.js';

/** A change of an endpoint's status, with the event that tells of it. */
export interface StatusChange {
  kept: KeptEndpoint;
  event: AnyEvent<HealthEvents>;
}

/** An endpoint and what was last found out about it; null when it was never checked. */
export interface StoredEndpoint {
  endpoint: EndpointRecord;
  state: KeptState | null;
}

/** One tenant's endpoints. No call sees or changes another tenant's. */
export interface TenantEndpoints {
  insert(endpoint: EndpointRecord, trx?: StoreTransaction): Promise<void>;
  get(endpointId: string): Promise<StoredEndpoint | undefined>;
  /** In the order of their ids, which is that of their making. */
  list(ask: { limit: number; after: string | null }): Promise<Page<StoredEndpoint>>;
  /** Removes the endpoint, its state and its history; false when there is none. */
  remove(endpointId: string, trx?: StoreTransaction): Promise<boolean>;
  /** What the samples of a window come to. */
  aggregate(endpointId: string, window: TrendWindow): Promise<Aggregate>;
}

/** Where the health domain keeps things. */
export interface HealthStore {
  readonly outbox: Outbox;
  /** Makes or updates its tables. */
  migrate(): Promise<void>;
  tenant(tenantId: string): TenantEndpoints;
  transaction<Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction): Promise<Result>;
  /** Every tenant's endpoints, page by page in the order of their ids; for the monitor alone. */
  everyEndpoint(ask: { limit: number; after: string | null }): Promise<Page<StoredEndpoint>>;
  /** Adds samples and updates the states of their endpoints, in one transaction. A state of a removed endpoint is left out. */
  saveSamples(samples: readonly Sample[], states: readonly KeptEndpoint[]): Promise<void>;
  /** Updates states and appends their events to the outbox, in one transaction. */
  saveChanges(changes: readonly StatusChange[]): Promise<void>;
  /** Deletes up to `limit` samples from before `before` (epoch ms). Returns how many. */
  pruneSamples(before: number, limit: number): Promise<number>;
}
