import { freeForm, id, instant, page, pageQuery } from '@dotmac/core/contract';
import { z } from 'zod';
import { detailsOf } from '../event-details.js';
import { lifecycleEvents, type LifecycleEvents } from '../events.js';
import type { HistoryEntry } from '../store/store.js';

/** The name of an event. */
export type EventName = keyof LifecycleEvents;

const names = new Set<string>(lifecycleEvents.names);

/** Names of events, with commas between them. */
const types = z
  .string()
  .max(2_000)
  .transform((text) => text.split(',').map((name) => name.trim()))
  .refine((given) => given.every((name) => names.has(name)), 'There is an event among them that there is not')
  .optional()
  .meta({ description: 'Of these names alone, with commas between them', examples: ['customer.suspended'] });

/** Which of a customer's events are listed. */
export const historyQuery = z.object({
  ...pageQuery.shape,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'This is no cursor of a history')
    .optional()
    .meta({ description: 'The `next_cursor` of the page before' }),
  types,
});

/** Which events of a tenant are read. */
export const feedQuery = z.object({
  limit: pageQuery.shape.limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'This is no cursor of the feed')
    .optional()
    .meta({ description: 'The `next_cursor` of the page before; without it, from the beginning' }),
  types,
  customerId: id.optional().meta({ description: 'Of this customer alone' }),
});

/** Which events are followed. */
export const followQuery = feedQuery.omit({ limit: true, cursor: true });

/** What code asks for. */
export interface EventFilter {
  types?: readonly EventName[] | undefined;
  customerId?: string | undefined;
}

/** An event of a customer, at its place in its history. */
export const customerEvent = z
  .object({
    id,
    customerId: id,
    seq: z.int().meta({ description: 'Its place in the history of the customer, from 1' }),
    eventType: z.string().meta({ examples: ['customer.suspended'] }),
    timestamp: instant,
    actor: z.string(),
    details: freeForm,
  })
  .meta({ id: 'CustomerEvent' });

/** @see customerEvent */
export type CustomerEvent = z.output<typeof customerEvent>;

/** A page of one customer's history. */
export const historyPage = page(customerEvent).meta({ id: 'CustomerEventPage' });

/** A page of the feed. It has no end: what happens later comes after its cursor. */
export const feedPage = z
  .object({
    items: z.array(customerEvent),
    nextCursor: z.string().meta({ description: 'Where to go on, also when nothing is there yet' }),
    hasMore: z.boolean().meta({ description: 'False: this was all so far' }),
  })
  .meta({ id: 'CustomerFeedPage' });

/** @see feedPage */
export type FeedPage = z.output<typeof feedPage>;

/** An event as it is streamed. */
export const streamedCustomerEvent = z
  .object({
    id: z.string().optional().meta({ description: 'Send it as `Last-Event-ID` to go on after it' }),
    event: z.string().meta({
      description: 'What happened; `reset`: the place to go on from is not known, read what you show anew',
    }),
    at: instant,
    customerId: z.string().nullable(),
    seq: z.int().nullable(),
    actor: z.string().nullable(),
    data: freeForm,
  })
  .meta({ id: 'StreamedCustomerEvent' });

/** @see streamedCustomerEvent */
export type StreamedCustomerEvent = z.output<typeof streamedCustomerEvent>;

/** An entry of a history as it is shown. */
export function shownEntry({ seq, event }: HistoryEntry): CustomerEvent {
  const { id: eventId, name: eventType, subject: customerId, at: timestamp, actor } = event;
  return { id: eventId, customerId, seq, eventType, timestamp, actor, details: detailsOf(event) };
}

/** An entry as it is streamed. */
export function streamedEntry({ seq, event }: HistoryEntry, position: number): StreamedCustomerEvent {
  const { name, subject: customerId, at, actor } = event;
  return { id: String(position), event: name, at, customerId, seq, actor, data: detailsOf(event) };
}
