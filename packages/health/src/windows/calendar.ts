import type { Clock } from '@dotmac/core';
import { keptFor } from '../kept-for.js';
import type { HealthStore } from '../store/store.js';
import { nextStart, periodsOf, spanAt, type Period, type Span } from './recurrence.js';
import { covers, type WindowRecord } from './window.js';

/** A time that a window lasts. */
export type WindowSpan = Span & { window: WindowRecord };

/** Whether a minute, by its start in epoch ms, is one of planned maintenance: a window over the endpoint lasts at any moment of it. */
export type IsPlanned = (
  endpoint: { tenantId: string; id: string; tags: readonly string[] },
  minute: number,
) => boolean;

/** Which windows last now, and when the others begin. */
export interface Calendar {
  /** The window over an endpoint that lasts longest from now. */
  over(
    tenantId: string,
    endpoint: { id: string; tags: readonly string[] },
  ): Promise<{ name: string; until: number } | undefined>;
  /** Tells what is planned maintenance of these tenants, as their windows are now. */
  planned(tenantIds: Iterable<string>): Promise<IsPlanned>;
  /** When each of a tenant's windows lasts now, and when it does next. */
  spans(tenantId: string): Promise<WindowSpan[]>;
  /** A tenant's windows were changed. */
  forget(tenantId: string): void;
}

/** What other processes change is seen after this. */
const keptMs = 10_000;
const minuteMs = 60_000;

interface Known {
  window: WindowRecord;
  periodAt: (at: number) => Period;
}

/** Makes a calendar. Spans are reckoned when they are asked for, and never listed ahead. */
export function createCalendar({ store, clock }: { store: HealthStore; clock: Clock }): Calendar {
  const kept = keptFor<Known[]>(keptMs, clock);
  /** What was reckoned of windows that are read again unchanged. */
  const before = new Map<string, readonly Known[]>();
  const windowsOf = (tenantId: string): Promise<Known[]> =>
    kept.get(tenantId, async () => {
      const { items } = await store.tenant(tenantId).windows.list({ limit: 500, after: null });
      const last = before.get(tenantId);
      const known = items.map(
        (window) =>
          last?.find(({ window: { id, updatedAt } }) => id === window.id && updatedAt === window.updatedAt) ?? {
            window,
            periodAt: periodsOf(window),
          },
      );
      if (known.length > 0) before.set(tenantId, known);
      else before.delete(tenantId);
      return known;
    });
  return {
    async over(tenantId, endpoint) {
      const now = clock.now();
      let longest: { name: string; until: number } | undefined;
      for (const { window, periodAt } of await windowsOf(tenantId)) {
        const { lasts, until } = periodAt(now);
        if (!lasts || !covers(window, endpoint)) continue;
        if (!longest || until > longest.until) longest = { name: window.name, until };
      }
      return longest;
    },
    async planned(tenantIds) {
      const ids = [...new Set(tenantIds)];
      const windows = new Map(await Promise.all(ids.map(async (id) => [id, await windowsOf(id)] as const)));
      return ({ tenantId, ...endpoint }, minute) =>
        (windows.get(tenantId) ?? []).some(({ window, periodAt }) => {
          const { lasts, until } = periodAt(minute);
          return (lasts || until < minute + minuteMs) && covers(window, endpoint);
        });
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
