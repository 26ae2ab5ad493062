import { fromFlag, fromJson, numberOrNull, toFlag } from '@dotmac/core/kysely';
import type { DeliveryState, WebhookDelivery } from '../../webhooks/delivery.js';
import type { Webhook } from '../../webhooks/webhook.js';

/** `dotmac_lifecycle_webhooks`. */
export interface WebhookRow {
  tenant_id: string;
  id: string;
  name: string;
  url: string;
  events: string | null;
  enabled: number;
  sealed_secret: string;
  old_sealed_secret: string | null;
  old_secret_until: number | null;
  failing_since: number | null;
  disabled_at: number | null;
  created_at: number;
  updated_at: number;
}

/** `dotmac_webhook_deliveries`: an event and a webhook. */
export interface DeliveryRow {
  tenant_id: string;
  id: string;
  webhook_id: string;
  customer_id: string;
  event_id: string;
  event_type: string;
  event_at: number;
  state: string;
  attempts: number;
  last_attempt_at: number | null;
  last_failure: string | null;
  delivered_at: number | null;
}

/** A webhook as a row. */
export function webhookRow(tenantId: string, webhook: Webhook): WebhookRow {
  return {
    tenant_id: tenantId,
    id: webhook.id,
    name: webhook.name,
    url: webhook.url,
    events: webhook.events && JSON.stringify(webhook.events),
    enabled: toFlag(webhook.enabled),
    sealed_secret: webhook.sealedSecret,
    old_sealed_secret: webhook.oldSealedSecret,
    old_secret_until: webhook.oldSecretUntil,
    failing_since: webhook.failingSince,
    disabled_at: webhook.disabledAt,
    created_at: webhook.createdAt,
    updated_at: webhook.updatedAt,
  };
}

/** A row as a webhook. */
export function webhookOf(row: WebhookRow): Webhook {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    url: row.url,
    events: row.events === null ? null : fromJson<string[]>(row.events),
    enabled: fromFlag(row.enabled),
    sealedSecret: row.sealed_secret,
    oldSealedSecret: row.old_sealed_secret,
    oldSecretUntil: numberOrNull(row.old_secret_until),
    failingSince: numberOrNull(row.failing_since),
    disabledAt: numberOrNull(row.disabled_at),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/** A delivery as a row. */
export function deliveryRow(tenantId: string, delivery: WebhookDelivery): DeliveryRow {
  return {
    tenant_id: tenantId,
    id: delivery.id,
    webhook_id: delivery.webhookId,
    customer_id: delivery.customerId,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    event_at: delivery.eventAt,
    state: delivery.state,
    attempts: delivery.attempts,
    last_attempt_at: delivery.lastAttemptAt,
    last_failure: delivery.lastFailure,
    delivered_at: delivery.deliveredAt,
  };
}

/** A row as a delivery. */
export function deliveryOf(row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    customerId: row.customer_id,
    eventId: row.event_id,
    eventType: row.event_type,
    eventAt: Number(row.event_at),
    state: row.state as DeliveryState,
    attempts: Number(row.attempts),
    lastAttemptAt: numberOrNull(row.last_attempt_at),
    lastFailure: row.last_failure,
    deliveredAt: numberOrNull(row.delivered_at),
  };
}
