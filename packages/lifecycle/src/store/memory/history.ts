import { enteredBy } from '../../customers/entered-stage.js';
import type { HistoryStore } from '../store.js';
import type { LifecycleMemory } from './index.js';

/** History in memory. */
export function memoryHistory(memory: LifecycleMemory, tenantId: string): HistoryStore {
  return {
    append: (customerId, entries, trx) =>
      memory.transaction(({ history }) => {
        const key = `${tenantId}/${customerId}`;
        history.set(key, [...(history.get(key) ?? []), ...structuredClone(entries)]);
      }, trx),
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
