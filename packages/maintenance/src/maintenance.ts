import { hostname } from 'node:os';
import {
  coreErrors,
  createEmitter,
  describeError,
  newId,
  scopeIdentity,
  silentLogger,
  systemClock,
  type Emitter,
  type Module,
} from '@dotmac/core';
import { createConnector } from '@dotmac/core/net';
import { createBackupService } from './backups/service.js';
import type { MaintenanceEvents } from './events.js';
import { measureRuns } from './metrics.js';
import { createPlanService } from './plans/service.js';
import { checkDatabase, checkPolicies, policiesOf } from './policies/policy-set.js';
import { checkChannels } from './reports/digest-channel.js';
import { createReportService } from './reports/service.js';
import type { MaintenanceOptions } from './options.js';
import { maintenanceRoutes } from './routes.js';
import { createRunFollower } from './runs/follow.js';
import { createHistoryPruner } from './runs/history.js';
import { createRunner } from './runs/runner.js';
import { createRunService } from './runs/service.js';
import { createStatusService } from './runs/status.js';
import { isForOthers, takeUp } from './runs/take-up.js';
import type { MaintenanceScope } from './scope.js';
import { checkSchedules } from './schedule/check-schedules.js';
import { scheduledTasks } from './schedule/frequency.js';
import { createPresence } from './schedule/presence.js';
import { createRoster } from './schedule/roster.js';
import { createScheduler } from './schedule/scheduler.js';
import { createScheduleService } from './schedule/service.js';
import { createSweeps } from './sweeps.js';
import { builtInTasks } from './tasks/built-in.js';
import { catalogueOf } from './tasks/catalogue.js';
import { policyCatalogueOf } from './tasks/policy-catalogue.js';
import { maintenanceDigest } from './tasks/maintenance-digest.js';
import { createTaskChooser } from './tasks/choose.js';
import type { AnyMaintenanceTask } from './tasks/task.js';
import { taskTypePattern } from './tasks/task-type.js';
import { defaultThrottle } from './throttle/event-loop-delay.js';
import { createPressure } from './throttle/pressure.js';

/** The module of maintenance. */
export interface MaintenanceModule extends Module<MaintenanceScope> {
  readonly events: Emitter<MaintenanceEvents>;
}

const [sweepMs, dayMs] = [60_000, 86_400_000];
/** A run that was stopped longer ago is left to the schedule's next slot. */
const takenUpMs = 900_000;
const mostTakenUp = 1_000;
/** It stands in keys of the store. */
const longestHostId = 100;

/**
 * Makes the maintenance module.
 * @throws INVALID_ARGUMENT when a policy or schedule is not sound
 */
