import type { AnyEvent, DueKey, Outbox, OutboxEntry, StoreTransaction } from '@dotmac/core';
import type { BulkFailure, BulkOperation } from '../bulk/operation.js';
import type { Customer } from '../customers/customer.js';
import type { Stage } from '../customers/stage.js';
import type { DunningCase } from '../dunning/case.js';
import type { LifecycleEvents } from '../events.js';
import type { Page } from '@dotmac/core/contract';
import type { LegalHold } from '../privacy/hold.js';
import type { Checkpoint, RunLeases, RunStanding } from './run-lease.js';
import type { Run, RunStatus } from '../provisioning/run.js';
import type { Signal } from '../provisioning/signal.js';
import type { ServiceInstance, ServiceStatus } from '../services/instance.js';
import type { CustomerAsk, FoundCustomer } from '../search/ask.js';
import type { SearchTerm, TermChange } from '../search/terms.js';
import type { Timer } from '../timers/timer.js';
import type { HistoryAsk, StageChange } from './history-ask.js';
import type { Channel } from '../verification/channel.js';
import type { DeliveryState, WebhookDelivery } from '../webhooks/delivery.js';
import type { Webhook } from '../webhooks/webhook.js';

/** An event of a customer's history, at its place in it. */
export interface HistoryEntry {
  /** From 1, without gaps: the customer's version after it. */
  seq: number;
  event: AnyEvent<LifecycleEvents>;
  /** What is personal in it, sealed with the customer's key. */
  sealed?: string;
}

/** A customer with what has to be known to decide on it. */
export interface Standing {
  customer: Customer;
  /** How many services it has that are neither terminated nor failed. */
  liveServices: number;
}

/** A change of a customer, and what follows from it. */
export interface CustomerChange {
  /** As it was read: it must still have this version. Only what differs is written. */
  before: Customer;
  after: Customer;
  history: readonly HistoryEntry[];
  outbox: readonly OutboxEntry[];
  /** A service to be set up, and the run that does it. */
  requested?: { service: ServiceInstance; run: Run } | undefined;
  /**
   * A run that ends with it, as a checkpoint says it, and its service afterwards. `fence` must still be the run's.
   */
  ended?: { runId: string; fence: number; state: Checkpoint; service: ServiceInstance } | undefined;
  /** What changes in what it is found by. */
  terms?: TermChange | undefined;
}

/** One tenant's customers. */
export interface CustomerStore {
  /**
   * Adds a customer, found by nothing yet ({@link CustomerStore.changeTerms}), or says which of its names is taken.
   * Does not break the transaction when it is.
   */
  insert(customer: Customer, trx: StoreTransaction): Promise<'inserted' | 'username' | 'email' | 'external_id'>;
  get(customerId: string, trx?: StoreTransaction): Promise<Customer | undefined>;
  /** Reads the latest state, and keeps others from changing it until the transaction ends. */
  lock(customerId: string, trx: StoreTransaction): Promise<Customer | undefined>;
  /** Reads without keeping anybody from anything: what is decided by it is written by compare-and-swap. */
  standing(customerId: string): Promise<Standing | undefined>;
  /**
   * Compare-and-swap: writes all of a change, in one commit, if the customer still has the version before; false, and
   * nothing written, when it has not. Listeners of the outbox are told.
   * @throws CUSTOMER_EXISTS for an external id that another customer has
   */
  change(change: CustomerChange, trx?: StoreTransaction): Promise<boolean>;
  /** The customer that has an email address, in any case. */
  byEmail(email: string, trx?: StoreTransaction): Promise<Customer | undefined>;
  /** The customer that the host knows by this id; a locking read in a transaction. */
  byExternalId(externalId: string, trx?: StoreTransaction): Promise<Customer | undefined>;
  /**
   * Changes what customers are found by, beside `change`: of those that were added or changed by other ways, or to put it
   * right.
   */
  changeTerms(
    changes: readonly ({ customer: Pick<Customer, 'id' | 'createdAt'> } & TermChange)[],
    trx: StoreTransaction,
  ): Promise<void>;
  /** The first page's worth, and one more when there are more. */
  list(ask: CustomerAsk): Promise<FoundCustomer[]>;
  /** All customers by id, after one of them if given. */
  scan(after: string | undefined, limit: number): Promise<Customer[]>;
  /** What these customers are found by; without those that are found by nothing. */
  termsOf(customerIds: readonly string[], trx?: StoreTransaction): Promise<ReadonlyMap<string, SearchTerm[]>>;
  countByStage(): Promise<Partial<Record<Stage, number>>>;
}

