import { newId, type Clock, type StoreTransaction, type Subscriber } from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { HealthMetrics } from '../metrics.js';
import { attempted, untried } from '../channels/delivery-state.js';
import { isNotDelivered } from '@dotmac/core/net';
import type { ChannelRecord } from '../channels/channel.js';
import type { DeliverThrough } from '../channels/deliver-through.js';
import type { MessageRecord } from '../store/alerts.js';
import type { HealthStore, TenantStore } from '../store/store.js';
import {
  afterGivingUp,
  afterTelling,
  asWanted,
  onItsWayAgain,
  outOfMessage,
  tellingOf,
  type AlertRecord,
} from './alert.js';
import type { AlertEvents } from './events.js';
import { alertMessage, headline, itemOf, type AlertItem, type AlertMessage } from './message.js';

const wire = wireOf(alertMessage);

/** What delivering works with. */
export interface MessengerOptions {
  store: HealthStore;
  through: DeliverThrough;
  /** What an endpoint is now. */
  statusOf: (endpointId: string) => EndpointStatus | undefined;
  metrics: HealthMetrics | undefined;
  clock: Clock;
}

/**
 * Delivers messages that are due. A message is put together at its first attempt and kept: every attempt says the same
 * under the same id, whatever becomes of the process. Only as long as nobody can have received it, it is put together anew at
 * the next attempt: what was over before it could be told is then told as that.
 */
export function createMessenger({
  store,
  through,
  statusOf,
  metrics,
  clock,
}: MessengerOptions): Required<Pick<Subscriber<AlertEvents>, 'deliver' | 'gaveUp'>> {
  const keepState = async (
    tenant: TenantStore,
    channelId: string,
    failure: string | null,
    trx?: StoreTransaction,
  ): Promise<void> => {
    await tenant.deliveries.change(
      channelId,
      (known = untried(channelId)) => attempted(known, failure, clock.now()),
      trx,
    );
  };
  /** Changes those of some alerts that are in a message still. */
  const changeIn = async (
    messageId: string,
    alerts: readonly AlertRecord[],
    change: (known: AlertRecord) => AlertRecord | null,
    trx?: StoreTransaction,
  ): Promise<void> => {
    for (const { tenantId, channelId, trouble } of alerts)
      await store
        .tenant(tenantId)
        .changeAlert(
          { channelId, incidentId: trouble.incidentId },
          (known) => (known?.messageId === messageId ? change(known) : undefined),
          trx,
        );
  };
  const settle = async (tenant: TenantStore, channel: ChannelRecord, message: AlertMessage): Promise<void> => {
    const now = clock.now();
    await store.transaction(async (trx: StoreTransaction) => {
      for (const { incidentId, kind, severity, objective } of message.items) {
        const of = { channelId: channel.id, incidentId };
        const told = { messageId: message.id, kind, severity, now };
        await tenant.changeAlert(of, (known) => known && afterTelling(known, told), trx);
        if (objective) continue;
        const entry = { id: newId(), at: now, kind: 'told' as const, actor: 'system', code: null, text: channel.name };
        await tenant.noteIncident(incidentId, entry, {}, trx);
      }
      await tenant.removeMessage(message.id, trx);
      await keepState(tenant, channel.id, null, trx);
    });
  };
  /** What a message tells is not to be told to a channel that is disabled. */
  const drop = async (tenant: TenantStore, messageId: string): Promise<void> => {
    const alerts = await tenant.alertsIn(messageId);
    await store.transaction(async (trx: StoreTransaction) => {
      const unwanted = (known: AlertRecord) =>
        asWanted(known, { isEnabled: false, isMeant: true, reminderMs: known.reminderMs }, clock.now());
      await changeIn(messageId, alerts, unwanted, trx);
      await tenant.removeMessage(messageId, trx);
    });
  };
  /** What a message says of these alerts; undefined when there is nothing left to say. */
  const compose = async (
    tenant: TenantStore,
    { tenantId, channelId, id }: MessageRecord,
    alerts: readonly AlertRecord[],
  ): Promise<AlertMessage | undefined> => {
    const now = clock.now();
    const items: AlertItem[] = [];
    for (const alert of alerts) {
      const telling = tellingOf(alert, now);
      const { endpointId } = alert.trouble;
      const status = endpointId === null ? undefined : statusOf(endpointId);
      if (telling) items.push(itemOf(alert, telling, status));
      // Its next news is not to wait for a message that says nothing of it.
      else await changeIn(id, [alert], (known) => outOfMessage(known, now));
    }
    if (items.length === 0) return undefined;
    const message = { id, type: 'alert' as const, tenantId, channelId, at: now, text: headline(items), items };
    await tenant.setPayload(id, wire.write(message));
    return message;
  };

  const deliver: Subscriber<AlertEvents>['deliver'] = async (event, { attempt, signal }) => {
    const { tenantId, subject: channelId } = event;
    const { messageId } = event.data;
    const tenant = store.tenant(tenantId);
    const kept = await tenant.message(messageId);
    const channel = await tenant.channels.get(channelId);
    if (!kept || !channel) return;
    if (!channel.enabled) return drop(tenant, messageId);
    const isFresh = kept.payload === null;
    const alerts = isFresh || attempt === 1 ? await tenant.alertsIn(messageId) : [];
    // It may have been given up before.
    const givenUp = attempt === 1 ? alerts.filter(({ onItsWay }) => !onItsWay) : [];
    await changeIn(messageId, givenUp, onItsWayAgain);
    const message = kept.payload === null ? await compose(tenant, kept, alerts) : messageOf(kept.payload);
    if (!message) return tenant.removeMessage(messageId);
    try {
      await through(channel, message, { attempt, signal });
    } catch (error) {
      const failure = isNotDelivered(error) ? error : undefined;
      // What was put together at an earlier attempt may have arrived with that one.
      if (isFresh && failure && !failure.mayHaveArrived) await tenant.setPayload(messageId, null);
      metrics?.delivered(channel.kind, 'failed');
      await keepState(tenant, channelId, failure?.code ?? 'failed');
      throw error;
    }
    metrics?.delivered(channel.kind, 'delivered');
    await settle(tenant, channel, message);
  };
  return {
    deliver,
    /** What still lasts is told as if it were a reminder; who tries the message again tells it as it is. */
    async gaveUp({ tenantId, data: { messageId } }) {
      const now = clock.now();
      const alerts = await store.tenant(tenantId).alertsIn(messageId);
      await changeIn(messageId, alerts, (known) => afterGivingUp(known, now));
    },
  };
}

function messageOf(payload: string): AlertMessage | undefined {
  const read = wire.parse(JSON.parse(payload));
  return read.ok ? read.value : undefined;
}
