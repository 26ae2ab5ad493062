import { z } from 'zod';
import { freeForm, idPageQuery, instant, page } from '@dotmac/core/contract';
import { runStatuses, stopReasons, type StopReason } from './run.js';
import { taskType } from '../tasks/task-type.js';

const reasons = Object.keys(stopReasons) as [StopReason, ...StopReason[]];

/** How far a run is. */
const runProgress = z
  .object({
    state: z.enum(['working', 'paused']),
    pausedBy: z.array(z.string()).describe('The signals of pressure that it waits for'),
    pauses: z
      .array(
        z.object({
          signal: z.string(),
          unit: z.string(),
          times: z.number().int().describe('How often it began to wait'),
          seconds: z.number(),
          worst: z.number().nullable().describe('The highest figure seen; null when there was none, or no end to it'),
        }),
      )
      .describe('What it has waited for up to now'),
    target: z.string().nullable().describe('What it is at'),
    planned: z
      .number()
      .int()
      .nullable()
      .describe('Items that are to go, of all targets, those to come with them; null while those of any are not known'),
    seen: z.number().int(),
    cleaned: z.number().int(),
    batches: z.number().int(),
    itemsPerSecond: z.number(),
    etaSeconds: z
      .number()
      .nullable()
      .describe(
        'How long the work on all targets takes yet, at the pace since the first was begun, without pauses under pressure; null when it cannot be said',
      ),
    targets: z
      .array(
        z.object({
          target: z.string(),
          planned: z.number().int().nullable(),
          seen: z.number().int().describe('Looked at in its batches'),
          settled: z.number().int().describe('Of these, done with: they went, or stay for good'),
          bytes: z.number().describe('Returned to the system, as far as its batches said'),
          seconds: z.number().describe('Of work, without pauses under pressure'),
        }),
      )
      .describe('Those that were begun; at most 100'),
    updatedAt: instant,
  })
  .meta({ id: 'MaintenanceProgress' });

/** What a run came to. */
export const maintenanceResult = z
  .object({
    taskId: z.string().describe('The id of the run'),
    taskName: z.string().describe('The type of the task'),
    status: z.enum(runStatuses),
    stopReason: z.enum(reasons).nullable().describe('Why it ended; null while it runs'),
    startTime: instant,
    endTime: instant.nullable(),
    durationSeconds: z.number().nullable(),
    itemsProcessed: z.number().int(),
    itemsCleaned: z.number().int(),
    spaceFreedMb: z.number().describe('Returned to the system, measured, in MiB'),
    spaceReusableMb: z.number().describe('Free inside databases and the like, for what comes, in MiB'),
    spaceEstimatedMb: z.number().describe('Believed to be free, not measured, in MiB'),
    errorMessage: z.string().nullable(),
    resumable: z.boolean().describe('A run can go on where this one ended'),
    progress: runProgress.nullable(),
    details: freeForm.describe('What the task says of its parts; the plan, of a dry run'),
  })
  .meta({ id: 'MaintenanceResult' });

/** @see maintenanceResult */
export type MaintenanceResult = z.output<typeof maintenanceResult>;

/** A run with all that is kept of it. */
export const maintenanceRun = maintenanceResult
  .extend({
    trigger: z.enum(['request', 'schedule', 'recovery']),
    schedule: z.string().nullable(),
    actor: z.string(),
    parameters: freeForm,
    dryRun: z.boolean(),
    planId: z.string().nullable(),
    resumes: z.string().nullable().describe('The run that it went on from'),
    resumedBy: z.string().nullable().describe('The run that went on from it'),
    log: z.array(z.object({ at: instant, message: z.string() })),
  })
  .meta({ id: 'MaintenanceRun' });

/** @see maintenanceRun */
export type MaintenanceRun = z.output<typeof maintenanceRun>;

/** What followers of a run are told. */
export const runEvent = z
  .object({
    id: z.string(),
    event: z.enum(['progress', 'ended']),
    data: maintenanceResult,
  })
  .meta({ id: 'MaintenanceRunEvent' });

/** @see runEvent */
export type RunEvent = z.output<typeof runEvent>;

/** The body of `execute`. */
export const executeBody = z
  .object({
    maintenanceType: z.string().min(1).max(64).describe('The type of a task; the status route lists them'),
    parameters: freeForm.default({}).describe('The task’s own parameters, in snake_case'),
  })
  .meta({ id: 'ExecuteMaintenance' });

/** @see executeBody */
export type ExecuteBody = z.output<typeof executeBody>;

/** The query of the list of runs. */
export const runsQuery = idPageQuery.extend({
  task: taskType.optional().describe('Runs of this type alone'),
  status: z.enum(runStatuses).optional().describe('Runs in this state alone'),
});

/** The query of the list of runs, of which each may be told at length. */
export const runListQuery = runsQuery.extend({
  details: z.stringbool().default(false).describe('With the `details` of each, which may be long'),
});

/** A run in a list. */
export const listedRun = maintenanceResult
  .extend({
    details: maintenanceResult.shape.details.nullable().describe('Null unless the list is asked for with them'),
  })
  .meta({ id: 'ListedMaintenanceRun' });

/** @see listedRun */
export type ListedRun = z.output<typeof listedRun>;

/** A page of runs. */
export const runPage = page(listedRun).meta({ id: 'MaintenanceRunPage' });

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
          z.object({
            name: z.string(),
            cron: z.string().nullable(),
            everyMs: z.number().nullable(),
            timeZone: z.string(),
            nextRun: instant.nullable(),
          }),
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
