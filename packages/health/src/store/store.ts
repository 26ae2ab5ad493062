import type { AnyEvent, Outbox, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { EndpointFilter, EndpointRecord } from '../endpoints/endpoint.js';
import type { HealthEvents } from '../events.js';
import type { Bucket } from '../history/bucket.js';
import type { BucketDelta } from '../history/pending-buckets.js';
import type { Resolution } from '../history/resolution.js';
import type { CheckResult, Ring, RingResult } from '../history/result.js';
import type { KeptEndpoint, KeptState } from '../monitoring/directory.js';

/**
 * What was observed of endpoints, to be kept as one: their states as of now, the results that led there, what to add to
 * their buckets, and the events that tell of changes.
 */
export interface Settlement {
  states: readonly KeptEndpoint[];
  results: readonly RingResult[];
  deltas: readonly BucketDelta[];
  events: readonly AnyEvent<HealthEvents>[];
}

/** An endpoint and what was last found out about it; null when it was never checked. */
export interface StoredEndpoint {
  endpoint: EndpointRecord;
  state: KeptState | null;
}

/** What to list: a filter that is left out lets everything through. */
export interface EndpointListing {
  limit: number;
  /** The id after which to go on. */
  after: string | null;
  filter?: Partial<EndpointFilter>;
}

/** A span of an endpoint's buckets, `until` exclusive; epoch ms. */
export interface BucketSpan {
  resolution: Resolution;
  from: number;
  until: number;
}

/** One tenant's endpoints. No call sees or changes another tenant's. */
export interface TenantEndpoints {
  insert(endpoint: EndpointRecord, trx?: StoreTransaction): Promise<void>;
  /** Puts an endpoint in the place of the one with its id; false when there is none. Its state stays. */
  update(endpoint: EndpointRecord, trx?: StoreTransaction): Promise<boolean>;
  get(endpointId: string): Promise<StoredEndpoint | undefined>;
  /** In the order of their ids, which is that of their making. */
  list(ask: EndpointListing): Promise<Page<StoredEndpoint>>;
  /** Removes the endpoint, its state and its history; false when there is none. */
  remove(endpointId: string, trx?: StoreTransaction): Promise<boolean>;
  /** An endpoint's kept results, newest first, from before `before` (epoch ms). */
  results(endpointId: string, ask: { ring: Ring; limit: number; before?: number }): Promise<CheckResult[]>;
  /** The buckets that begin within the span, by time. */
  buckets(endpointId: string, span: BucketSpan): Promise<Bucket[]>;
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
  /**
   * Keeps states, puts results into their rings, adds to buckets and appends events to the outbox, in one transaction.
   * What belongs to a removed endpoint is left out, but for its events.
   */
  settle(settlement: Settlement): Promise<void>;
  /** Deletes up to `limit` buckets of a resolution that began before `before` (epoch ms). Returns how many. */
  pruneBuckets(resolution: Resolution, before: number, limit: number): Promise<number>;
}
