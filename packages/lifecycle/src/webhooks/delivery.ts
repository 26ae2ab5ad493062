import { id, idPageQuery, instant } from '@dotmac/core/contract';
import { z } from 'zod';

/**
 * `pending` (on its way, or waiting for its next attempt), `delivered`, `failed` (given up), `skipped` (the webhook was
 * not enabled).
 */
export const deliveryState = z
  .enum(['pending', 'delivered', 'failed', 'skipped'])
  .meta({ id: 'LifecycleWebhookDeliveryState' });

/** @see deliveryState */
export type DeliveryState = z.output<typeof deliveryState>;

/** One event on its way to one webhook. What was sent is not kept: it is made of the history again. */
export const deliveryView = z
  .object({
    id: id.meta({ description: 'The `webhook-id` of the message: the same on every attempt and replay' }),
    webhookId: id,
    customerId: id,
    eventId: id,
    eventType: z.string().meta({ examples: ['customer.suspended'] }),
    eventAt: instant,
    state: deliveryState,
    attempts: z.int(),
    lastAttemptAt: instant.nullable(),
    lastFailure: z
      .string()
      .nullable()
      .meta({ description: 'A code: why the last attempt failed', examples: ['status_503'] }),
    deliveredAt: instant.nullable(),
  })
  .meta({ id: 'LifecycleWebhookDelivery' });

/** @see deliveryView */
export type WebhookDelivery = z.output<typeof deliveryView>;

/** What listing deliveries takes. */
export const deliveryQuery = z.object({
  ...idPageQuery.shape,
  state: deliveryState.optional().meta({ description: 'Those in this state' }),
});

/** @see deliveryQuery */
export type DeliveryQueryDraft = z.input<typeof deliveryQuery>;

/** What replaying a range takes. */
export const replayInput = z
  .object({
    from: instant.meta({ description: 'The first moment of the events' }),
    to: instant.meta({ description: 'The moment after the last' }),
    states: z
      .array(deliveryState)
      .min(1)
      .default(['failed', 'skipped'])
      .meta({ description: 'Which are sent again; those on their way are left alone' }),
    cursor: z
      .string()
      .regex(/^\d{1,15}\.[0-9a-f-]{36}$/, 'This is no cursor of a replay')
      .optional()
      .meta({ description: 'The `next_cursor` of the answer before' }),
  })
  .meta({ id: 'LifecycleWebhookReplayInput' });

/** @see replayInput */
export type ReplayDraft = Omit<z.input<typeof replayInput>, 'from' | 'to'> & { from: number; to: number };

/** What a replay came to. */
export const replayed = z
  .object({
    replayed: z.int().meta({ description: 'How many are on their way again' }),
    nextCursor: z.string().nullable().meta({ description: 'Null: the range is done. Otherwise ask again with it' }),
  })
  .meta({ id: 'LifecycleWebhookReplay' });

/** @see replayed */
export type Replayed = z.output<typeof replayed>;
