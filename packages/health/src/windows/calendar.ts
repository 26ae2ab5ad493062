import type { Clock } from '@dotmac/core';
import { keptFor } from '../kept-for.js';
import { mostTenants, type HealthStore } from '../store/store.js';
import { nextStart, periodsOf, spanAt, type Period } from './recurrence.js';
import type { Span } from './span.js';
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
const pageSize = 1_000;

interface Known {
  window: WindowRecord;
  periodAt: (at: number) => Period;
}

/** Makes a calendar. Spans are reckoned when they are asked for, and never listed ahead. */
export function createCalendar({ store, clock }: { store: Pick<HealthStore, 'windowsOf'>; clock: Clock }): Calendar {
  const kept = keptFor<Known[]>(keptMs, clock);
  /** What was reckoned of windows that are read again unchanged. */
  const before = new Map<string, readonly Known[]>();
  const reckoned = (tenantId: string, windows: readonly WindowRecord[]): Known[] => {
    const last = before.get(tenantId);
    const known = windows.map(
      (window) =>
        last?.find(({ window: { id, updatedAt } }) => id === window.id && updatedAt === window.updatedAt) ?? {
          window,
          periodAt: periodsOf(window),
        },
    );
    if (known.length > 0) before.set(tenantId, known);
    else before.delete(tenantId);
    return known;
  };
  /** Reads the windows of many tenants page by page: a read for each of them would be most of what storing checks takes. */
  const read = async (tenantIds: readonly string[]): Promise<(tenantId: string) => Known[]> => {
    const found = new Map<string, WindowRecord[]>();
    for (let at = 0; at < tenantIds.length; at += mostTenants) {
      const asked = tenantIds.slice(at, at + mostTenants);
      let page: WindowRecord[] = [];
      do {
        page = await store.windowsOf(asked, { limit: pageSize, after: page.at(-1) ?? null });
        for (const window of page) {
          const own = found.get(window.tenantId);
          if (own) own.push(window);
          else found.set(window.tenantId, [window]);
        }
      } while (page.length === pageSize);
    }
    return (tenantId) => reckoned(tenantId, found.get(tenantId) ?? []);
  };
  const windowsOf = async (tenantId: string): Promise<Known[]> => (await kept.getAll([tenantId], read))[0] ?? [];
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
      const all = await kept.getAll(ids, read);
      const windows = new Map(ids.map((id, index) => [id, all[index]]));
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
