import type { LifecycleContext } from '../context.js';
import { dueDeliveries, type WebhookSending } from './sending.js';
import type { Webhook } from './webhook.js';

/** The subscriber of the webhooks' own outbox that tells the host of a webhook that was switched off. */
export const disabledSubscriber = 'webhook-disabled';

/** Notes that a webhook did not take something; one that took nothing for days is switched off, and the host is told. */
export async function noteFailure(
  { store, clock }: LifecycleContext,
  { disableAfterMs }: WebhookSending,
  { tenantId, id: webhookId, name, failingSince }: Webhook,
  lastFailure: string,
): Promise<void> {
  const { webhooks } = store.tenant(tenantId);
  const at = clock.now();
  if (failingSince === null) return webhooks.noteFailing(webhookId, at);
  if (at - failingSince < disableAfterMs) return;
  await store.transaction(async (trx) => {
    if (!(await webhooks.disable(webhookId, failingSince, at, trx))) return;
    const data = { webhookId, name, failingSince, lastFailure };
    const of = { tenantId, actor: 'system', subject: webhookId, at, data };
    const event = dueDeliveries.encode(dueDeliveries.create('webhook.disabled', of));
    await store.webhookOutbox.append([{ subscriber: disabledSubscriber, event }], trx);
  });
}
