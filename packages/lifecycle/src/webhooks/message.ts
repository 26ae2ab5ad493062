import { freeForm, id, instant, wireOf } from '@dotmac/core/contract';
import type { DomainEvent } from '@dotmac/core';
import { z } from 'zod';
import { shownEvent } from '../customers/summarize.js';
import type { HistoryEntry } from '../store/store.js';

/** What is posted: `type`, `timestamp` and `data`, as Standard Webhooks are. */
const webhookMessage = z.object({
  type: z.string(),
  timestamp: instant,
  data: z.object({ eventId: id, tenantId: z.string(), customerId: id, actor: z.string(), details: freeForm }),
});
const testMessage = z.object({
  type: z.literal('webhook.test'),
  timestamp: instant,
  data: z.object({ webhookId: id, message: z.string() }),
});
const [messageWire, testWire] = [wireOf(webhookMessage), wireOf(testMessage)];

/** The body for an event. */
export function bodyOf(entry: HistoryEntry): string {
  const { tenantId, subject: customerId } = entry.event as DomainEvent;
  const { id: eventId, eventType: type, timestamp, actor, details } = shownEvent(entry);
  return messageWire.write({ type, timestamp, data: { eventId, tenantId, customerId, actor, details } });
}

/** The body of a test. */
export function testBodyOf(webhookId: string, timestamp: number): string {
  const data = { webhookId, message: 'This is a test: nothing happened' };
  return testWire.write({ type: 'webhook.test', timestamp, data });
}
