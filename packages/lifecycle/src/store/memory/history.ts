import { enteredBy } from '../../customers/entered-stage.js';
import type { FeedEntry, HistoryEntry, HistoryStore, StageChange } from '../store.js';
import type { LifecycleMaps, LifecycleMemory } from './tables.js';

/** History in memory. */
export function memoryHistory(memory: LifecycleMemory, tenantId: string): HistoryStore {
  return {
    append: (entries, trx) =>
      memory.transaction((maps) => {
        for (const entry of entries) appendHistory(maps, tenantId, entry.event.subject, [entry]);
      }, trx),
    page(customerId, { limit, before = Infinity, names }) {
      const entries = memory.read.history.get(`${tenantId}/${customerId}`) ?? [];
      const wanted = entries.filter(({ seq, event }) => seq < before && (names?.includes(event.name) ?? true));
      return Promise.resolve(wanted.slice(-limit).reverse());
    },
    ofMany(customerIds) {
      const sorted = [...customerIds].sort();
      return Promise.resolve(sorted.flatMap((id) => memory.read.history.get(`${tenantId}/${id}`) ?? []));
    },
    stageChanges({ before, after, limit }) {
      const changes = [...memory.read.history]
        .filter(([key]) => key.startsWith(`${tenantId}/`))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([, entries]) => entries)
        .flatMap(({ seq, event }): StageChange[] => {
          const stage = enteredBy(event);
          return stage === null ? [] : [{ customerId: event.subject, seq, stage, at: event.at }];
        })
        .filter(({ customerId, seq, at }) => {
          const isLater =
            !after || customerId > after.customerId || (customerId === after.customerId && seq > after.seq);
          return isLater && at < before;
        });
      return Promise.resolve(changes.slice(0, limit));
    },
    orphans({ after = '', limit }) {
      const lost = [...memory.read.history.keys()].filter(
        (key) => key.startsWith(`${tenantId}/`) && !memory.read.customers.has(key),
      );
      const ids = lost.map((key) => key.slice(tenantId.length + 1)).sort();
      return Promise.resolve(ids.filter((id) => id > after).slice(0, limit));
    },
    number: () => Promise.resolve({ last: memory.read.feeds.get(tenantId)?.length ?? 0, given: 0 }),
    feed(position, limit) {
      const { feeds, history } = memory.read;
      const places = (feeds.get(tenantId) ?? []).slice(position, position + limit);
      const entries = places.flatMap(({ customerId, index }, at): FeedEntry[] => {
        const entry = history.get(`${tenantId}/${customerId}`)?.[index];
        return entry ? [{ ...entry, position: position + at + 1 }] : [];
      });
      return Promise.resolve(entries);
    },
    list(customerId, { limit, stageChangesOnly = false }) {
      const entries = memory.read.history.get(`${tenantId}/${customerId}`) ?? [];
      const wanted = stageChangesOnly ? entries.filter(({ event }) => enteredBy(event) !== null) : entries;
      return Promise.resolve(wanted.slice(-limit));
    },
    find: (customerId, eventId) =>
      Promise.resolve(memory.read.history.get(`${tenantId}/${customerId}`)?.find(({ event }) => event.id === eventId)),
    readFrom: (customerId, { after, limit }) =>
      Promise.resolve((memory.read.history.get(`${tenantId}/${customerId}`) ?? []).slice(after, after + limit)),
  };
}

/** Adds to a customer's history and, in the same order, to its tenant's feed. */
export function appendHistory(
  { history, feeds }: Pick<LifecycleMaps, 'history' | 'feeds'>,
  tenantId: string,
  customerId: string,
  entries: readonly HistoryEntry[],
): void {
  const key = `${tenantId}/${customerId}`;
  const before = history.get(key) ?? [];
  history.set(key, [...before, ...structuredClone(entries)]);
  // Transactions wait for one another here: what is added is in the order of the commits.
  const places = entries.map((_, index) => ({ customerId, index: before.length + index }));
  feeds.set(tenantId, [...(feeds.get(tenantId) ?? []), ...places]);
}
