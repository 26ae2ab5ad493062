import type { Clock, ScopeIdentity } from '@dotmac/core';
import type { Roster } from '../schedule/roster.js';
import type { Scheduler } from '../schedule/scheduler.js';
import { nextRunOf } from '../schedule/show.js';
import type { MaintenanceStore } from '../store/store.js';
import type { AnyMaintenanceTask } from '../tasks/task.js';
import { resultOf } from './result.js';
import type { MaintenanceState, MaintenanceStatus } from './schemas.js';

/** What the status is read from. */
export interface StatusParts {
  identity: ScopeIdentity;
  store: MaintenanceStore;
  scheduler: Scheduler;
  roster: Roster;
  tasks: ReadonlyMap<string, AnyMaintenanceTask>;
  clock: Clock;
}

const [mostActive, mostRecent] = [50, 20];

/** How one tenant's maintenance stands; of other tenants it says nothing. */
export function createStatusService({ identity, store, scheduler, roster, tasks, clock }: StatusParts) {
  const runs = store.runs(identity.tenantId);
  return {
    async state(): Promise<MaintenanceState> {
      const now = clock.now();
      const active = await runs.list({ limit: mostActive, status: 'running' });
      const newest = await runs.list({ limit: mostRecent + mostActive });
      const recent = newest.filter(({ status }) => status !== 'running').slice(0, mostRecent);
      await roster.refresh();
      const own = [...roster.all()].filter(({ tenantId }) => tenantId === identity.tenantId);
      const schedulesOf = (type: string) =>
        own
          .filter(({ task }) => task.type === type)
          .map((planned) => {
            const { cron, everyMs, timeZone } = planned.timetable.rules;
            const nextRun = scheduler.running ? nextRunOf(planned, now) : null;
            return { name: planned.name, cron, everyMs, timeZone, nextRun };
          });
      return {
        schedulerRunning: scheduler.running,
        activeTasks: active.map(resultOf),
        recentResults: recent.map(resultOf),
        maintenanceTasks: [...tasks.values()].map(({ type, name, description }) => {
          return { type, name, description, schedules: schedulesOf(type) };
        }),
        timestamp: now,
      };
    },
    async status(): Promise<MaintenanceStatus> {
      const counts = await runs.countByStatus();
      const [last] = await runs.list({ limit: 1, brief: true });
      return {
        schedulerRunning: scheduler.running,
        activeTasks: counts.running ?? 0,
        completedRuns: counts.completed ?? 0,
        failedRuns: counts.failed ?? 0,
        lastRun: last ? { taskId: last.id, taskName: last.task, status: last.status, startTime: last.startedAt } : null,
      };
    },
  };
}
