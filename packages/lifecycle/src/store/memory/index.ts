import {
  memoryOutbox,
  memoryTables,
  systemClock,
  type Clock,
  type MemoryTransaction,
  type StoreTransaction,
} from '@dotmac/core';
import { endedOperation, isOpen, staleMs } from '../../bulk/operation.js';
import type { WebhookDelivery } from '../../webhooks/delivery.js';
import { memoryAnswers } from './answers.js';
import { memoryBulk } from './bulk.js';
import { compareDue, dueKeys, readDuePlace, type DuePlace } from '../due-place.js';
import { bulkKey, runKey, timerKey, type LifecycleStore } from '../store.js';
import { memoryCustomers } from './customers.js';
import { memoryDunningCases } from './dunning-cases.js';
import { memoryHistory } from './history.js';
import { memoryPrivacy } from './privacy.js';
import { memoryRunLeases } from './run-leases.js';
import { memoryRuns } from './runs.js';
import { memoryServices } from './services.js';
import { emptyMaps, type LifecycleMemory } from './tables.js';
import { memorySignals } from './signals.js';
import { memoryTimers } from './timers.js';
import { memoryTokens } from './tokens.js';
import { memoryWebhooks } from './webhooks.js';

/** Options of {@link memoryLifecycleStore}. */
export interface MemoryLifecycleStoreOptions {
  /** Judges leases and what the outbox owes. */
  clock?: Pick<Clock, 'now'>;
}

/** A store within this process, for tests and trials: what it keeps is lost with the process. */
export function memoryLifecycleStore({ clock = systemClock }: MemoryLifecycleStoreOptions = {}): LifecycleStore {
  const memory: LifecycleMemory = memoryTables(emptyMaps());
  const outbox = memoryOutbox({ clock });
  return {
    capabilities: { parallelTransactions: false },
    outbox,
    webhookOutbox: memoryOutbox({ clock }),
    runLeases: memoryRunLeases(memory, clock),
    migrate: () => Promise.resolve(),
    checkMigrated: () => Promise.resolve(),
    transaction: <Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction) =>
      memory.transaction((_, trx) => work(trx), join),
    afterCommit(trx, callback) {
      (trx as MemoryTransaction).afterCommit(callback);
      return true;
    },
    tenant: (tenantId) => ({
      customers: memoryCustomers(memory, outbox, tenantId),
      history: memoryHistory(memory, tenantId),
      tokens: memoryTokens(memory, tenantId),
      runs: memoryRuns(memory, tenantId),
      services: memoryServices(memory, tenantId),
      signals: memorySignals(memory, tenantId),
      timers: memoryTimers(memory, tenantId),
      dunningCases: memoryDunningCases(memory, tenantId),
      privacy: memoryPrivacy(memory, tenantId),
      webhooks: memoryWebhooks(memory, tenantId),
      bulk: memoryBulk(memory, outbox, tenantId),
      answers: memoryAnswers(memory, tenantId),
      // Here transactions wait for one another anyway.
      limits: { lock: () => Promise.resolve() },
    }),
    pruneDeliveries: (before, limit) =>
      memory.transaction(({ webhookDeliveries }) => {
        const old = [...webhookDeliveries].filter(([, it]) => it.state !== 'pending' && it.eventAt < before);
        for (const [key] of old.slice(0, limit)) webhookDeliveries.delete(key);
        return Math.min(old.length, limit);
      }),
    pruneRemovedWebhooks: (limit) =>
      memory.transaction(({ webhooks, webhookDeliveries }) => {
        const isGone = (key: string, { webhookId }: WebhookDelivery): boolean =>
          !webhooks.has(`${key.slice(0, key.indexOf('/'))}/${webhookId}`);
        const left = [...webhookDeliveries].filter(([key, it]) => isGone(key, it)).slice(0, limit);
        for (const [key] of left) webhookDeliveries.delete(key);
        return left.length;
      }),
    pruneAnswers: (now, limit) =>
      memory.transaction(({ answers }) => {
        const old = [...answers].filter(([, { keepUntil }]) => keepUntil <= now).slice(0, limit);
        for (const [key] of old) answers.delete(key);
        return old.length;
      }),
    pruneIssues: (began, limit) =>
      memory.transaction(({ tokenQuotas }) => {
        const old = [...tokenQuotas].filter(([, { windowStartedAt }]) => windowStartedAt <= began).slice(0, limit);
        for (const [key] of old) tokenQuotas.delete(key);
        return old.length;
      }),
    dueRuns(untilMs, { limit, after }) {
      const due = [...memory.read.runs.values()].flatMap(({ run: { id, tenantId, nextAt }, leaseOwner, leaseUntil }) =>
        nextAt === null || nextAt > untilMs
          ? []
          : [{ tenantId, id, at: nextAt, free: leaseOwner === null ? 0 : leaseUntil }],
      );
      return Promise.resolve(
        dueKeys(inOrder(due, after), limit, ({ tenantId, id, at, free }) => {
          return { key: runKey(tenantId, id), at: Math.max(at, free) };
        }),
      );
    },
    pruneBulk: (before, limit) =>
      memory.transaction(({ bulkOperations, bulkFailures, bulkTargets }) => {
        const old = [...bulkOperations].filter(([, { endedAt }]) => endedAt !== null && endedAt < before);
        const pruned = old.sort(([, a], [, b]) => (a.endedAt ?? 0) - (b.endedAt ?? 0)).slice(0, limit);
        for (const [key] of pruned) for (const rows of [bulkFailures, bulkTargets, bulkOperations]) rows.delete(key);
        return pruned.length;
      }),
    cancelAbandonedBulk: (before, at, limit) =>
      memory.transaction(({ bulkOperations }) => {
        const left = [...bulkOperations].filter(([, it]) => it.status === 'collecting' && it.touchedAt < before);
        const ended = left.sort(([, a], [, b]) => a.touchedAt - b.touchedAt).slice(0, limit);
        for (const [key, it] of ended)
          bulkOperations.set(key, { ...endedOperation(it), status: 'cancelled', endedAt: at });
        return ended.length;
      }),
    dueBulk(untilMs, { limit, after }) {
      const due = [...memory.read.bulkOperations.values()].flatMap((operation) => {
        const { tenantId, id, touchedAt: at } = operation;
        return isOpen(operation) && at + staleMs <= untilMs ? [{ tenantId, id, at }] : [];
      });
      const found = inOrder(due, after);
      return Promise.resolve(
        dueKeys(found, limit, ({ tenantId, id, at }) => ({ key: bulkKey(tenantId, id), at: at + staleMs })),
      );
    },
    dueTimers(untilMs, { limit, after }) {
      const due = [...memory.read.timers].flatMap(([key, { id, dueAt: at }]) =>
        at > untilMs ? [] : [{ tenantId: key.slice(0, key.indexOf('/')), id, at }],
      );
      const found = inOrder(due, after);
      return Promise.resolve(dueKeys(found, limit, ({ tenantId, id, at }) => ({ key: timerKey(tenantId, id), at })));
    },
  };
}

function inOrder<Due extends DuePlace>(due: readonly Due[], after: string | null | undefined): Due[] {
  const place = readDuePlace(after);
  return due.filter((it) => place === undefined || compareDue(it, place) > 0).sort(compareDue);
}
