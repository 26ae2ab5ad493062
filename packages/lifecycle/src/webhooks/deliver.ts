import { newId, type AnyEvent, type DeliveryContext, type StoreTransaction } from '@dotmac/core';
import { isNotDelivered } from '@dotmac/core/net';
import type { LifecycleContext } from '../context.js';
import type { LifecycleEvents } from '../events.js';
import { openEntries } from '../privacy/vault.js';
import type { WebhookDelivery } from './delivery.js';
import { bodyOf } from './message.js';
import { postSigned } from './post.js';
import { noteFailure } from './disable.js';
import { dueDeliveries, type WebhookSending } from './sending.js';

/** The subscriber of the domain's outbox that notes who is to be told of an event. */
export const fanOutSubscriber = 'webhooks';
/** The subscriber of the webhooks' own outbox. */
export const postSubscriber = 'webhook';

/** Notes an event for every webhook of its tenant that wants it, once, and puts it on its way. */
export async function fanOut({ store }: LifecycleContext, event: AnyEvent<LifecycleEvents>): Promise<void> {
  const { id: eventId, name, at, tenantId, subject: customerId } = event;
  const { webhooks } = store.tenant(tenantId);
  const wanting = (await webhooks.all()).filter(({ events }) => events?.includes(name) ?? true);
  if (wanting.length === 0) return;
  await store.transaction(async (trx) => {
    const due: WebhookDelivery[] = [];
    for (const { id: webhookId, enabled } of wanting) {
      const delivery: WebhookDelivery = {
        id: newId(),
        webhookId,
        customerId,
        eventId,
        eventType: name,
        eventAt: at,
        state: enabled ? 'pending' : 'skipped',
        attempts: 0,
        lastAttemptAt: null,
        lastFailure: null,
        deliveredAt: null,
      };
      // Told again after a crash, it is there already.
      if ((await webhooks.addDelivery(delivery, trx)) && enabled) due.push(delivery);
    }
    await queueDeliveries({ store }, tenantId, due, trx);
  });
}

/** Puts deliveries on their way; those of one customer arrive at one webhook in this order. */
export async function queueDeliveries(
  { store }: Pick<LifecycleContext, 'store'>,
  tenantId: string,
  deliveries: readonly WebhookDelivery[],
  trx: StoreTransaction,
): Promise<void> {
  const entries = deliveries.map(({ id: deliveryId, webhookId, customerId, eventAt: at }) => {
    const of = { tenantId, actor: 'system', subject: `${webhookId}/${customerId}`, at, data: { deliveryId } };
    return { subscriber: postSubscriber, event: dueDeliveries.encode(dueDeliveries.create('webhook.due', of)) };
  });
  await store.webhookOutbox.append(entries, trx);
}

/** Posts what is due; throws when it is to be tried again. */
export async function deliverDue(
  context: LifecycleContext,
  sending: WebhookSending,
  { tenantId, deliveryId }: { tenantId: string; deliveryId: string },
  { attempt, signal }: DeliveryContext,
): Promise<void> {
  const { store, clock } = context;
  const { webhooks, history } = store.tenant(tenantId);
  const delivery = await webhooks.delivery(deliveryId);
  // Removed meanwhile, or settled before a crash that kept this from being known.
  if (delivery?.state !== 'pending') return;
  const webhook = await webhooks.get(delivery.webhookId);
  const { customerId, eventId } = delivery;
  const settle = (change: Partial<WebhookDelivery>, trx?: StoreTransaction): Promise<boolean> =>
    webhooks.settle({ ...delivery, ...change }, trx);
  // One that was removed while this was noted took its log with it, but not this.
  if (!webhook?.enabled) return void (await settle({ state: 'skipped' }));
  const found = await history.find(customerId, eventId);
  const [entry] = found ? await openEntries(context, tenantId, customerId, [found]) : [];
  if (!entry) return void (await settle({ state: 'failed', lastFailure: 'event_gone' }));
  const attempted = { attempts: attempt, lastAttemptAt: clock.now() };
  try {
    await postSigned(sending, webhook, { id: deliveryId, body: bodyOf(entry) }, { clock, signal });
  } catch (error) {
    const lastFailure = isNotDelivered(error) ? error.code : 'failed';
    const isOurs = lastFailure === 'secret_not_readable';
    const isLast = attempt >= sending.maxAttempts || isOurs;
    // Who was held up, and finds that another has tried it since, has nothing to say of it.
    if (!(await settle({ ...attempted, lastFailure, state: isLast ? 'failed' : 'pending' }))) return;
    if (!isOurs) await noteFailure(context, sending, webhook, lastFailure);
    if (isLast) return;
    throw error;
  }
  const done = { ...attempted, state: 'delivered', lastFailure: null, deliveredAt: clock.now() } as const;
  if (webhook.failingSince === null) await settle(done);
  else
    await store.transaction(async (trx) => {
      if (await settle(done, trx)) await webhooks.noteFailing(webhook.id, null, trx);
    });
}

/** Notes of a delivery whose last attempt came to no end that it failed: nobody will make another, unless it is replayed. */
export async function giveUpDelivery(
  { store }: Pick<LifecycleContext, 'store'>,
  { maxAttempts }: Pick<WebhookSending, 'maxAttempts'>,
  { tenantId, deliveryId }: { tenantId: string; deliveryId: string },
): Promise<void> {
  const { webhooks } = store.tenant(tenantId);
  const delivery = await webhooks.delivery(deliveryId);
  if (delivery?.state !== 'pending') return;
  await webhooks.settle({ ...delivery, state: 'failed', attempts: maxAttempts, lastFailure: 'never_settled' });
}
