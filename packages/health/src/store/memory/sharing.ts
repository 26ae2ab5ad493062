import { memoryLeases, newId, systemClock, type Clock, type MemoryTables } from '@dotmac/core';
import type { EndpointChange, HandedResult, Receipt, SharedStore, WatchTime } from '../sharing.js';
import type { Settlement } from '../store.js';
import type { StoredEndpoint } from '../stored-endpoint.js';

/** A change, and who made it. */
export type KeptChange = EndpointChange & { origin: string };
/** A result, and when it was handed over. */
export type KeptHanded = HandedResult & { handedAt: number };

/** A receipt, and when it was kept. */
export type KeptReceipt = Receipt & { at: number };

/** The tables of {@link memorySharing}. */
export type SharedTables = {
  endpoints: Map<string, StoredEndpoint>;
  /** Of each endpoint's state. */
  revisions: Map<string, number>;
  changes: Map<string, KeptChange>;
  handed: Map<string, KeptHanded>;
  receipts: Map<string, KeptReceipt>;
  /** There is one for all. */
  watches: Map<'monitor', WatchTime>;
};

/** Takes out what is counted in a settlement, and keeps its receipt and how long was watched. */
export function settleShared(
  { handed, receipts, watches }: SharedTables,
  settlement: Pick<Settlement, 'handed' | 'receipt' | 'watched'>,
  at: number,
): void {
  for (const { id } of settlement.handed ?? []) handed.delete(id);
  if (settlement.receipt) keepReceipt(receipts, settlement.receipt, at);
  if (settlement.watched) watches.set('monitor', settlement.watched);
}

/** Keeps the greatest receipt of a process. Says whether it is greater than any that was kept. */
function keepReceipt(receipts: Map<string, KeptReceipt>, { process, number }: Receipt, at: number): boolean {
  if (number <= (receipts.get(process)?.number ?? 0)) return false;
  receipts.set(process, { process, number, at });
  return true;
}

/** What several that use one store in memory tell each other: they are of one process, or in one test. */
export function memorySharing(
  tables: MemoryTables<SharedTables & Record<string, Map<string, never>>>,
  clock: Pick<Clock, 'now'> = systemClock,
): SharedStore {
  const { endpoints, revisions, changes, handed, receipts, watches } = tables.read;
  return {
    leases: memoryLeases({ clock }),
    noteChanges: (noted, origin, trx) =>
      tables.transaction((rows) => {
        const at = clock.now();
        for (const { tenantId, endpointId } of noted) {
          const id = newId();
          rows.changes.set(id, { id, tenantId, endpointId, at, origin });
        }
      }, trx),
    changesSince({ origin, since, after, limit }) {
      const found = [...changes.values()]
        .filter((it) => it.at >= since && it.origin !== origin)
        .filter((it) => !after || it.at > after.at || (it.at === after.at && it.id > after.id))
        .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(({ origin: _, ...change }) => change);
      return Promise.resolve(found);
    },
    time: () => Promise.resolve(clock.now()),
    endpointsById: (ids) => Promise.resolve(ids.flatMap((id) => endpoints.get(id) ?? [])),
    stateRevision() {
      let last = 0;
      for (const revision of revisions.values()) last = Math.max(last, revision);
      return Promise.resolve(last);
    },
    statesSince(revision, limit) {
      const found = [...revisions]
        .filter(([, of]) => of > revision)
        .sort(([, a], [, b]) => a - b)
        .flatMap(([id, of]) => {
          const stored = endpoints.get(id);
          return stored ? [{ ...stored, revision: of }] : [];
        });
      return Promise.resolve(found.slice(0, limit));
    },
    handOver: (results, receipt) =>
      tables.transaction((rows) => {
        if (!keepReceipt(rows.receipts, receipt, clock.now())) return;
        for (const it of results) rows.handed.set(it.id, { ...it, handedAt: clock.now() });
      }),
    handed: (limit) =>
      Promise.resolve([...handed.values()].slice(0, limit).map(({ handedAt: _, ...result }) => result)),
    pruneShared: (before, limit) =>
      tables.transaction((rows) => {
        const old = [...rows.changes.values()].filter((it) => it.at < before).slice(0, limit);
        const late = [...rows.handed.values()].filter((it) => it.handedAt < before).slice(0, limit);
        for (const { id } of old) rows.changes.delete(id);
        for (const { id } of late) rows.handed.delete(id);
        return old.length + late.length;
      }),
    watched: () => Promise.resolve(watches.get('monitor') ?? { ms: 0, sinceMs: 0 }),
    lastSettled: (process) => Promise.resolve(receipts.get(process)?.number ?? 0),
    pruneReceipts: (before, limit) =>
      tables.transaction((rows) => {
        const old = [...rows.receipts.values()].filter(({ at }) => at < before).slice(0, limit);
        for (const { process } of old) rows.receipts.delete(process);
        return old.length;
      }),
  };
}
