import type { DomainEvent, OutboxEntry } from '@dotmac/core';

/** The one subscriber of the health outbox: it hands events to the module's own emitter. */
export const emitterSubscriber = 'health-events';

/** Events as outbox entries for the module's emitter. */
export function outboxEntries(events: readonly DomainEvent[]): OutboxEntry[] {
  return events.map((event) => ({ subscriber: emitterSubscriber, event }));
}
