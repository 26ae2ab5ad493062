import type { AnyEvent } from '@dotmac/core';
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
  /** Calls `listener` for every event of a tenant, and with null when the hub closes. Returns how to stop. */
  follow(tenantId: string, listener: (event: Event | null) => void): () => void;
  followersOf(tenantId: string): number;
  /** Takes followers again, after it was closed. */
  open(): void;
  /** Lets every follower go, and takes none until it is opened again. */
  close(): void;
  readonly isClosed: boolean;
}

/** Makes an empty hub. */
export function createEventHub({ perTenant, total }: HubBounds): EventHub {
  /** In the order in which tenants were heard of last. */
  const remembered = new Map<string, Event[]>();
  const followers = new Map<string, Set<(event: Event | null) => void>>();
  let [size, isClosed] = [0, false];
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
      for (const tell of followers.get(tenantId) ?? []) tell(event);
    },
    since(tenantId, eventId) {
      if (eventId === undefined) return [];
      const own = remembered.get(tenantId) ?? [];
      const at = own.findIndex(({ id }) => id === eventId);
      return at < 0 ? undefined : own.slice(at + 1);
    },
    follow(tenantId, listener) {
      const own = followers.get(tenantId) ?? new Set();
      followers.set(tenantId, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0) followers.delete(tenantId);
      };
    },
    followersOf: (tenantId) => followers.get(tenantId)?.size ?? 0,
    open: () => void (isClosed = false),
    get isClosed() {
      return isClosed;
    },
    close() {
      isClosed = true;
      for (const own of [...followers.values()]) for (const tell of [...own]) tell(null);
    },
  };
}
