import type { StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { DeliveryState, WebhookDelivery } from '../webhooks/delivery.js';
import type { Webhook } from '../webhooks/webhook.js';

/** One tenant's webhooks, and the log of what became of each event. */
export interface WebhookStore {
  insert(webhook: Webhook, trx?: StoreTransaction): Promise<void>;
  count(trx: StoreTransaction): Promise<number>;
  /** Reads the latest state, and keeps others from changing it until the transaction ends. */
  lock(webhookId: string, trx: StoreTransaction): Promise<Webhook | undefined>;
  /** Writes one that is locked. */
  update(webhook: Webhook, trx: StoreTransaction): Promise<void>;
  get(webhookId: string): Promise<Webhook | undefined>;
  /** In the order of their making. */
  all(): Promise<Webhook[]>;
  /**
   * Notes since when nothing was taken, if it was taken until now; null: something was. Nothing is told of a webhook that
   * is gone.
   */
  noteFailing(webhookId: string, since: number | null, trx?: StoreTransaction): Promise<void>;
  /** Switches off one that is enabled and fails since then: true for one caller alone. */
  disable(webhookId: string, failingSince: number, at: number, trx: StoreTransaction): Promise<boolean>;
  /** At once; its log is {@link LifecycleStore.pruneRemovedWebhooks}'s. */
  remove(webhookId: string, trx: StoreTransaction): Promise<void>;
  /** False when this webhook has this event already. */
  addDelivery(delivery: WebhookDelivery, trx: StoreTransaction): Promise<boolean>;
  delivery(deliveryId: string): Promise<WebhookDelivery | undefined>;
  /**
   * Writes how an attempt went, of one that is pending; false, and nothing written, when it is not any more, or when a
   * later attempt was written already: by who took it over.
   */
  settle(delivery: WebhookDelivery, trx?: StoreTransaction): Promise<boolean>;
  /** Makes one pending that is not; false when it is, or is gone. */
  reset(deliveryId: string, trx: StoreTransaction): Promise<boolean>;
  /** What became of these events at whatever webhook, in the order of the events. */
  deliveriesFor(eventIds: readonly string[]): Promise<WebhookDelivery[]>;
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
