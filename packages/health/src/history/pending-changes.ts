import type { Settlement } from '../store/store.js';

/** What is to be told of endpoints, and entered into their incidents. */
export type Told = Pick<Settlement, 'events' | 'incidents'>;

/** Endpoints not to be waited with, and what is to be told of each. */
export interface PendingChanges {
  /** Endpoints. */
  readonly size: number;
  /** Events of all of them. */
  readonly events: number;
  /** Events of one. */
  eventsOf(endpointId: string): number;
  add(endpointId: string, told?: Told): void;
  /** At most so many of those that are not left out, those first that wait longest. */
  due(limit: number, isLeftOut: (endpointId: string) => boolean): string[];
  /** Takes out what is to be told of these; they wait no longer. */
  takeOf(endpointIds: readonly string[]): Told;
  /** Puts back what could not be stored, before what has come since. */
  putBack(told: Told): void;
  clear(): void;
}

interface Waiting {
  events: Told['events'][number][];
  incidents: Told['incidents'][number][];
}

/** Makes an empty one. */
export function pendingChanges(): PendingChanges {
  const waiting = new Map<string, Waiting>();
  let events = 0;
  const of = (endpointId: string): Waiting => {
    let own = waiting.get(endpointId);
    if (!own) waiting.set(endpointId, (own = { events: [], incidents: [] }));
    return own;
  };
  return {
    get size() {
      return waiting.size;
    },
    get events() {
      return events;
    },
    eventsOf: (endpointId) => waiting.get(endpointId)?.events.length ?? 0,
    add(endpointId, told) {
      const own = of(endpointId);
      if (!told) return;
      own.events.push(...told.events);
      own.incidents.push(...told.incidents);
      events += told.events.length;
    },
    due(limit, isLeftOut) {
      const due: string[] = [];
      for (const endpointId of waiting.keys()) {
        if (due.length === limit) break;
        if (!isLeftOut(endpointId)) due.push(endpointId);
      }
      return due;
    },
    takeOf(endpointIds) {
      const taken = endpointIds.flatMap((endpointId) => waiting.get(endpointId) ?? []);
      for (const endpointId of endpointIds) waiting.delete(endpointId);
      const told = {
        events: taken.flatMap((own) => own.events),
        incidents: taken.flatMap((own) => own.incidents),
      };
      events -= told.events.length;
      return told;
    },
    putBack(told) {
      // From the last to the first, each to the front.
      for (const event of [...told.events].reverse()) of(event.subject).events.unshift(event);
      for (const incident of [...told.incidents].reverse()) of(incident.endpointId).incidents.unshift(incident);
      events += told.events.length;
    },
    clear() {
      waiting.clear();
      events = 0;
    },
  };
}
