import { describeError, type AnyEvent } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleEvents, type LifecycleEvents } from '../events.js';
import { disabledSubscriber } from './disable.js';
import { deliverDue, fanOut, fanOutSubscriber, giveUpDelivery, postSubscriber } from './deliver.js';

const pruneEveryMs = 3_600_000;
const prunedAtOnce = 1_000;

/** Has webhooks told of every event, if they are switched on, and their log kept short. */
export function subscribeWebhooks(context: LifecycleContext): void {
  const { webhooks: sending, store, relay, clock, logger } = context;
  if (!sending) return;
  let prunedAt = clock.monotonic();
  const prune = async (): Promise<void> => {
    if (clock.monotonic() - prunedAt < pruneEveryMs) return;
    prunedAt = clock.monotonic();
    while ((await store.pruneDeliveries(Math.max(0, clock.now() - sending.keepMs), prunedAtOnce)) === prunedAtOnce);
  };
  relay.subscribe({
    name: fanOutSubscriber,
    events: lifecycleEvents.names,
    deliver(event) {
      prune().catch((error: unknown) => logger.warn(describeError(error), 'old deliveries could not be removed'));
      return fanOut(context, event as AnyEvent<LifecycleEvents>);
    },
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
