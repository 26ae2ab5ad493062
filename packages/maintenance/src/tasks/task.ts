import type { Clock, Leases, Logger } from '@dotmac/core';
import type { z } from 'zod';
import type { MaintainedDatabase } from '../databases/database.js';
import type { Policies } from '../policies/policy.js';
import type { RunFigures } from '../runs/run.js';

/** What a task may use. */
export interface TaskContext {
  tenantId: string;
  /** Every policy of the host; narrow them with `selectPolicies`. */
  policies: Policies;
  databases: Readonly<Record<string, MaintainedDatabase>>;
  clock: Clock;
  logger: Logger;
}

/** What a running task gets besides. */
export interface RunContext extends TaskContext {
  runId: string;
  /** Aborts at the run's deadline, when maintenance stops, and when the run's lease is lost. Look at it between batches. */
  signal: AbortSignal;
  /** Adds to the run's figures; what is counted here is kept even when the run fails afterwards. */
  count(figures: Partial<RunFigures>): void;
  leases: Leases;
}

/** A kind of maintenance. */
export interface MaintenanceTask<Parameters extends z.ZodType = z.ZodType, Details extends z.ZodType = z.ZodType> {
  /** As requests name it, snake_case: `database_cleanup`. */
  readonly type: string;
  /** As people read it. */
  readonly name: string;
  readonly description: string;
  /** camelCase; read from requests in its wire form. Every field must have a default. */
  readonly parameters: Parameters;
  /** camelCase; kept and shown in its wire form. */
  readonly details: Details;
  /**
   * Refuses, by throwing an OperationError, what cannot be run: before there is a run, so that the caller gets the error.
   */
  prepare?(context: TaskContext, parameters: z.output<Parameters>): void;
  run(context: RunContext, parameters: z.output<Parameters>): Promise<z.output<Details>>;
}

/** A task of any parameters and details, as registries keep it. */
export interface AnyTask extends Omit<MaintenanceTask, 'prepare' | 'run'> {
  prepare?(context: TaskContext, parameters: unknown): void;
  run(context: RunContext, parameters: unknown): Promise<unknown>;
}

/**
 * Makes a kind of maintenance; pass it to `createMaintenance({ tasks: [...] })`.
 *
 * @example
 * const warmUp = defineMaintenanceTask({
 *   type: 'warm_up', name: 'Warm up', description: 'Fills the price cache',
 *   parameters: z.object({ limit: z.int().default(100) }), details: z.object({ filled: z.int() }),
 *   run: async ({ count }, { limit }) => {
 *     const filled = await prices.fill(limit);
 *     count({ itemsProcessed: filled });
 *     return { filled };
 *   },
 * });
 */
export function defineMaintenanceTask<Parameters extends z.ZodType, Details extends z.ZodType>(
  task: MaintenanceTask<Parameters, Details>,
): AnyTask {
  return task as unknown as AnyTask;
}
