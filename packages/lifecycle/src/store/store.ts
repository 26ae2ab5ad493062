import type { DueKey, Outbox, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { AnswerStore } from './answers.js';
import type { BulkStore } from './bulk.js';
import type { CustomerStore } from './customers.js';
import type { DuePage } from './due-place.js';
import type { DunningCaseStore } from './dunning-cases.js';
import type { HistoryStore } from './history.js';
import type { LimitStore } from './limits.js';
import type { PrivacyStore } from './privacy.js';
import type { RunLeases, RunStore } from './runs.js';
import type { ServiceStore } from './services.js';
import type { SignalStore } from './signals.js';
import type { TimerStore } from './timers.js';
import type { TokenStore } from './tokens.js';
import type { WebhookStore } from './webhooks.js';

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
  readonly answers: AnswerStore;
  readonly limits: LimitStore;
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
  /** For who migrates apart. @throws SCHEMA_TOO_OLD, SCHEMA_TOO_NEW when the tables are not those of this version */
  checkMigrated(): Promise<void>;
  transaction<Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction): Promise<Result>;
  /** Calls back after the commit; false when that cannot be known, as in a transaction that the host opened. */
  afterCommit(trx: StoreTransaction, callback: () => void): boolean;
  tenant(tenantId: string): TenantStore;
  /** Removes settled deliveries of events before an instant, up to `limit`; how many. */
  pruneDeliveries(before: number, limit: number): Promise<number>;
  /** Removes the logs of webhooks that were removed, of every tenant, up to `limit` rows; how many. */
  pruneRemovedWebhooks(limit: number): Promise<number>;
  /** Removes answers whose time is over at `now`, up to `limit`; how many. */
  pruneAnswers(now: number, limit: number): Promise<number>;
  /** Removes counts of addresses whose window began at an instant or before, up to `limit`; how many. */
  pruneIssues(began: number, limit: number): Promise<number>;
  /**
   * Deletes operations on many that ended before an instant (epoch ms), of every tenant, the oldest first, with whom they
   * meant and refused: up to `limit` rows; how many.
   */
  pruneBulk(before: number, limit: number): Promise<number>;
  /**
   * Cancels, at an instant (epoch ms), operations on many that are collecting and that nobody listed anybody for since
   * another, of every tenant, those left alone longest first, up to `limit`; how many.
   */
  cancelAbandonedBulk(before: number, at: number, limit: number): Promise<number>;
  /** The runs of every tenant that are to be worked on until `untilMs`, by run key, those due longest first; for the waker alone. */
  dueRuns(untilMs: number, page: DuePage): Promise<Page<DueKey>>;
  /** The timers of every tenant that are due until `untilMs`, by {@link timerKey}, likewise. */
  dueTimers(untilMs: number, page: DuePage): Promise<Page<DueKey>>;
  /** The operations on many of every tenant that nobody goes on with, by {@link bulkKey}, likewise. */
  dueBulk(untilMs: number, page: DuePage): Promise<Page<DueKey>>;
}

export { bulkKey, ownerOf, parseBulkKey, parseRunKey, parseTimerKey, runKey, timerKey } from './keys.js';
export type * from './answers.js';
export type * from './bulk.js';
export type * from './customers.js';
export type { DuePage } from './due-place.js';
export type * from './dunning-cases.js';
export type * from './history.js';
export type * from './limits.js';
export type * from './privacy.js';
export type * from './runs.js';
export type * from './services.js';
export type * from './signals.js';
export type * from './timers.js';
export type * from './tokens.js';
export type * from './webhooks.js';
