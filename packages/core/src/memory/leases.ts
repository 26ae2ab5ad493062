import { systemClock, type Clock } from '../clock.js';
import type { NamedLeases } from '../wake/lease.js';

/** Leases within this process: for one instance, and for tests. */
export function memoryLeases({ clock = systemClock }: { clock?: Pick<Clock, 'now'> } = {}): NamedLeases {
  const held = new Map<string, { owner: string | null; fence: number; until: number }>();
  const ours = (key: string, owner: string, fence: number) => {
    const lease = held.get(key);
    return lease?.owner === owner && lease.fence === fence ? lease : undefined;
  };
  return {
    acquire(key, owner, ttlMs) {
      const lease = held.get(key);
      if (lease && lease.owner !== null && lease.owner !== owner && lease.until > clock.now())
        return Promise.resolve(null);
      const fence = (lease?.fence ?? 0) + 1;
      held.set(key, { owner, fence, until: clock.now() + ttlMs });
      return Promise.resolve({ fence });
    },
    renew(key, owner, fence, ttlMs) {
      const lease = ours(key, owner, fence);
      if (!lease) return Promise.resolve(false);
      lease.until = clock.now() + ttlMs;
      return Promise.resolve(true);
    },
    release(key, owner, fence) {
      const lease = ours(key, owner, fence);
      if (!lease) return Promise.resolve(false);
      held.set(key, { ...lease, owner: null });
      return Promise.resolve(true);
    },
    holder(key) {
      const lease = held.get(key);
      if (!lease || lease.owner === null || lease.until <= clock.now()) return Promise.resolve(null);
      return Promise.resolve({ owner: lease.owner, fence: lease.fence });
    },
  };
}
