import type { memoryTables } from '@dotmac/core';
import type { BulkFailure, BulkOperation } from '../../bulk/operation.js';
import type { Customer } from '../../customers/customer.js';
import type { DunningCase } from '../../dunning/case.js';
import type { LegalHold } from '../../privacy/hold.js';
import type { Run } from '../../provisioning/run.js';
import type { Signal } from '../../provisioning/signal.js';
import type { ServiceInstance } from '../../services/instance.js';
import type { SearchTerm } from '../../search/terms.js';
import type { Timer } from '../../timers/timer.js';
import type { WebhookDelivery } from '../../webhooks/delivery.js';
import type { Webhook } from '../../webhooks/webhook.js';
import type { HistoryEntry, KeptAnswer, StoredToken } from '../store.js';

/** An answer, and how long it is kept. */
export type AnswerRecord = KeptAnswer & { keepUntil: number };

/** Where an event of a feed is in its customer's history, counted from 0. */
export interface FeedPlace {
  customerId: string;
  index: number;
}

/** A run with its lease. */
export interface RunRecord {
  run: Run;
  fence: number;
  leaseOwner: string | null;
  leaseUntil: number;
}

/** The maps that the memory store keeps; keys begin with the tenant id, which has no slash. */
export type LifecycleMaps = ReturnType<typeof emptyMaps>;

/** As they begin. */
export const emptyMaps = () => ({
  customers: new Map<string, Customer>(),
  /** Ids of customers, by what must be unique. */
  names: new Map<string, string>(),
  /** What customers are found by. */
  terms: new Map<string, readonly SearchTerm[]>(),
  history: new Map<string, readonly HistoryEntry[]>(),
  /** By tenant, in the order of their positions; the events are in their histories alone. */
  feeds: new Map<string, readonly FeedPlace[]>(),
  tokens: new Map<string, StoredToken>(),
  /** By tenant and key of an address. */
  tokenQuotas: new Map<string, { issued: number; windowStartedAt: number }>(),
  runs: new Map<string, RunRecord>(),
  services: new Map<string, ServiceInstance>(),
  /** By tenant, run, step and who spoke. */
  signals: new Map<string, Signal>(),
  /** By tenant and id. */
  timers: new Map<string, Timer>(),
  dunningCases: new Map<string, DunningCase>(),
  /** Sealed, by customer. */
  keys: new Map<string, string>(),
  /** By customer. */
  holds: new Map<string, readonly LegalHold[]>(),
  /** By tenant and id. */
  webhooks: new Map<string, Webhook>(),
  webhookDeliveries: new Map<string, WebhookDelivery>(),
  bulkOperations: new Map<string, BulkOperation>(),
  /** By operation. */
  bulkFailures: new Map<string, readonly BulkFailure[]>(),
  bulkTargets: new Map<string, ReadonlySet<string>>(),
  /** By tenant and key. */
  answers: new Map<string, AnswerRecord>(),
});

/** What the parts of the memory store share. */
export type LifecycleMemory = ReturnType<typeof memoryTables<LifecycleMaps>>;
