import { z } from 'zod';
import { instant } from '@dotmac/core/contract';
import { runStatuses } from '../runs/run.js';
import { taskType } from '../tasks/task-type.js';

const count = z.number().int();
const space = {
  spaceFreedMb: z.number().describe('Returned to the system, measured, in MiB'),
  spaceReusableMb: z.number().describe('Free inside databases and the like, in MiB'),
  spaceEstimatedMb: z.number().describe('Believed to be free, not measured, in MiB'),
};

/** How one task fared day by day. */
export const taskTrend = z
  .object({
    task: z.string(),
    days: z.array(
      z.object({
        day: instant.describe('Its beginning; days are those of UTC'),
        runs: count.describe('Begun on that day and ended; dry runs are left out'),
        failed: count,
        failureShare: z.number().nullable().describe('0 to 1; null without a run'),
        itemsCleaned: count,
        spaceFreedMb: space.spaceFreedMb,
        meanSeconds: z.number().nullable(),
        longestSeconds: z.number(),
      }),
    ),
  })
  .meta({ id: 'MaintenanceTaskTrend' });

/** @see taskTrend */
export type TaskTrend = z.output<typeof taskTrend>;

/** The trends of all tasks that ran. */
export const trendList = z.object({ items: z.array(taskTrend) }).meta({ id: 'MaintenanceTrends' });

const days = (longest: number, preset: number) =>
  z.coerce.number().int().min(1).max(longest).default(preset).describe('How many days back; today’s is the last');

/** The query of trends. */
export const trendsQuery = z.object({
  days: days(90, 30),
  task: taskType.optional().describe('This task alone'),
});

/** What happened in a period. */
export const digest = z
  .object({
    from: instant,
    to: instant,
    runs: count,
    failed: count,
    itemsCleaned: count,
    ...space,
    tasks: z.array(
      z.object({
        task: z.string(),
        runs: count,
        failed: count,
        itemsCleaned: count,
        ...space,
        runsBefore: count.describe('In the equally long period before'),
        itemsCleanedBefore: count,
        meanSeconds: z.number().nullable(),
        longestSeconds: z.number(),
      }),
    ),
    attention: z
      .array(
        z.object({
          taskId: z.string(),
          taskName: z.string(),
          status: z.enum(runStatuses),
          startTime: instant,
          code: z.string().nullable(),
          errorMessage: z.string().nullable(),
        }),
      )
      .describe('The newest runs that failed, or wait to be confirmed'),
  })
  .meta({ id: 'MaintenanceDigest' });

/** @see digest */
export type Digest = z.output<typeof digest>;

/** The query of a digest. */
export const digestQuery = z.object({ days: days(31, 7) });
