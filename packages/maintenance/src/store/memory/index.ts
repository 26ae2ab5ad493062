import { memoryLeases, systemClock, type Clock } from '@dotmac/core';
import type { Run } from '../../runs/run.js';
import type { MaintenanceStore, RunStore } from '../store.js';

/** Options of {@link memoryMaintenanceStore}. */
export interface MemoryMaintenanceStoreOptions {
  /** Judges the expiry of leases. */
  clock?: Pick<Clock, 'now'>;
  /** Runs kept over all tenants; the oldest ended ones go first. Default 10,000. */
  maxRuns?: number;
}

/** A store within this process: for tests, and where a history of runs need not outlive the process. */
export function memoryMaintenanceStore(options: MemoryMaintenanceStoreOptions = {}): MaintenanceStore {
  const { clock = systemClock, maxRuns = 10_000 } = options;
  /** In the order of insertion. */
  const runs = new Map<string, Run>();
  const slots = new Map<string, Set<number>>();

  const trim = (): void => {
    if (runs.size <= maxRuns) return;
    for (const { id, status } of runs.values()) if (status !== 'running') return void runs.delete(id);
  };
  const update = (tenantId: string, id: string, change: Partial<Run>): boolean => {
    const run = runs.get(id);
    if (run?.tenantId !== tenantId || run.status !== 'running') return false;
    runs.set(id, { ...run, ...change });
    return true;
  };
  const all = (keep: (run: Run) => boolean): Run[] => [...runs.values()].filter(keep).map((run) => structuredClone(run));

  const tenant = (tenantId: string): RunStore => ({
    async insert(run) {
      if (runs.has(run.id)) throw new TypeError(`There is a run ${run.id} already.`);
      runs.set(run.id, structuredClone({ ...run, tenantId }));
      trim();
    },
    get: async (id) => all((run) => run.id === id && run.tenantId === tenantId)[0],
    list: async ({ limit, before, task }) =>
      all(
        (run) =>
          run.tenantId === tenantId &&
          (before === undefined || run.id < before) &&
          (task === undefined || run.task === task),
      )
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limit),
    running: async () => all((run) => run.tenantId === tenantId && run.status === 'running').slice(0, 100),
    async progress(id, figures) {
      update(tenantId, id, figures);
    },
    finish: async (id, end) => update(tenantId, id, structuredClone(end)),
    async totals() {
      const ended = all((run) => run.tenantId === tenantId && run.endedAt !== null);
      const sum = (pick: (run: Run) => number): number => ended.reduce((total, run) => total + pick(run), 0);
      return {
        completed: sum(({ status }) => Number(status === 'completed')),
        failed: sum(({ status }) => Number(status === 'failed')),
        itemsCleaned: sum(({ itemsCleaned }) => itemsCleaned),
        spaceFreedBytes: sum(({ spaceFreedBytes }) => spaceFreedBytes),
        lastEndedAt: ended.length === 0 ? null : Math.max(...ended.map(({ endedAt }) => endedAt ?? 0)),
      };
    },
    async claimSlot(schedule, slotAt, forgetBefore) {
      const key = JSON.stringify([tenantId, schedule]);
      const taken = slots.get(key) ?? new Set<number>();
      slots.set(key, taken);
      for (const slot of taken) if (slot < forgetBefore) taken.delete(slot);
      if (taken.has(slotAt)) return false;
      taken.add(slotAt);
      return true;
    },
  });

  return {
    tenant,
    leases: memoryLeases({ clock }),
    migrate: () => Promise.resolve(),
    runningAcrossTenants: async (limit) => all(({ status }) => status === 'running').slice(0, limit),
    async forgetRunsAcrossTenants(endedBefore, limit) {
      const old = all(({ endedAt }) => endedAt !== null && endedAt < endedBefore).slice(0, limit);
      for (const { id } of old) runs.delete(id);
      return old.length;
    },
  };
}
