import type { WebhookDelivery } from '../../webhooks/delivery.js';
import { pageOf } from '../page-of.js';
import { rangeCursor, readRangeCursor } from '../range-cursor.js';
import type { WebhookStore } from '../store.js';
import type { LifecycleMemory } from './tables.js';

/** Webhooks in memory. */
export function memoryWebhooks(memory: LifecycleMemory, tenantId: string): WebhookStore {
  const keyOf = (id: string): string => `${tenantId}/${id}`;
  const own = <Row>(rows: ReadonlyMap<string, Row>): Row[] =>
    [...rows].flatMap(([key, row]) => (key.startsWith(`${tenantId}/`) ? [row] : []));
  const of = (webhookId: string): WebhookDelivery[] =>
    own(memory.read.webhookDeliveries).filter((it) => it.webhookId === webhookId);
  return {
    insert: (webhook, trx) =>
      memory.transaction(({ webhooks }) => void webhooks.set(keyOf(webhook.id), structuredClone(webhook)), trx),
    count: () => Promise.resolve(own(memory.read.webhooks).length),
    lock: (webhookId, trx) => memory.transaction(({ webhooks }) => webhooks.get(keyOf(webhookId)), trx),
    update: (webhook, trx) =>
      memory.transaction(({ webhooks }) => {
        if (webhooks.has(keyOf(webhook.id))) webhooks.set(keyOf(webhook.id), structuredClone(webhook));
      }, trx),
    noteFailing: (webhookId, since, trx) =>
      memory.transaction(({ webhooks }) => {
        const found = webhooks.get(keyOf(webhookId));
        if (found && (since === null || found.failingSince === null))
          webhooks.set(keyOf(webhookId), { ...found, failingSince: since });
      }, trx),
    disable: (webhookId, failingSince, at, trx) =>
      memory.transaction(({ webhooks }) => {
        const found = webhooks.get(keyOf(webhookId));
        if (!found?.enabled || found.failingSince !== failingSince) return false;
        webhooks.set(keyOf(webhookId), { ...found, enabled: false, disabledAt: at, updatedAt: at });
        return true;
      }, trx),
    get: (webhookId) => Promise.resolve(memory.read.webhooks.get(keyOf(webhookId))),
    all: () => Promise.resolve(own(memory.read.webhooks).sort((a, b) => (a.id < b.id ? -1 : 1))),
    remove: (webhookId, trx) => memory.transaction(({ webhooks }) => void webhooks.delete(keyOf(webhookId)), trx),
    addDelivery: (delivery, trx) =>
      memory.transaction(({ webhookDeliveries }) => {
        if (of(delivery.webhookId).some(({ eventId }) => eventId === delivery.eventId)) return false;
        webhookDeliveries.set(keyOf(delivery.id), { ...delivery });
        return true;
      }, trx),
    delivery: (deliveryId) => Promise.resolve(memory.read.webhookDeliveries.get(keyOf(deliveryId))),
    settle: (delivery, trx) =>
      memory.transaction(({ webhookDeliveries }) => {
        const found = webhookDeliveries.get(keyOf(delivery.id));
        if (found?.state !== 'pending' || found.attempts > delivery.attempts) return false;
        webhookDeliveries.set(keyOf(delivery.id), { ...delivery });
        return true;
      }, trx),
    reset: (deliveryId, trx) =>
      memory.transaction(({ webhookDeliveries }) => {
        const found = webhookDeliveries.get(keyOf(deliveryId));
        if (!found || found.state === 'pending') return false;
        webhookDeliveries.set(keyOf(deliveryId), { ...found, state: 'pending', attempts: 0 });
        return true;
      }, trx),
    deliveriesFor: (eventIds) =>
      Promise.resolve(
        own(memory.read.webhookDeliveries)
          .filter(({ eventId, webhookId }) => eventIds.includes(eventId) && memory.read.webhooks.has(keyOf(webhookId)))
          .sort((a, b) => a.eventAt - b.eventAt || (a.id < b.id ? -1 : 1)),
      ),
    deliveries({ webhookId, state, limit, cursor }) {
      const found = of(webhookId)
        .filter((it) => (state === undefined || it.state === state) && (cursor === undefined || it.id < cursor))
        .sort((a, b) => (a.id < b.id ? 1 : -1));
      return Promise.resolve(pageOf(found, limit));
    },
    deliveriesOf({ webhookId, from, to, states, limit, cursor }) {
      const after = readRangeCursor(cursor);
      const isAfter = ({ eventAt, id }: WebhookDelivery): boolean =>
        after === undefined || eventAt > after.at || (eventAt === after.at && id > after.id);
      const found = of(webhookId)
        .filter((it) => it.eventAt >= from && it.eventAt < to && states.includes(it.state) && isAfter(it))
        .sort((a, b) => a.eventAt - b.eventAt || (a.id < b.id ? -1 : 1));
      const items = found.slice(0, limit);
      return Promise.resolve({ items, nextCursor: found.length > limit ? rangeCursor(items.at(-1)) : null });
    },
  };
}