/** An event at its place among all of its tenant. */
export interface FeedEntry extends HistoryEntry {
  /** From 1; in the order in which events were found to be committed, and for each customer in that of its history. */
  position: number;
}

/** One tenant's history: only ever added to. */
export interface HistoryStore {
  append(customerId: string, entries: readonly HistoryEntry[], trx: StoreTransaction): Promise<void>;
  /** The last `limit` entries, oldest first; only those that changed the stage, if asked. */
  list(customerId: string, ask: { limit: number; stageChangesOnly?: boolean }): Promise<HistoryEntry[]>;
  /** One event of a customer. */
  find(customerId: string, eventId: string): Promise<HistoryEntry | undefined>;
  /** The first `limit` entries after a place, oldest first. */
  readFrom(customerId: string, ask: { after: number; limit: number }): Promise<HistoryEntry[]>;
  /** A customer's entries, newest first, before a place in its history if one is given; of these names alone, if asked. */
  page(customerId: string, ask: HistoryAsk): Promise<HistoryEntry[]>;
  /**
   * Gives up to `limit` events a position that have none yet: those that are committed by now. What commits later comes
   * after them, so that nobody who reads by positions misses any. Safe to call at once from anywhere.
   * @returns the last position given, and how many were given now
   */
  number(limit: number): Promise<{ last: number; given: number }>;
  /** All entries of these customers, each one's in order. For few customers with short histories. */
  ofMany(customerIds: readonly string[]): Promise<HistoryEntry[]>;
  /** Changes of stage by customer, each one's in order, after one of them if given; those before an instant. */
  stageChanges(ask: { before: number; after?: StageChange | undefined; limit: number }): Promise<StageChange[]>;
  /** Entries after a position, in the order of their positions. */
  feed(position: number, limit: number): Promise<FeedEntry[]>;
}

/** The one token of a customer's channel; a new one takes its place. */
export interface StoredToken {
  customerId: string;
  channel: Channel;
  id: string;
  keyId: string;
  /** HMAC of the token. The token itself is nowhere. */
  hash: string;
  attempts: number;
  issuedAt: number;
  expiresAt: number;
  consumedAt: number | null;
  /** How many were issued since `windowStartedAt`. */
  issued: number;
  windowStartedAt: number;
}

/** One tenant's verification tokens. */
export interface TokenStore {
  get(customerId: string, channel: Channel, trx?: StoreTransaction): Promise<StoredToken | undefined>;
  /** Puts a token in the place of the one before. */
  put(token: StoredToken, trx: StoreTransaction): Promise<void>;
  /** Counts an attempt, and answers the token with it counted; undefined when there is none. */
  countAttempt(customerId: string, channel: Channel, trx?: StoreTransaction): Promise<StoredToken | undefined>;
  /**
   * Counts a token for an address, in a window that begins with the first of it and lasts so long.
   * @returns how many there were in this window, this one with them, and when it began
   */
  countIssue(
    addressKey: string,
    at: number,
    windowMs: number,
    trx: StoreTransaction,
  ): Promise<{ issued: number; windowStartedAt: number }>;
  /** Compare-and-swap: true for one caller alone, while it is still this token and nobody consumed it. */
  consume(token: StoredToken, at: number, trx: StoreTransaction): Promise<boolean>;
}

/** One tenant's provisioning runs. */
export interface RunStore {
  insert(run: Run, trx: StoreTransaction): Promise<void>;
  get(runId: string, trx?: StoreTransaction): Promise<Run | undefined>;
  /** Reads the latest state, and keeps others from changing it until the transaction ends. */
  lock(runId: string, trx: StoreTransaction): Promise<Run | undefined>;
  /** A service's latest runs, newest first; only those before a run, if asked. */
  listFor(serviceId: string, limit: number, before?: string): Promise<Run[]>;
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
  standing(runId: string): Promise<RunStanding | undefined>;
  /** Makes a run due that waits. */
  wakeWaiting(runId: string, at: number, trx: StoreTransaction): Promise<void>;
}

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
  countByStatus(): Promise<Partial<Record<ServiceStatus, number>>>;
}

/** What one tenant's people and systems said to steps: only ever added to. */
export interface SignalStore {
  /** False when the same one spoke to this step before. */
  add(signal: Signal, trx: StoreTransaction): Promise<boolean>;
  /** Oldest first. */
  list(runId: string, stepKey: string, trx?: StoreTransaction): Promise<Signal[]>;
}

