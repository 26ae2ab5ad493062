import { systemClock, type Clock, type MemoryTransaction } from '@dotmac/core';
import type { EventLog, PlacedEvent } from '../event-log.js';

/** What happened lately, within this process. */
export function memoryEventLog(clock: Pick<Clock, 'now'> = systemClock): EventLog {
  const kept: (PlacedEvent & { loggedAt: number })[] = [];
  let last = 0;
  return {
    logEvents(events, trx) {
      (trx as MemoryTransaction).afterCommit(() => {
        for (const event of events) kept.push({ position: ++last, event, loggedAt: clock.now() });
      });
      return Promise.resolve();
    },
    lastPosition: () => Promise.resolve(last),
    eventsAfter(position, limit) {
      const first = kept[0]?.position ?? 0;
      const from = Math.max(0, position + 1 - first);
      return Promise.resolve(kept.slice(from, from + limit).map(({ loggedAt: _, ...placed }) => placed));
    },
    tenantEventsFrom(tenantId, eventId, limit) {
      const own = kept.filter(({ event }) => event.tenantId === tenantId);
      const at = own.findIndex(({ event }) => event.id === eventId);
      if (at < 0) return Promise.resolve(undefined);
      return Promise.resolve(own.slice(at, at + limit).map(({ loggedAt: _, ...placed }) => placed));
    },
    pruneEvents(before, limit) {
      const young = kept.findIndex(({ loggedAt }) => loggedAt >= before);
      return Promise.resolve(kept.splice(0, Math.min(limit, young < 0 ? kept.length : young)).length);
    },
  };
}
