import type { DomainEvent, OutboxEntry } from '@dotmac/core';
import type { HealthEvents } from '../events.js';

/** Hands every event to the module's own emitter. */
export const emitterSubscriber = 'health-events';

/** Tells the rules of incidents and of budgets that burn. */
export const alertSubscriber = 'health-alerts';

/** The events that alerts are made of. */
export const alertingEvents = [
  'incident.opened',
  'incident.worsened',
  'incident.acknowledged',
  'incident.resolved',
  'objective.burning',
  'objective.recovered',
] as const satisfies readonly (keyof HealthEvents)[];

/** Events as outbox entries for whoever wants them, as the relay of the module would append them. */
export function outboxEntries(events: readonly DomainEvent[]): OutboxEntry[] {
  return events.flatMap((event) => {
    const isAlerting = (alertingEvents as readonly string[]).includes(event.name);
    const subscribers = isAlerting ? [emitterSubscriber, alertSubscriber] : [emitterSubscriber];
    return subscribers.map((subscriber) => ({ subscriber, event }));
  });
}
