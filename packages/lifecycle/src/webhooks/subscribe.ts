import type { AnyEvent } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleEvents, type LifecycleEvents } from '../events.js';
import { disabledSubscriber } from './disable.js';
import { deliverDue, fanOut, fanOutSubscriber, giveUpDelivery, postSubscriber } from './deliver.js';

/** Has webhooks told of every event, if they are switched on. */
export function subscribeWebhooks(context: LifecycleContext): void {
  const { webhooks: sending, relay, logger } = context;
  if (!sending) return;
  relay.subscribe({
    name: fanOutSubscriber,
    events: lifecycleEvents.names,
    deliver: (event) => fanOut(context, event as AnyEvent<LifecycleEvents>),
  });
  sending.relay.subscribe({
    name: postSubscriber,
    events: ['webhook.due'],
    deliver: ({ tenantId, data }, delivery) =>
      deliverDue(context, sending, { tenantId, deliveryId: data.deliveryId }, delivery),
    gaveUp: ({ tenantId, data }) => giveUpDelivery(context, sending, { tenantId, deliveryId: data.deliveryId }),
    async gaveUpUnread({ tenantId, data }) {
      const { deliveryId } = { ...(data as { deliveryId?: unknown }) };
      if (typeof deliveryId === 'string') await giveUpDelivery(context, sending, { tenantId, deliveryId });
    },
  });
  sending.relay.subscribe({
    name: disabledSubscriber,
    events: ['webhook.disabled'],
    async deliver({ tenantId, at: disabledAt, data }) {
      const notice = { tenantId, disabledAt, ...data };
      logger.warn(notice, 'a webhook took nothing for days, and was switched off');
      await sending.onDisabled?.(notice);
    },
  });
}
