import type { DomainEvent, StoreTransaction } from '@dotmac/core';

/** An event at its place in the order that all processes see. */
export interface PlacedEvent {
  /** Greater than that of all events that were seen before it. */
  position: number;
  /** As it is stored: `healthEvents.parse` reads it. */
  event: DomainEvent;
}

/** What happened lately, for whoever follows it in any process: the same events, in the same order. */
export interface EventLog {
  /** Adds events, encoded, in the transaction that made them true. `settle` does so by itself. */
  logEvents(events: readonly DomainEvent[], trx: StoreTransaction): Promise<void>;
  /** The position of the last event that is committed; what is committed later comes after it. 0 before the first. */
  lastPosition(): Promise<number>;
  /** Every tenant's events after a position, in their order. One indexed query, when there are none. */
  eventsAfter(position: number, limit: number): Promise<PlacedEvent[]>;
  /** A tenant's events from one of them on, that one first; undefined when that is not kept any more, or another tenant's. */
  tenantEventsFrom(tenantId: string, eventId: string, limit: number): Promise<PlacedEvent[] | undefined>;
  /** Deletes up to `limit` events that were logged before `before` (store's clock). Returns how many. */
  pruneEvents(before: number, limit: number): Promise<number>;
}
