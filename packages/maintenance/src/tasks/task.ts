import type { z } from 'zod';
import type { Clock, InputIssue, Logger, OperationError } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import type { PolicySet } from '../policies/policy-set.js';
import type { Fencing } from '../store/fencing.js';
import { withControls } from './controls.js';
import type { Space } from './space.js';
import type { TaskPlan } from './plan.js';

/** What a task works on, and so how many of its runs may go at once: what all processes share, this machine's, this process's own. */
export type TaskScope = 'cluster' | 'host' | 'process';

/** A schedule by which a task runs. */
export interface ScheduledTask {
  /** Checked, camelCase. */
  parameters: unknown;
  /** On the average; below 1 where days pass between them. */
  runsPerDay: number;
  /** How long one may take, on the average, by the schedule's timeout and the closing of its windows; null where nothing ends it. Ms. */
  longestMs: number | null;
}

/** What a task is given to say what it would do. */
export interface PlanContext {
  tenantId: string;
  /** Those that the tenant may run. */
  policies: PolicySet;
  clock: Clock;
  logger: Logger;
  /** Aborts when nobody waits for it any more. */
  signal: AbortSignal;
  /** The tenant's schedules of this task, as far as this process knows them; those that are paused, or dry runs, left out. */
  schedules(): ScheduledTask[];
  /**
   * The details of the tenant's newest completed runs of this task before this one, dry runs left out; the newest first.
   * @param scopeId only of those that worked on that machine, as the host names it. Default: on whatever
   */
  earlier(limit: number, scopeId?: string): Promise<unknown[]>;
  /** What keeps a run that was held up from writing to that database once another has taken over. */
  fencing(database: Database): Fencing;
  /** The instant that ages are counted from, epoch ms: the run's beginning, or the one of the plan that it applies. */
  asOf: number;
}

/** A resource that is held for one run alone. */
export interface Held {
  /** Aborts when another took it over, or the run is to end at once. Look at it between batches. */
  signal: AbortSignal;
  /** Greater than that of whoever held it before. */
  fence: number;
  /**
   * Makes sure that it is still held: to be asked in the transaction that writes, as the last thing before the commit.
   * With a transaction of the database that keeps the leases, nobody can take it over until that has ended.
   * @throws LEASE_LOST
   */
  confirm(within?: { database: Database; trx: unknown }): Promise<void>;
}

/** What came of one batch. */
export interface Batch {
  /** Looked at; of what was counted before, 0. Default `cleaned`. */
  seen?: number;
  cleaned: number;
  /** Done with, of what was planned: they went, or stay for good. Default `cleaned`. */
  settled?: number;
  /** Of the budget of items; where work is what costs, and nothing is cleaned. Default `cleaned`. */
  spent?: number;
  /** Returned to the system, as far as it is known now; the report says it for good. */
  bytes?: number;
  /** JSON: where to go on, for a run that resumes this one. */
  cursor?: unknown;
}

/** The work on one target. */
export interface TargetProgress {
  /** Where an interrupted run left off that this one resumes; undefined at the beginning. */
  readonly cursor: unknown;
  /** The interrupted run had done all of it. */
  readonly isDone: boolean;
  /** Items that the budget still allows, and of what is `estimated` the circuit breaker; Infinity without one. */
  readonly remaining: number;
  /**
   * To be called after every batch: counts, keeps progress and cursor, waits while the application is under pressure.
   * @returns false when no batch is to follow; report what was done
   */
  advance(batch: Batch): Promise<boolean>;
  /**
   * Keeps where it is before a step that cannot be seen half done, such as the building of an index. It is no batch.
   * @returns false when the step is not to be begun
   */
  keep(cursor: unknown): Promise<boolean>;
  /** Nothing is left of it. */
  done(): void;
}

/** What a task is given to do its work. */
export interface TaskContext extends PlanContext {
  runId: string;
  /** The machine that the run works on, as the host names it. */
  hostId: string;
  /** Aborts when the run is cancelled, the process stops, or another took the task over. */
  signal: AbortSignal;
  /**
   * Does `work` while no other run, in any process, works on that resource. A resource is the scope's of the task
   * unless `scope` says otherwise: `directory:/x` of one machine is not that of another.
   * @returns null when another does
   */
  exclusively<Result>(
    resource: string,
    work: (held: Held) => Promise<Result>,
    scope?: TaskScope,
  ): Promise<Result | null>;
  /**
   * Waits while the application is under pressure: to be called within long steps, as often as it suits, where the step
   * can be held up and cut short. Between two readings of the signals (half a second) it costs nothing.
   * @throws RUN_ENDED, and `signal` aborts, when the pressure lasts for too long, or the budget of time is used up meanwhile
   */
  relief(): Promise<void>;
  /**
   * For work on one of the host's `databases`, by its name: waits, at once and from then on, for what is said of that database as
   * well. `waits: false` does not wait at once.
   * @returns what to work with; null when no work there is to be begun: none at all, or, with `waits: false`, not yet
   */
  onDatabase(name: string | undefined, options?: { waits?: boolean }): Promise<TaskContext | null>;
  /**
   * Says of a target that it is to come, and of how many items: the time that is left is told of all of them, and not at all
   * while `planned` is null. 0 when there is nothing to be done, after all. A run that applies a plan knows what that says.
   */
  expect(target: string, planned: number | null): void;
  /**
   * Begins the work on a part of it. When more than `maxShare` of the target's items are to go (default half; of more
   * than the host's `unaskedItems`, 1,000), and nobody has confirmed that, this throws, and the run waits for that: at once,
   * or, where the task catches it, once it has done the others. Of a target whose `planned` or `total` is null nobody is asked,
   * however many go: count where you can.
   * @throws CONFIRMATION_NEEDED
   */
  target(init: {
    target: string;
    planned: number | null;
    total: number | null;
    /** Of the total, so many went in this run before it came to this target again: what is asked about is these and what is planned. */
    gone?: number | undefined;
    /**
     * What is planned was not counted: `remaining` is then no more than may go unasked, or was confirmed, and when that is used up, and the
     * target not {@link TargetProgress.done}, the run waits to be confirmed for as many again. Default false.
     */
    estimated?: boolean | undefined;
    /** As many are looked at for those that are planned, where that is what takes the time, and batches say how many they have `seen`. */
    toSee?: number | null | undefined;
    maxShare?: number | undefined;
    /** Items that were looked at already, to know what is planned: they count, and are no batch. */
    seen?: number | undefined;
  }): Promise<TargetProgress>;
  /**
   * Whether the run has used up its budget, its window has closed, or it is to stop: begin no other target then, and report
   * what was done.
   */
  readonly isOver: boolean;
  /** Adds a line to the run's log, for people. */
  note(message: string): void;
}

