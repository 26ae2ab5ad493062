import type { ParkedEntry } from '@dotmac/core';
import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import type { HealthStore } from '../store/store.js';
import type { AlertEvents } from './events.js';

/** Delivers messages through channels. */
export const messengerSubscriber = 'health-messenger';

/** A message that was given up after its last attempt. */
export const undeliveredMessage = z
  .object({
    id,
    channelId: z.string(),
    createdAt: instant,
    givenUpAt: instant,
    attempts: z.int(),
    reason: z.string().meta({ description: 'A code' }),
  })
  .meta({ id: 'UndeliveredMessage' });

/** @see undeliveredMessage */
export type UndeliveredMessage = z.output<typeof undeliveredMessage>;

/** A parked delivery as it is shown. */
export function undeliveredOf({ deliveryId, event, attempts, parkedAt, reason }: ParkedEntry): UndeliveredMessage {
  return { id: deliveryId, channelId: event.subject, createdAt: event.at, givenUpAt: parkedAt, attempts, reason };
}

/** The id of the message that a parked delivery is of. */
export function messageOf({ event }: ParkedEntry): string {
  return (event.data as z.output<AlertEvents['message.due']>).messageId;
}

/** Deletes up to `limit` deliveries that were given up before `before` (epoch ms), and their messages. Returns how many. */
export function pruneUndelivered(store: HealthStore, before: number, limit: number): Promise<number> {
  return store.transaction(async (trx) => {
    const pruned = await store.outbox.pruneParked({ before, limit }, trx);
    for (const entry of pruned)
      if (entry.subscriber === messengerSubscriber)
        await store.tenant(entry.event.tenantId).removeMessage(messageOf(entry), trx);
    return pruned.length;
  });
}