/** One tenant's timers. */
export interface TimerStore {
  /** Sets a timer in the place of the customer's one of this name. */
  put(timer: Timer, trx: StoreTransaction): Promise<void>;
  clear(customerId: string, name: string, trx: StoreTransaction): Promise<void>;
  get(timerId: string): Promise<Timer | undefined>;
  /** True for one caller alone: the timer is gone. */
  take(timerId: string, trx: StoreTransaction): Promise<boolean>;
  /** In the order of their times. */
  listFor(customerId: string, trx?: StoreTransaction): Promise<Timer[]>;
}

/** One tenant's customers who do not pay. Changed under the lock of their customer alone. */
export interface DunningCaseStore {
  get(customerId: string, policy: string, trx?: StoreTransaction): Promise<DunningCase | undefined>;
  /** In the place of the customer's one of this policy. */
  put(kept: DunningCase, trx: StoreTransaction): Promise<void>;
  remove(customerId: string, policy: string, trx: StoreTransaction): Promise<void>;
  /** A customer's cases, by policy. */
  listFor(customerId: string): Promise<DunningCase[]>;
}

/** What is left of what is kept of a customer. */
export interface Erasure {
  /** Undefined: the entry stays as it is. */
  entry(entry: HistoryEntry): HistoryEntry | undefined;
  service(service: ServiceInstance): ServiceInstance;
  run(run: Run): Run;
}

/** What concerns the privacy of one tenant's customers. Changed under the lock of their customer alone. */
export interface PrivacyStore {
  /** A customer's sealed key. */
  key(customerId: string, trx?: StoreTransaction): Promise<string | undefined>;
  /** Keeps a key where there is none; the one that is kept. */
  keepKey(customerId: string, sealed: string, trx: StoreTransaction): Promise<string>;
  /** Oldest first. */
  holds(customerId: string, trx?: StoreTransaction): Promise<LegalHold[]>;
  setHold(hold: LegalHold, trx: StoreTransaction): Promise<void>;
  /** False when there is none of this name. */
  liftHold(customerId: string, name: string, trx: StoreTransaction): Promise<boolean>;
  /**
   * Removes the customer's key, tokens, timers, dunning cases, and answers kept for its requests; empties what was said
   * to its steps; writes what is left of history, services and runs.
   */
  wipe(customerId: string, erasure: Erasure, trx: StoreTransaction): Promise<void>;
}

/** One tenant's webhooks, and the log of what became of each event. */
export interface WebhookStore {
  insert(webhook: Webhook): Promise<void>;
  /** False when it is gone. */
  update(webhook: Webhook): Promise<boolean>;
  get(webhookId: string): Promise<Webhook | undefined>;
  /** In the order of their making. */
  all(): Promise<Webhook[]>;
  /** With its log. */
  remove(webhookId: string, trx: StoreTransaction): Promise<void>;
  /** False when this webhook has this event already. */
  addDelivery(delivery: WebhookDelivery, trx: StoreTransaction): Promise<boolean>;
  delivery(deliveryId: string): Promise<WebhookDelivery | undefined>;
  /** Writes how an attempt went, of one that is pending. */
  settle(delivery: WebhookDelivery): Promise<void>;
  /** Makes one pending that is not; false when it is, or is gone. */
  reset(deliveryId: string, trx: StoreTransaction): Promise<boolean>;
  /** Newest first; `cursor` is the id of the last one seen. */
  deliveries(ask: {
    webhookId: string;
    state?: DeliveryState | undefined;
    limit: number;
    cursor?: string | undefined;
  }): Promise<Page<WebhookDelivery>>;
  /** Those whose events happened from `from` until before `to`, in these states, in the order of the events. */
  deliveriesOf(ask: {
    webhookId: string;
    from: number;
    to: number;
    states: readonly DeliveryState[];
    limit: number;
    cursor?: string | undefined;
  }): Promise<Page<WebhookDelivery>>;
}

/** A change of one of many customers. */
export interface BulkChange {
  before: Customer;
  after: Customer;
  event: AnyEvent<LifecycleEvents>;
  /** Timers that are not there any more then. */
  cleared: readonly string[];
}

