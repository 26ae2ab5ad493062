import type { Clock } from '@dotmac/core';
import { keptFor } from '../kept-for.js';
import type { HealthStore } from '../store/store.js';
import { spanAt, nextStart, type Span } from './recurrence.js';
import { covers, type WindowRecord } from './window.js';

/** A time that a window lasts. */
export type WindowSpan = Span & { window: WindowRecord };

/** Which windows last now, and when the others begin. */
export interface Calendar {
  /** The window over an endpoint that lasts longest from now. */
  over(
    tenantId: string,
    endpoint: { id: string; tags: readonly string[] },
  ): Promise<{ name: string; until: number } | undefined>;
  /** When each of a tenant's windows lasts now, and when it does next. */
  spans(tenantId: string): Promise<WindowSpan[]>;
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
  const kept = keptFor<Known[]>(keptMs, clock);
  const windowsOf = (tenantId: string): Promise<Known[]> =>
    kept.get(tenantId, async () => {
      const { items } = await store.tenant(tenantId).windows.list({ limit: 500, after: null });
      return items.map((window) => ({ window, active: undefined, holdsUntil: -Infinity }));
    });
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
    async spans(tenantId) {
      const now = clock.now();
      return (await windowsOf(tenantId)).flatMap(({ window }) => {
        const active = spanAt(window, now);
        const begins = nextStart(window, active?.until ?? now);
        const next = begins === null ? undefined : spanAt(window, begins);
        return [active, next].flatMap((span) => (span ? [{ window, ...span }] : []));
      });
    },
    forget: (tenantId) => kept.forget(tenantId),
  };
}
