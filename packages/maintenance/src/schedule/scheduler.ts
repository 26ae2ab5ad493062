import { describeError, isOperationError, type CancelTimer, type Clock, type Cron, type Logger } from '@dotmac/core';
import type { Runner } from '../runs/runner.js';
import type { MaintenanceStore } from '../store/store.js';
import type { AnyMaintenanceTask } from '../tasks/task.js';
import type { Schedule } from './schedule.js';

/** A schedule with its task and parameters checked. */
export interface CheckedSchedule extends Schedule {
  slots: Cron;
  runs: AnyMaintenanceTask;
  checkedParameters: unknown;
}

/** What the scheduler needs. */
export interface SchedulerOptions {
  schedules: readonly CheckedSchedule[];
  store: MaintenanceStore;
  runner: Runner;
  clock: Clock;
  logger: Logger;
}

/** Fires this process's schedules. Of all processes on one store, one runs each slot. */
export interface Scheduler {
  readonly running: boolean;
  start(): void;
  /** Fires nothing more; what runs goes on. */
  stop(): void;
  /** Resolves when slots that are being fired have been handed over. */
  settled(): Promise<void>;
}

/** @see Scheduler */
export function createScheduler({ schedules, store, runner, clock, logger }: SchedulerOptions): Scheduler {
  const timers = new Map<CheckedSchedule, CancelTimer>();
  const firing = new Set<Promise<void>>();
  let running = false;

  const fire = async (schedule: CheckedSchedule, slotAt: number): Promise<void> => {
    const { name, tenantId, runs: task, checkedParameters: parameters } = schedule;
    try {
      if (!(await store.claimSlot({ tenantId, schedule: name, slotAt }))) return;
      const identity = { tenantId, actor: `schedule:${name}` };
      const { ended } = await runner.begin({ identity, task, parameters, trigger: 'schedule', schedule: name });
      ended.catch((error: unknown) =>
        logger.error({ schedule: name, ...describeError(error) }, 'a scheduled run was lost'),
      );
    } catch (error) {
      // Still at the last slot, or another tenant's run of it: the next slot will do.
      if (isOperationError(error, 'TASK_ALREADY_RUNNING'))
        logger.info({ schedule: name, slotAt }, 'a slot was skipped: the task is running');
      else logger.error({ schedule: name, slotAt, ...describeError(error) }, 'a slot could not be run');
    }
  };

  const arm = (schedule: CheckedSchedule, after: number): void => {
    const slotAt = schedule.slots.next(after);
    if (slotAt === null || !running) return;
    const wait = (): void => {
      const cancel = clock.after(Math.max(0, slotAt - clock.now()), () => {
        // The wall clock may have been set back meanwhile.
        if (clock.now() < slotAt) return wait();
        const fired = fire(schedule, slotAt);
        firing.add(fired);
        void fired.finally(() => firing.delete(fired));
        // Slots slept through (a suspended machine) are not made up for.
        arm(schedule, Math.max(slotAt, clock.now() - 1));
      });
      timers.set(schedule, cancel);
    };
    wait();
  };

  return {
    get running() {
      return running;
    },
    start() {
      if (running) return;
      running = true;
      for (const schedule of schedules) arm(schedule, clock.now());
    },
    stop() {
      running = false;
      for (const cancel of timers.values()) cancel();
      timers.clear();
    },
    async settled() {
      await Promise.allSettled([...firing]);
    },
  };
}
