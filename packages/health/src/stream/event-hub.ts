import { createAudience, type AnyEvent, type Audience } from '@dotmac/core';
import type { HealthEvents } from '../events.js';

type Event = AnyEvent<HealthEvents>;

/** How much a hub remembers. */
export interface HubBounds {
  /** Events of each tenant. */
  perTenant: number;
  /** Events in all: beyond, tenants of which nothing was heard longest are forgotten. */
  total: number;
}

/** Hands events on to who follows a tenant, and remembers the last of them. */
export interface EventHub extends Pick<Audience<Event>, 'follow' | 'followersOf' | 'open' | 'close' | 'isClosed'> {
  add(event: Event): void;
  /** The events after one, or undefined when that is not known any more; none when nothing was named. */
  since(tenantId: string, eventId: string | undefined): Event[] | undefined;
}

/** Makes an empty hub. */
export function createEventHub({ perTenant, total }: HubBounds): EventHub {
  /** In the order in which tenants were heard of last. */
  const remembered = new Map<string, Event[]>();
  const audience = createAudience<Event>();
  let size = 0;
  return {
    ...audience,
    get isClosed() {
      return audience.isClosed;
    },
    add(event) {
      const { tenantId } = event;
      const own = remembered.get(tenantId) ?? [];
      own.push(event);
      size++;
      if (own.length > perTenant) {
        own.shift();
        size--;
      }
      remembered.delete(tenantId);
      remembered.set(tenantId, own);
      for (const [longest, events] of remembered) {
        if (size <= total || longest === tenantId) break;
        remembered.delete(longest);
        size -= events.length;
      }
      audience.tell(tenantId, event);
    },
    since(tenantId, eventId) {
      if (eventId === undefined) return [];
      const own = remembered.get(tenantId) ?? [];
      const at = own.findIndex(({ id }) => id === eventId);
      return at < 0 ? undefined : own.slice(at + 1);
    },
  };
}
