import { memoryLeases, memoryTables, systemClock, type Clock } from '@dotmac/core';
import type { Run, RunStatus } from '../../runs/run.js';
import type { MaintenanceStore, RunListing } from '../store.js';

/** A store within this process, for tests and for those who need no history over a restart. */
export function memoryMaintenanceStore({ clock = systemClock }: { clock?: Clock } = {}): MaintenanceStore {
  const tables = memoryTables({ runs: new Map<string, Run>(), slots: new Map<string, number>() });
  const all = (): Run[] => [...tables.read.runs.values()];
  const matching =
    ({ before, task, status }: RunListing) =>
    (run: Run): boolean =>
      (before === undefined || run.id < before) &&
      (task === undefined || run.task === task) &&
      (status === undefined || run.status === status);
  return {
    migrate: () => Promise.resolve(),
    leases: memoryLeases({ clock }),
    runs(tenantId) {
      const own = (id: string): Run | null => {
        const run = tables.read.runs.get(id);
        return run?.tenantId === tenantId ? run : null;
      };
      return {
        insert: (run) => tables.transaction(({ runs }) => void runs.set(run.id, structuredClone({ ...run, tenantId }))),
        finish: (id, outcome) =>
          tables.transaction(({ runs }) => {
            const run = own(id);
            if (run?.status !== 'running') return false;
            runs.set(id, structuredClone({ ...run, ...outcome }));
            return true;
          }),
        get: (id) => Promise.resolve(structuredClone(own(id))),
        list: (listing) =>
          Promise.resolve(
            all()
              .filter((run) => run.tenantId === tenantId && matching(listing)(run))
              .sort((a, b) => (a.id < b.id ? 1 : -1))
              .slice(0, listing.limit)
              .map((run) => structuredClone(run)),
          ),
        countByStatus() {
          const counts: Partial<Record<RunStatus, number>> = {};
          for (const run of all()) if (run.tenantId === tenantId) counts[run.status] = (counts[run.status] ?? 0) + 1;
          return Promise.resolve(counts);
        },
      };
    },
    runningRuns: (limit) =>
      Promise.resolve(
        all()
          .filter(({ status }) => status === 'running')
          .slice(0, limit),
      ),
    claimSlot: ({ tenantId, schedule, slotAt }) =>
      tables.transaction(({ slots }) => {
        const key = JSON.stringify([tenantId, schedule, slotAt]);
        if (slots.has(key)) return false;
        slots.set(key, slotAt);
        return true;
      }),
    prune: (before) =>
      tables.transaction(({ runs, slots }) => {
        const old = [...runs.values()].filter(({ endedAt }) => endedAt !== null && endedAt < before);
        for (const { id } of old) runs.delete(id);
        for (const [key, slotAt] of [...slots]) if (slotAt < before) slots.delete(key);
        return old.length;
      }),
  };
}
