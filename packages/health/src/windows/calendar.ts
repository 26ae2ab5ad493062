import type { Clock } from '@dotmac/core';
import type { HealthStore } from '../store/store.js';
import { spanAt, nextStart, type Span } from './recurrence.js';
import { covers, type WindowRecord } from './window.js';

/** Which windows last now. */
export interface Calendar {
  /** The window over an endpoint that lasts longest from now. */
  over(
    tenantId: string,
    endpoint: { id: string; tags: readonly string[] },
  ): Promise<{ name: string; until: number } | undefined>;
  /** A tenant's windows were changed. */
  forget(tenantId: string): void;
}

/** What other processes change is seen after this. */
const keptMs = 10_000;

interface Known {
  window: WindowRecord;
  active: Span | undefined;
  /** Until when `active` holds; epoch ms. */
  holdsUntil: number;
}

/** Makes a calendar. Spans are reckoned when they are asked for, and never listed ahead. */
export function createCalendar({ store, clock }: { store: HealthStore; clock: Clock }): Calendar {
  const tenants = new Map<string, { readAt: number; windows: Promise<Known[]> }>();
  const read = async (tenantId: string): Promise<Known[]> => {
    const { items } = await store.tenant(tenantId).windows.list({ limit: 500, after: null });
    return items.map((window) => ({ window, active: undefined, holdsUntil: -Infinity }));
  };
  const windowsOf = (tenantId: string): Promise<Known[]> => {
    const now = clock.monotonic();
    const kept = tenants.get(tenantId);
    if (kept && now - kept.readAt < keptMs) return kept.windows;
    for (const [other, { readAt }] of tenants) if (now - readAt >= keptMs) tenants.delete(other);
    const windows = read(tenantId);
    tenants.set(tenantId, { readAt: now, windows });
    windows.catch(() => tenants.delete(tenantId));
    return windows;
  };
  return {
    async over(tenantId, endpoint) {
      const now = clock.now();
      let longest: { name: string; until: number } | undefined;
      for (const known of await windowsOf(tenantId)) {
        if (now >= known.holdsUntil) {
          known.active = spanAt(known.window, now);
          known.holdsUntil = known.active?.until ?? nextStart(known.window, now) ?? Infinity;
        }
        if (!known.active || !covers(known.window, endpoint)) continue;
        const { until } = known.active;
        if (!longest || until > longest.until) longest = { name: known.window.name, until };
      }
      return longest;
    },
    forget: (tenantId) => void tenants.delete(tenantId),
  };
}
