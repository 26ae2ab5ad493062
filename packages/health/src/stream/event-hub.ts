import type { AnyEvent, Streams } from '@dotmac/core';
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
export interface EventHub {
  add(event: Event): void;
  /** The events after one, or undefined when that is not known any more; none when nothing was named. */
  since(tenantId: string, eventId: string | undefined): Event[] | undefined;
}

/** Makes an empty hub, which tells streams what it is told. */
export function createEventHub(streams: Pick<Streams<Event>, 'tell'>, { perTenant, total }: HubBounds): EventHub {
  /** In the order in which tenants were heard of last. */
  const remembered = new Map<string, Event[]>();
  let size = 0;
  return {
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
      streams.tell(tenantId, event);
    },
    since(tenantId, eventId) {
      if (eventId === undefined) return [];
      const own = remembered.get(tenantId) ?? [];
      const at = own.findIndex(({ id }) => id === eventId);
      return at < 0 ? undefined : own.slice(at + 1);
    },
  };
}
