import type { Clock, Logger, StreamLimits } from '@dotmac/core';
import type { EgressPolicy } from '@dotmac/core/net';
import type { Registry } from 'prom-client';
import type { MaintenancePolicies } from './policies/policy.js';
import type { DigestChannel } from './reports/digest-channel.js';
import type { RunFailureHook } from './runs/failure-hooks.js';
import type { Schedule } from './schedule/schedule.js';
import type { MaintenanceStore } from './store/store.js';
import type { AnyMaintenanceTask } from './tasks/task.js';
import type { PressureSignal } from './throttle/signal.js';

/** Options of `createMaintenance`, and how many may follow runs at once; without policies nothing is ever touched. */
export interface MaintenanceOptions extends MaintenancePolicies, StreamLimits {
  /** `kyselyMaintenanceStore(database)`, `memoryMaintenanceStore()`, or one of your own. */
  store: MaintenanceStore;
  /** When tasks run by themselves; refused where they would take more than a policy allows. Default none. */
  schedules?: readonly Schedule[];
  /** The application's own tasks, besides the built-in ones. Made by `defineMaintenanceTask`. Default none. */
  tasks?: readonly AnyMaintenanceTask[];
  /** What time goes by. Default the system's; for tests, a `fakeClock()`. */
  clock?: Clock;
  /** A pino instance fits as it is. Default silence. */
  logger?: Logger;
  /** The host's prom-client registry. Default: nothing is measured. */
  metrics?: Registry;
  /** Apply the store's migrations at the start. Default true. */
  migrate?: boolean;
  /** Start the scheduler with the module. Default true. */
  startScheduler?: boolean;
  /** How long runs are kept, plans, slots and what is left of removed schedules. Default 90 days. */
  historyDays?: number;
  /** How long a dead process keeps others from the tasks it was at. Default 30,000 ms. */
  leaseTtlMs?: number;
  /**
   * Work pauses while one of these is too high. Default `[eventLoopDelay()]`: the event loop of this process was held up for
   * 500 ms or more; by a `clock` of your own none, for it says nothing of that loop. `[]` pauses for nothing.
   */
  throttle?: readonly PressureSignal[];
  /** How long a run waits for the pressure to go before it ends for now, by `pressure`. Default 600,000 ms. */
  longestPauseMs?: number;
  /** Where the task `maintenance_digest` sends what happened. Default nowhere. */
  digests?: readonly DigestChannel[];
  /** Where digests may be posted to. Default the public internet alone. */
  egress?: EgressPolicy;
  /** Called after a run has failed, e.g. to page somebody. Default none. */
  onRunFailed?: RunFailureHook | readonly RunFailureHook[];
  /**
   * So many items of a target (rows, files, keys, backups) may go in one run, whatever share of it they are; of more a share above
   * the policy's `maxShare` waits for somebody's confirmation. Whole, from 0. Default 1,000.
   */
  unaskedItems?: number;
  /** How long after its end a run that waits for a confirmation takes it; then a new one has to ask. Above 0. Default 7 days. */
  confirmableDays?: number;
  /** Names this machine, for tasks that work on its own things. Default its host name. */
  hostId?: string;
  /** How often to look for schedules that other processes changed. Default 10,000 ms. */
  schedulePollMs?: number;
  /** Schedules that a tenant may make, besides those in code. Default 200. */
  maxSchedules?: number;
}
