import type { z } from 'zod';
import type { Clock, InputIssue, Logger } from '@dotmac/core';
import type { PolicySet } from '../policies/policy-set.js';

/** What a task is given besides its parameters. */
export interface TaskContext {
  runId: string;
  tenantId: string;
  /** Those that the tenant may run. */
  policies: PolicySet;
  clock: Clock;
  logger: Logger;
  /** Aborts when the process stops, or another took the task over. Look at it between batches. */
  signal: AbortSignal;
  /**
   * Does `work` while no other run, in any process, works on that resource.
   * @returns null when another does
   */
  exclusively<Result>(resource: string, work: (signal: AbortSignal) => Promise<Result>): Promise<Result | null>;
}

/** What a task did; measured, not intended. */
export interface TaskReport<Details> {
  /** Looked at. At least `itemsCleaned`. */
  itemsProcessed: number;
  itemsCleaned: number;
  /** Returned to the system. */
  bytesFreed: number;
  details: Details;
  /** Nothing was done because other runs held all of it. */
  skipped?: boolean;
}

/** A kind of maintenance. */
export interface MaintenanceTask<Parameters extends z.ZodType = z.ZodType, Details extends z.ZodType = z.ZodType> {
  /** Snake case: what `maintenance_type` says. */
  type: string;
  /** For people. */
  name: string;
  description: string;
  /** A zod object, camelCase, every field with a default or optional. */
  parameters: Parameters;
  /** What the result's `details` hold, camelCase. */
  details: Details;
  /** Faults that the schema alone cannot see, by wire path; asked before the run begins. */
  check?(parameters: z.output<Parameters>, policies: PolicySet): InputIssue[];
  run(context: TaskContext, parameters: z.output<Parameters>): Promise<TaskReport<z.output<Details>>>;
}

/** A task with its types closed over, so that tasks of any parameters fit one array. */
export type AnyMaintenanceTask = MaintenanceTask<z.ZodType, z.ZodType>;

/**
 * Types a task's functions by its schemas.
 *
 * @example
 * const purgeSessions = defineMaintenanceTask({
 *   type: 'purge_sessions', name: 'Purge sessions', description: 'Removes ended sessions',
 *   parameters: z.object({ olderThanDays: z.number().min(1).default(7) }), details: z.object({ purged: z.number() }),
 *   run: async (context, { olderThanDays }) => { ... },
 * });
 */
export function defineMaintenanceTask<Parameters extends z.ZodType, Details extends z.ZodType>(
  task: MaintenanceTask<Parameters, Details>,
): AnyMaintenanceTask {
  return task as unknown as AnyMaintenanceTask;
}