/** What a task did; measured, not intended. Items are counted by {@link TargetProgress.advance}. */
export interface TaskReport<Details> {
  /** Default: none. */
  space?: Partial<Space>;
  details: Details;
  /** Nothing was done because other runs held all of it. */
  skipped?: boolean;
  /** What is left is more, in one piece, than the budget of items allows. */
  overBudget?: boolean;
  /** What went wrong with a part of it: the run has failed, and what it did is reported all the same. */
  fault?: OperationError | undefined;
}

/** A kind of maintenance. */
export interface MaintenanceTask<Parameters extends z.ZodObject = z.ZodObject, Details extends z.ZodType = z.ZodType> {
  /** Snake case: what `maintenance_type` says. */
  type: string;
  /** For people. */
  name: string;
  description: string;
  /** Default `cluster`. */
  scope?: TaskScope;
  /** Whose things a run by these parameters works on, where they say. Default `scope`. */
  scopeOf?(parameters: z.output<Parameters>): TaskScope;
  /**
   * The runs that each slot of a schedule is to have, by their parameters: one for each scope, where a task is about
   * things of several. Default one, by the schedule's own.
   */
  partsOf?(parameters: z.output<Parameters>, policies: PolicySet): z.output<Parameters>[];
  /** Wait while the application is under pressure, before the first batch and after each. Default true; false for what only looks. */
  heedsPressure?: boolean;
  /** A zod object, camelCase, every field with a default or optional. */
  parameters: Parameters;
  /** What the result's `details` hold, camelCase. */
  details: Details;
  /** Faults that the schema alone cannot see, by wire path; asked before the run begins. */
  check?(parameters: z.output<Parameters>, policies: PolicySet): InputIssue[];
  /** What a run would do now. Changes nothing. */
  plan(context: PlanContext, parameters: z.output<Parameters>): Promise<TaskPlan>;
  run(context: TaskContext, parameters: z.output<Parameters>): Promise<TaskReport<z.output<Details>>>;
}

/** A task with its types closed over, so that tasks of any parameters fit one array. */
export type AnyMaintenanceTask = MaintenanceTask<z.ZodObject, z.ZodType> & {
  readonly scope: TaskScope;
  readonly heedsPressure: boolean;
};

/** Whose things a run by these parameters works on. */
export const scopeOf = (task: AnyMaintenanceTask, parameters: unknown): TaskScope =>
  task.scopeOf?.(parameters as never) ?? task.scope;

/**
 * Types a task's functions by its schemas, and gives it what every task has: a dry run that is a plan, budgets
 * (`maxRuntimeSeconds`, `maxItems`, `maxBatches`), progress, cancelling and resuming.
 *
 * @example
 * const purgeSessions = defineMaintenanceTask({
 *   type: 'purge_sessions', name: 'Purge sessions', description: 'Removes ended sessions', scope: 'process',
 *   parameters: z.object({ olderThanDays: z.number().min(1).default(7) }), details: z.object({ left: z.number() }),
 *   async plan({ asOf }, { olderThanDays }) {
 *     const items = sessions.countBefore(asOf - olderThanDays * 86_400_000);
 *     return { targets: [planned({ target: 'sessions', action: 'delete', items, strategy: 'oldest first' }, {})], warnings: [] };
 *   },
 *   async run({ target, asOf }, { olderThanDays }) {
 *     const before = asOf - olderThanDays * 86_400_000;
 *     // Counted, so that nobody loses most of them unasked.
 *     const items = sessions.countBefore(before);
 *     const progress = await target({ target: 'sessions', planned: items, total: sessions.size });
 *     let cleaned: number;
 *     do cleaned = sessions.deleteBefore(before, Math.min(100, progress.remaining));
 *     while ((await progress.advance({ cleaned })) && cleaned > 0);
 *     return { details: { left: sessions.size } };
 *   },
 * });
 */
export function defineMaintenanceTask<Parameters extends z.ZodObject, Details extends z.ZodType>(
  task: MaintenanceTask<Parameters, Details>,
): AnyMaintenanceTask {
  const parameters = withControls(task.parameters);
  return { scope: 'cluster', heedsPressure: true, ...task, parameters } as unknown as AnyMaintenanceTask;
}