export function createMaintenance(options: MaintenanceOptions): MaintenanceModule {
  const { store, clock = systemClock, logger = silentLogger, migrate = true, startScheduler = true } = options;
  const { historyDays = 90, leaseTtlMs = 30_000 } = options;
  const events = createEmitter<MaintenanceEvents>({ logger });
  if (options.metrics) measureRuns(events, options.metrics);
  const policies = checkPolicies(options);
  const connector = createConnector({ ...(options.egress && { policy: options.egress }), clock });
  const channels = checkChannels(options.digests ?? []);
  const digest = maintenanceDigest({ store, connector, channels });
  const tasks = tasksByType([...builtInTasks, digest, ...(options.tasks ?? [])]);
  const chooserOf = (tenantId: string) => createTaskChooser({ tenantId, policies, tasks });
  const { throttle = defaultThrottle(clock), longestPauseMs = 600_000, hostId = hostname() } = options;
  for (const { name, database } of throttle) checkDatabase(`throttle.${name}.database`, database, policies.databases);
  const pressure = createPressure({ signals: throttle, clock, logger, longestPauseMs });
  const scopeIds = { cluster: '', host: hostId.slice(0, longestHostId), process: newId() };
  const inCode = checkSchedules(options.schedules ?? [], chooserOf, scopeIds);
  const { unaskedItems = 1_000, confirmableDays = 7 } = options;
  if (!Number.isSafeInteger(unaskedItems) || unaskedItems < 0)
    throw coreErrors.INVALID_ARGUMENT({ argument: 'unaskedItems', reason: 'a whole number, 0 or more' });
  if (!(confirmableDays > 0))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'confirmableDays', reason: 'a number of days above 0' });
  const confirmableMs = confirmableDays * dayMs;
  const onRunFailed = [options.onRunFailed ?? []].flat();
  const schedulesOf = (tenantId: string, taskType: string) =>
    scheduledTasks(roster.all(), tenantId, taskType, clock.now());
  const shared = { store, policies, clock, logger, events, pressure, schedulesOf };
  const runner = createRunner({
    ...{ ...shared, scopeIds, leaseTtlMs, unaskedItems, onRunFailed },
    isForOthers: (run) => isForOthers(run, { policies, tasks, scopeIds }),
  });
  const follower = createRunFollower({ store, clock, limits: options });
  const roster = createRoster({ store, inCode, chooserOf, scopeIds, clock, logger });
  const presence = createPresence({ store, hostId: scopeIds.host, clock, logger, leaseTtlMs });
  const { schedulePollMs: pollMs = 10_000, maxSchedules = 200 } = options;
  const scheduler = createScheduler({ roster, presence, store, runner, clock, logger, leaseTtlMs, pollMs });
  const history = createHistoryPruner({ store, clock, logger, leaseTtlMs, historyMs: historyDays * dayMs });
  let started: Promise<void> | undefined;
  let storeState: 'stopped' | 'ok' | 'unavailable' = 'stopped';

  const sweep = async (signal: AbortSignal): Promise<void> => {
    try {
      const takingUp = { runner, policies, tasks, scopeIds, roster, clock, logger };
      for (const run of await runner.recover()) await takeUp(run, takingUp);
      if (signal.aborted) return;
      for (const run of await store.stoppedRuns(clock.now() - takenUpMs, mostTakenUp)) await takeUp(run, takingUp);
      if (!signal.aborted) await scheduler.recover();
      if (signal.aborted) return;
      history.begin();
      storeState = 'ok';
    } catch (error) {
      if (!signal.aborted) storeState = 'unavailable';
      logger.warn(describeError(error), 'maintenance could not look after its runs');
    }
  };
  const sweeps = createSweeps({ clock, everyMs: sweepMs, sweep });
  const start = async (): Promise<void> => {
    await (migrate ? store.migrate() : store.checkMigrated());
    runner.resume();
    follower.open();
    await sweeps.begin();
    if (startScheduler) scheduler.start();
  };

  return {
    name: 'maintenance',
    routes: maintenanceRoutes,
    events,
    scope(init) {
      const identity = scopeIdentity(init);
      const { state, status } = createStatusService({ identity, store, scheduler, roster, tasks, clock });
      const { tenantId } = identity;
      const chooser = chooserOf(tenantId);
      const context = { policies: policiesOf(policies, tenantId), clock, logger };
      const runs = createRunService({
        ...{ identity, store, runner, chooser, follower, scopeIds, clock, confirmableMs },
      });
      return {
        schedules: createScheduleService({
          ...{ identity, store, runner, roster, chooser, scopeIds, clock, maxSchedules },
          instance: presence.instance,
          historyMs: historyDays * dayMs,
        }),
        runs,
        reports: createReportService({ identity, store, runs, clock }),
        plans: createPlanService({ identity, store, runner, chooser, context, schedulesOf, scopeIds, clock }),
        backups: createBackupService({ policies: context.policies.backups, store, scopeIds, clock, leaseTtlMs }),
        catalogue: {
          tasks: () => catalogueOf(tasks),
          async policies() {
            await roster.refresh();
            const own = [...roster.all()].filter((it) => it.tenantId === tenantId);
            return policyCatalogueOf(context.policies, own, (database) => store.fencing(database));
          },
        },
        scheduler: {
          start: () => (scheduler.start(), { message: 'The scheduler is running.' }),
          stop: () => (scheduler.stop(), { message: 'The scheduler is stopped.' }),
        },
        state,
        status,
      };
    },
    start: () =>
      (started ??= start().catch((error: unknown) => {
        started = undefined;
        throw error;
      })),
    async stop() {
      await started?.catch(() => undefined);
      started = undefined;
      storeState = 'stopped';
      scheduler.stop();
      follower.close();
      // What the scheduler began ends when the runner stops, and is written down then.
      await Promise.all([runner.stop(), scheduler.settled(), sweeps.stop(), history.stop()]);
    },
    readiness: () => ({
      ready: storeState === 'ok',
      parts: { store: storeState, scheduler: scheduler.running ? 'running' : 'stopped' },
    }),
  };
}

function tasksByType(all: readonly AnyMaintenanceTask[]): Map<string, AnyMaintenanceTask> {
  const tasks = new Map<string, AnyMaintenanceTask>();
  for (const task of all) {
    if (tasks.has(task.type) || !taskTypePattern.test(task.type))
      throw coreErrors.INVALID_ARGUMENT({
        argument: 'tasks',
        reason: `the type ${task.type} is taken, or no word in snake case`,
      });
    tasks.set(task.type, task);
  }
  return tasks;
}
