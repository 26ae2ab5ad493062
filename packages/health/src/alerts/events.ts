import { defineEvents } from '@dotmac/core';
import { z } from 'zod';

/** What alerts tell themselves through the outbox. The subject is the channel's id: its messages go out in order, as long as they arrive. */
export const alertEvents = defineEvents('health', { 'message.due': z.object({ messageId: z.string() }) });

/** The schemas of {@link alertEvents}. */
export type AlertEvents = typeof alertEvents.schemas;
