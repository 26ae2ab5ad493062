import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';

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
