import { newId, type Clock, type DeliveryContext, type DomainEvent, type StoreTransaction } from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { HealthMetrics } from '../metrics.js';
import { attempted, untried } from '../channels/delivery-state.js';
import { isNotDelivered } from '@dotmac/core/net';
import type { ChannelRecord } from '../channels/channel.js';
import type { DeliverThrough } from '../channels/deliver-through.js';
import type { HealthStore, TenantStore } from '../store/store.js';
import { afterGivingUp, afterTelling, asWanted, tellingOf } from './alert.js';
import type { AlertEvents } from './events.js';
import { alertMessage, headline, itemOf, type AlertMessage } from './message.js';

const wire = wireOf(alertMessage);

/** What delivering works with. */
export interface MessengerOptions {
  store: HealthStore;
  through: DeliverThrough;
  /** At which attempt a message is given up that failed so. */
  mostAttemptsAt: (error: unknown) => number;
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
export function createMessenger({ store, through, mostAttemptsAt, statusOf, metrics, clock }: MessengerOptions) {
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
  const drop = async (tenant: TenantStore, channelId: string, messageId: string): Promise<void> => {
    const alerts = await tenant.alertsIn(messageId);
    await store.transaction(async (trx: StoreTransaction) => {
      for (const { trouble } of alerts)
        await tenant.changeAlert(
          { channelId, incidentId: trouble.incidentId },
          (known) => {
            if (known?.messageId !== messageId) return undefined;
            return asWanted(known, { isEnabled: false, isMeant: true, reminderMs: known.reminderMs }, clock.now());
          },
          trx,
        );
      await tenant.removeMessage(messageId, trx);
    });
  };
  /** A message is given up, and what still lasts of it is told as if it were a reminder; who tries it again tells it as it is. */
  const remindLater = async (tenant: TenantStore, channelId: string, messageId: string): Promise<void> => {
    const now = clock.now();
    for (const { trouble } of await tenant.alertsIn(messageId))
      await tenant.changeAlert({ channelId, incidentId: trouble.incidentId }, (known) =>
        known?.messageId === messageId ? afterGivingUp(known, now) : undefined,
      );
  };
  /** What a message says; undefined when there is nothing left to say. */
  const compose = async (tenant: TenantStore, tenantId: string, channelId: string, id: string) => {
    const now = clock.now();
    const items = (await tenant.alertsIn(id)).flatMap((alert) => {
      const telling = tellingOf(alert, now);
      const { endpointId } = alert.trouble;
      const status = endpointId === null ? undefined : statusOf(endpointId);
      return telling ? [itemOf(alert, telling, status)] : [];
    });
    if (items.length === 0) return undefined;
    const message = { id, type: 'alert' as const, tenantId, channelId, at: now, text: headline(items), items };
    await tenant.setPayload(id, wire.write(message));
    return message;
  };

  return async (event: DomainEvent<AlertEvents>, { attempt, signal }: DeliveryContext): Promise<void> => {
    const { tenantId, subject: channelId } = event;
    const { messageId } = event.data;
    const tenant = store.tenant(tenantId);
    const kept = await tenant.message(messageId);
    const channel = await tenant.channels.get(channelId);
    if (!kept || !channel) return;
    if (!channel.enabled) return drop(tenant, channelId, messageId);
    const message =
      kept.payload === null ? await compose(tenant, tenantId, channelId, messageId) : messageOf(kept.payload);
    if (!message) return tenant.removeMessage(messageId);
    try {
      await through(channel, message, { attempt, signal });
    } catch (error) {
      const failure = isNotDelivered(error) ? error : undefined;
      // What was put together at an earlier attempt may have arrived with that one.
      const isFresh = kept.payload === null;
      if (isFresh && failure && !failure.mayHaveArrived) await tenant.setPayload(messageId, null);
      metrics?.delivered(channel.kind, 'failed');
      await keepState(tenant, channelId, failure?.code ?? 'failed');
      if (attempt >= mostAttemptsAt(error)) await remindLater(tenant, channelId, messageId);
      throw error;
    }
    metrics?.delivered(channel.kind, 'delivered');
    await settle(tenant, channel, message);
  };
}

function messageOf(payload: string): AlertMessage | undefined {
  const read = wire.parse(JSON.parse(payload));
  return read.ok ? read.value : undefined;
}