/** Many customers at once. */
export interface BulkCustomerStore {
  /** How many an operation still means. */
  count(operation: BulkOperation): Promise<number>;
  /** The ids of those that it means next, in their order. */
  match(operation: BulkOperation, limit: number): Promise<string[]>;
  /** In the order of their ids; who is not there is left out. */
  read(ids: readonly string[], trx: StoreTransaction): Promise<Customer[]>;
  /** The same, and keeps others from changing them until the transaction ends. */
  lock(ids: readonly string[], trx: StoreTransaction): Promise<Customer[]>;
  /** Those of them who have services that are neither terminated nor failed. */
  served(ids: readonly string[], trx?: StoreTransaction): Promise<ReadonlySet<string>>;
  /** Writes stage, approval and reasons of locked customers, and their events. One change of a customer. */
  apply(changes: readonly BulkChange[], trx: StoreTransaction): Promise<void>;
}

/** One tenant's commands for many. */
export interface BulkStore extends BulkCustomerStore {
  insert(operation: BulkOperation): Promise<void>;
  get(operationId: string): Promise<BulkOperation | undefined>;
  /** Newest first. */
  list(ask: { limit: number; cursor?: string | undefined }): Promise<Page<BulkOperation>>;
  /** How many are not over. */
  countOpen(): Promise<number>;
  /** Makes one pending that is collecting; false when it is not. */
  begin(operationId: string): Promise<boolean>;
  /** Notes that an open one is to be cancelled; one that is collecting is over at once. */
  requestCancel(operationId: string, at: number): Promise<void>;
  /** Compare-and-swap: writes how far it is, if it is open and still where `before` was. */
  advance(operation: BulkOperation, before: BulkOperation, trx: StoreTransaction): Promise<boolean>;
  addFailures(operationId: string, failures: readonly BulkFailure[], trx: StoreTransaction): Promise<void>;
  /** In the order of the customers' ids. */
  failures(ask: { operationId: string; limit: number; cursor?: string | undefined }): Promise<Page<BulkFailure>>;
  /** Lists customers for an operation, whether or not they are there; one that is listed already stays. */
  addTargets(operationId: string, customerIds: readonly string[], trx: StoreTransaction): Promise<void>;
  copyTargets(from: string, to: string, trx: StoreTransaction): Promise<void>;
}

/** What one tenant keeps. No call sees or changes another tenant's. */
export interface TenantStore {
  readonly customers: CustomerStore;
  readonly history: HistoryStore;
  readonly tokens: TokenStore;
  readonly runs: RunStore;
  readonly services: ServiceStore;
  readonly signals: SignalStore;
  readonly timers: TimerStore;
  readonly dunningCases: DunningCaseStore;
  readonly privacy: PrivacyStore;
  readonly webhooks: WebhookStore;
  readonly bulk: BulkStore;
}

/** What a store can do. */
export interface LifecycleStoreCapabilities {
  /** A statement outside a transaction goes through while one is open in the same process. */
  parallelTransactions: boolean;
}

/** Where the lifecycle domain keeps things. */
export interface LifecycleStore {
  readonly capabilities: LifecycleStoreCapabilities;
  readonly outbox: Outbox;
  /** What webhooks are still to be told: it has its own patience. */
  readonly webhookOutbox: Outbox;
  /** Leases on runs, by run key; kept in the run's own row, so that a checkpoint can check the fence. */
  readonly runLeases: RunLeases;
  /** Makes or updates its tables. */
  migrate(): Promise<void>;
  transaction<Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction): Promise<Result>;
  /** Calls back after the commit; false when that cannot be known, as in a transaction that the host opened. */
  afterCommit(trx: StoreTransaction, callback: () => void): boolean;
  tenant(tenantId: string): TenantStore;
  /** Removes settled deliveries of events before an instant, up to `limit`; how many. */
  pruneDeliveries(before: number, limit: number): Promise<number>;
  /** The runs of every tenant that are to be worked on until `untilMs`, by run key; for the waker alone. */
  dueRuns(untilMs: number, limit: number): Promise<DueKey[]>;
  /** The timers of every tenant that are due until `untilMs`, by {@link timerKey}; for the waker alone. */
  dueTimers(untilMs: number, limit: number): Promise<DueKey[]>;
  /** The operations on many of every tenant that nobody goes on with, by {@link bulkKey}; for the waker alone. */
  dueBulk(untilMs: number, limit: number): Promise<DueKey[]>;
}

export { bulkKey, parseBulkKey, parseRunKey, parseTimerKey, runKey, timerKey } from './keys.js';
export type { HistoryAsk, StageChange } from './history-ask.js';
