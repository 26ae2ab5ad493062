import type { AnyEvent, Outbox, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { AlertRecord } from '../alerts/alert.js';
import type { AlertRuleRecord } from '../alerts/rule.js';
import type { ChannelRecord } from '../channels/channel.js';
import type { DeliveryState } from '../channels/delivery-state.js';
import type { EndpointFilter, EndpointRecord } from '../endpoints/endpoint.js';
import type { HealthEvents } from '../events.js';
import type { Bucket, Sums } from '../history/bucket.js';
import type { BucketDelta } from '../history/pending-buckets.js';
import type { Resolution } from '../history/resolution.js';
import type { HeartbeatToken } from '../heartbeats/token.js';
import type { HeartbeatRecord } from '../heartbeats/heartbeat.js';
import type { Ring } from '../history/result.js';
import type { RingChunk } from '../history/ring.js';
import type { IncidentEntry, IncidentFilter, IncidentRecord, IncidentSeverity } from '../incidents/incident.js';
import type { KeptEndpoint, KeptState } from '../monitoring/directory.js';
import type { ObjectiveRecord } from '../objectives/objective.js';
import type { StatusFeedRecord, StatusFeedToken } from '../status-feeds/status-feed.js';
import type { WindowRecord } from '../windows/window.js';
import type { DueChannel, TenantAlerts } from './alerts.js';
import type { Documents } from './documents.js';
import type { EventLog } from './event-log.js';
import type { HandedResult, Receipt, SharedStore, Term, WatchTime } from './sharing.js';
import type { StoredEndpoint } from './stored-endpoint.js';

/**
 * What was observed of endpoints, to be kept as one: their states as of now, the results that led there as chunks of
 * their rings, what to add to their buckets, and the events that tell of changes.
 */
export interface Settlement {
  states: readonly KeptEndpoint[];
  chunks: readonly RingChunk[];
  deltas: readonly BucketDelta[];
  incidents: readonly IncidentWrite[];
  events: readonly AnyEvent<HealthEvents>[];
  /** Results that were handed over and are counted in it. Default none. */
  handed?: readonly Handed[];
  /** What is kept with it, for who wants to know whether it was. */
  receipt?: Receipt;
  /** Takes the place of what was known of it. */
  watched?: WatchTime;
}

/** A result that was handed over, by its id, and the endpoint that it is of. */
export type Handed = Pick<HandedResult, 'id' | 'endpointId'>;

/** What a change of status did to an incident, with the entry that tells of it. */
export interface IncidentWrite {
  tenantId: string;
  endpointId: string;
  incidentId: string;
  /** The incident, when it began. */
  opened: IncidentRecord | null;
  severity: IncidentSeverity;
  /** Epoch ms, when it is over. */
  resolvedAt: number | null;
  entry: IncidentEntry;
}

/** Which incidents to list, the newest first. */
export interface IncidentListing {
  limit: number;
  /** The id after which to go on. */
  after: string | null;
  filter: Partial<IncidentFilter>;
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
  /** Those of planned maintenance, which are kept apart, and none of the others. Default false. */
  inMaintenance?: boolean;
}

/** As many entries of a timeline are read at once. */
export const mostEntries = 1_000;

/** What happened in an incident, in its order: of more than {@link mostEntries}, the first and the newest. */
export interface Timeline {
  entries: IncidentEntry[];
  /** How many are left out between the first and the rest. */
  leftOut: number;
}

/** What one tenant has set up besides endpoints. */
export interface TenantSettings {
  readonly channels: Documents<ChannelRecord>;
  /** How delivering goes, by the channel's id. */
  readonly deliveries: Documents<DeliveryState>;
  readonly rules: Documents<AlertRuleRecord>;
  readonly windows: Documents<WindowRecord>;
  readonly heartbeats: Documents<HeartbeatRecord>;
  readonly objectives: Documents<ObjectiveRecord>;
  readonly statusFeeds: Documents<StatusFeedRecord>;
}

/** An endpoint before and after a change. */
export interface ChangedEndpoint {
  before: EndpointRecord;
  after: EndpointRecord;
}

/** What one tenant has. No call sees or changes another tenant's. */
export type TenantStore = TenantEndpoints & TenantAlerts & TenantSettings;

/** One tenant's endpoints. */
export interface TenantEndpoints {
  insert(endpoint: EndpointRecord, trx?: StoreTransaction): Promise<void>;
  /**
   * Changes an endpoint alone: what `change` gives takes the place of what it was given, which is answered as well;
   * undefined when there is none. Its state stays ({@link restate}). It may be called again after a conflict; what it throws changes nothing.
   */
  change(
    endpointId: string,
    change: (known: EndpointRecord) => EndpointRecord,
    trx?: StoreTransaction,
  ): Promise<ChangedEndpoint | undefined>;
  /**
   * Changes what was last found out of an endpoint: what `change` gives takes the place of what it was given, unless that is
   * the same. It is not called when nothing was found out. What is settled meanwhile comes before or afterwards.
   */
  restate(endpointId: string, change: (known: KeptState) => KeptState, trx?: StoreTransaction): Promise<void>;
  get(endpointId: string): Promise<StoredEndpoint | undefined>;
  /** In the order of their ids, which is that of their making. */
  list(ask: EndpointListing): Promise<Page<StoredEndpoint>>;
  /** Removes the endpoint, its state and its history; false when there is none. */
  remove(endpointId: string, trx?: StoreTransaction): Promise<boolean>;
  /** The bodies of the chunks that an endpoint's ring has, in no order. */
  chunks(endpointId: string, ring: Ring): Promise<string[]>;
  /** The buckets that begin within the span, by time. */
  buckets(endpointId: string, span: BucketSpan): Promise<Bucket[]>;
  /** Checks and durations of the buckets that begin within the span, added up; endpoints that have none are left out. */
  sums(endpointIds: readonly string[], span: BucketSpan): Promise<Map<string, Sums>>;
  /** All buckets of these endpoints that begin within the span as one, with how fast the answers were. */
  total(endpointIds: readonly string[], span: BucketSpan): Promise<Bucket>;
  incidents(ask: IncidentListing): Promise<Page<IncidentRecord>>;
  incident(incidentId: string): Promise<IncidentRecord | undefined>;
  /** The incidents of an endpoint that are not over: none is opened or ended by a check until the transaction is. */
  unresolvedOf(endpointId: string, trx: StoreTransaction): Promise<IncidentRecord[]>;
  /** What happened in an incident. */
  timeline(incidentId: string): Promise<Timeline>;
  /**
   * Adds an entry, and changes an incident with it; false when there is none, or when it is to change and is over.
   */
  noteIncident(
    incidentId: string,
    entry: IncidentEntry,
    change: Partial<Pick<IncidentRecord, 'acknowledgedAt' | 'acknowledgedBy' | 'resolvedAt'>>,
    trx?: StoreTransaction,
  ): Promise<boolean>;
}

/** As many tenants are named in one read. */
export const mostTenants = 500;

/** Where the health domain keeps things. */
export interface HealthStore extends SharedStore, EventLog {
  readonly outbox: Outbox;
  /** Makes or updates its tables. */
  migrate(): Promise<void>;
  /** For who migrates apart. @throws SCHEMA_TOO_OLD, SCHEMA_TOO_NEW when the tables are not those of this version */
  checkMigrated(): Promise<void>;
  tenant(tenantId: string): TenantStore;
  /** The tokens of every tenant's heartbeats, by their hashes; for those who call with one. */
  readonly heartbeatTokens: Documents<HeartbeatToken>;
  /** The tokens of every tenant's status feeds, by their hashes; for those who read with one. */
  readonly statusFeedTokens: Documents<StatusFeedToken>;
  transaction<Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction): Promise<Result>;
  /** Every tenant's endpoints, page by page in the order of their ids; for the monitor alone. */
  everyEndpoint(ask: { limit: number; after: string | null }): Promise<Page<StoredEndpoint>>;
  /**
   * Keeps states, puts chunks into their slots, adds to buckets, appends events to the outbox and to what is followed, and
   * takes out what was handed over and is counted in it, in one transaction.
   * Its receipt takes the place of the one that its process had. What belongs to a removed endpoint is left out, events too: nothing would end what they began. An incident that was opened already, and an
   * entry that is there, come again when the answer to a commit was lost: they stay as they are. Of
   * an incident that is over, ended by hand before that was known to who observes, neither entry nor event is kept.
   * @param term the lease under which it is written, which nobody takes over until that is done
   * @throws LEASE_LOST, and nothing is kept, when that lease is over
   */
  settle(settlement: Settlement, term?: Term): Promise<void>;
  /** Every tenant's objectives, in the order of tenants and ids; for the evaluator alone. */
  everyObjective(ask: { limit: number; after: { tenantId: string; id: string } | null }): Promise<ObjectiveRecord[]>;
  /** The windows of these tenants, at most {@link mostTenants} of them, in the order of tenants and ids; for the calendar alone. */
  windowsOf(
    tenantIds: readonly string[],
    ask: { limit: number; after: { tenantId: string; id: string } | null },
  ): Promise<WindowRecord[]>;
  /** Every tenant's alerts that are due by `now` (epoch ms), those due longest first; for the dispatcher alone. */
  dueAlerts(now: number, limit: number): Promise<AlertRecord[]>;
  /**
   * The channels of every tenant that an alert is due for by `now` (epoch ms), those that wait longest first; for the
   * dispatcher alone. Of more than {@link mostDueLookedAt} alerts, those that are due longest are looked at.
   */
  dueChannels(now: number, limit: number): Promise<DueChannel[]>;
  /** Deletes up to `limit` buckets of a resolution, maintenance or not, that began before `before` (epoch ms). Returns how many. */
  pruneBuckets(resolution: Resolution, before: number, limit: number): Promise<number>;
  /** Deletes up to `limit` incidents that were resolved before `before` (epoch ms), with their entries. Returns how many. */
  pruneIncidents(before: number, limit: number): Promise<number>;
}
