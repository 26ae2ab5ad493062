import { z } from 'zod';
import { freeForm, instant, page, pageQuery } from '@dotmac/core/contract';
import { runStatuses } from './run.js';

/** What a run came to. */
export const maintenanceResult = z
  .object({
    taskId: z.string().describe('The id of the run'),
    taskName: z.string().describe('The type of the task'),
    status: z.enum(runStatuses),
    startTime: instant,
    endTime: instant.nullable(),
    durationSeconds: z.number().nullable(),
    itemsProcessed: z.number().int(),
    itemsCleaned: z.number().int(),
    spaceFreedMb: z.number().describe('Returned to the system, in MiB; room that can be reused is in the details'),
    errorMessage: z.string().nullable(),
    details: freeForm.describe('What the task says of its parts'),
  })
  .meta({ id: 'MaintenanceResult' });

/** @see maintenanceResult */
export type MaintenanceResult = z.output<typeof maintenanceResult>;

/** The body of `execute`. */
export const executeBody = z
  .object({
    maintenanceType: z.string().min(1).max(64).describe('The type of a task; the status route lists them'),
    parameters: freeForm.default({}).describe('The task’s own parameters, in snake_case'),
  })
  .meta({ id: 'ExecuteMaintenance' });

/** The query of the list of runs. */
export const runsQuery = pageQuery.extend({
  task: z.string().min(1).max(64).optional().describe('Runs of this type alone'),
  status: z.enum(runStatuses).optional().describe('Runs in this state alone'),
});

/** A page of runs. */
export const runPage = page(maintenanceResult).meta({ id: 'MaintenanceRunPage' });

/** What the status route answers. */
export const maintenanceState = z
  .object({
    schedulerRunning: z.boolean().describe('Of the process that answers'),
    activeTasks: z.array(maintenanceResult),
    recentResults: z.array(maintenanceResult).describe('The newest first'),
    maintenanceTasks: z.array(
      z.object({
        type: z.string(),
        name: z.string(),
        description: z.string(),
        schedules: z.array(
          z.object({ name: z.string(), cron: z.string(), timeZone: z.string(), nextRun: instant.nullable() }),
        ),
      }),
    ),
    timestamp: instant,
  })
  .meta({ id: 'MaintenanceState' });

/** A tenant's maintenance in short: its part of the operations status. */
export const maintenanceStatus = z
  .object({
    schedulerRunning: z.boolean(),
    activeTasks: z.number().int(),
    completedRuns: z.number().int(),
    failedRuns: z.number().int(),
    lastRun: z
      .object({ taskId: z.string(), taskName: z.string(), status: z.enum(runStatuses), startTime: instant })
      .nullable(),
  })
  .meta({ id: 'MaintenanceStatus' });

/** @see maintenanceStatus */
export type MaintenanceStatus = z.output<typeof maintenanceStatus>;
/** @see maintenanceState */
export type MaintenanceState = z.output<typeof maintenanceState>;
