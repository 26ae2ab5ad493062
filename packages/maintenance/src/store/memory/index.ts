import { memoryLeases, memoryTables, systemClock, type Clock } from '@dotmac/core';
import type { KeptPlan } from '../../plans/kept-plan.js';
import { tallyOf } from '../../reports/tally.js';
import { appliesPlan, type Run, type RunStatus } from '../../runs/run.js';
import type { KeptSchedule } from '../../schedule/schedule.js';
import type { SlotRecord } from '../../schedule/slot.js';
import type { MaintenanceStore, RunListing, TenantPlans, TenantRuns } from '../store.js';
import { beginSlot, memorySchedules } from './schedules.js';

const newestFirst = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? 1 : -1);

/** A store within this process, for tests and for those who need no history over a restart. */
export function memoryMaintenanceStore({ clock = systemClock }: { clock?: Clock } = {}): MaintenanceStore {
  const tables = memoryTables({
    runs: new Map<string, Run>(),
    plans: new Map<string, KeptPlan>(),
    schedules: new Map<string, KeptSchedule>(),
    slots: new Map<string, SlotRecord>(),
  });
  const { prune: pruneSchedules, ...schedules } = memorySchedules(tables);
  const all = (): Run[] => [...tables.read.runs.values()];

  const runsOf = (tenantId: string): TenantRuns => {
    const own = (id: string): Run | null => {
      const run = tables.read.runs.get(id);
      return run?.tenantId === tenantId ? run : null;
    };
    const change = (id: string, isMeant: (run: Run) => boolean, change: Partial<Run>): Promise<boolean> =>
      tables.transaction(({ runs }) => {
        const run = own(id);
        if (!run || !isMeant(run)) return false;
        runs.set(id, structuredClone({ ...run, ...change }));
        return true;
      });
    const isRunning = ({ status }: Run): boolean => status === 'running';
    return {
      insert: (run, slot) =>
        tables.transaction(({ runs, plans, slots }) => {
          if (runs.has(run.id)) throw new Error(`There is a run ${run.id} already`);
          const before = run.resumes === null ? null : own(run.resumes);
          if (run.resumes !== null && (!before || isRunning(before) || before.resumedBy !== null)) return false;
          const plan = appliesPlan(run) ? plans.get(run.planId) : null;
          if (plan !== null && (plan?.tenantId !== tenantId || plan.appliedBy !== null)) return false;
          if (slot && !beginSlot(slots, tenantId, slot, run.id)) return false;
          if (before) runs.set(before.id, { ...before, resumedBy: run.id });
          if (plan) plans.set(plan.id, { ...plan, appliedBy: run.id });
          runs.set(run.id, structuredClone({ ...run, tenantId }));
          return true;
        }),
      finish: (id, outcome) => change(id, isRunning, outcome),
      async pulse(id, pulse) {
        if (pulse) await change(id, isRunning, pulse);
        return own(id)?.cancelRequestedAt != null;
      },
      requestCancel: (id, at) => change(id, isRunning, { cancelRequestedAt: at }),
      get: (id) => Promise.resolve(structuredClone(own(id))),
      list: (listing) =>
        Promise.resolve(
          all()
            .filter((run) => run.tenantId === tenantId && matching(listing)(run))
            .sort(newestFirst)
            .slice(0, listing.limit)
            .map((run) => structuredClone(listing.brief ? { ...run, details: {}, log: [] } : run)),
        ),
      tallies: ({ from, to }) =>
        Promise.resolve(
          tallyOf(all().filter((run) => run.tenantId === tenantId && run.startedAt >= from && run.startedAt < to)),
        ),
      countByStatus() {
        const counts: Partial<Record<RunStatus, number>> = {};
        for (const run of all()) if (run.tenantId === tenantId) counts[run.status] = (counts[run.status] ?? 0) + 1;
        return Promise.resolve(counts);
      },
    };
  };

  const plansOf = (tenantId: string): TenantPlans => ({
    insert: (plan) =>
      tables.transaction(({ plans }) => void plans.set(plan.id, structuredClone({ ...plan, tenantId }))),
    get(id) {
      const plan = tables.read.plans.get(id);
      return Promise.resolve(plan?.tenantId === tenantId ? structuredClone(plan) : null);
    },
    list: ({ limit, before }) =>
      Promise.resolve(
        [...tables.read.plans.values()]
          .filter((plan) => plan.tenantId === tenantId && (before === undefined || plan.id < before))
          .sort(newestFirst)
          .slice(0, limit)
          .map((plan) => structuredClone(plan)),
      ),
  });

  return {
    migrate: () => Promise.resolve(),
    checkMigrated: () => Promise.resolve(),
    leases: memoryLeases({ clock }),
    // Its transactions are of no database.
    holdsLease: () => Promise.resolve(undefined),
    fencing: () => 'process',
    runs: runsOf,
    plans: plansOf,
    runningRuns: (limit) =>
      Promise.resolve(
        all()
          .filter(({ status }) => status === 'running')
          .slice(0, limit),
      ),
    stoppedRuns(since, limit) {
      const isLeft = ({ stopReason, resumedBy, endedAt }: Run): boolean =>
        stopReason === 'stopped' && resumedBy === null && endedAt !== null && endedAt >= since;
      return Promise.resolve(all().filter(isLeft).slice(0, limit));
    },
    ...schedules,
    async prune(before, { confirm }) {
      await confirm();
      const others = await pruneSchedules(before);
      return tables.transaction(({ runs, plans }) => {
        const old = [...runs.values()].filter(({ endedAt }) => endedAt !== null && endedAt < before);
        for (const { id } of old) runs.delete(id);
        const oldPlans = [...plans.values()].filter(({ createdAt }) => createdAt < before);
        for (const { id } of oldPlans) plans.delete(id);
        return others + old.length + oldPlans.length;
      });
    },
  };
}

const matching =
  ({ before, task, scopeId, status, applied }: RunListing) =>
  (run: Run): boolean =>
    (before === undefined || run.id < before) &&
    (task === undefined || run.task === task) &&
    (scopeId === undefined || run.scopeId === scopeId) &&
    (status === undefined || run.status === status) &&
    !(applied && run.dryRun);
