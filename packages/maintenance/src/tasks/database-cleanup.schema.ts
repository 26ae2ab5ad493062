import { z } from 'zod';
import { instant } from '@dotmac/core/contract';
import { withControls } from './controls.js';
import { days, policies } from './parameters.js';

/** What a request may say to `database_cleanup`. */
export const databaseCleanupParameters = withControls(
  z.object({
    policies,
    retentionDays: days
      .optional()
      .describe(
        'Days to keep; fewer than the policy keeps only where the host allows it. Default the policy’s own; a policy that keeps its own days goes by it only when it is named, or when it is more',
      ),
    vacuumAnalyze: z.boolean().default(true).describe('Make the room usable again and bring statistics up to date'),
  }),
).meta({ id: 'DatabaseCleanupParameters' });

/** Whether retention keeps up with what comes. */
const convergence = z.object({
  ingestPerDay: z.number().int().describe('Rows that came in the last day, by their own time'),
  deletedPerSecond: z.number(),
  converges: z.boolean(),
  daysToCatchUp: z
    .number()
    .nullable()
    .describe('With runs like this as often as they are scheduled, or else every day; null when the backlog grows'),
});

/** How one policy fared. */
export const cleanedPolicy = z.object({
  policy: z.string(),
  table: z.string(),
  outcome: z
    .enum(['done', 'partial', 'busy', 'failed', 'unconfirmed'])
    .describe(
      'partial: more is due; busy: another run was at the table; failed: a warning says why, and what had gone is counted; unconfirmed: it waits for a confirmation',
    ),
  cutoff: instant,
  strategy: z.string().describe('How rows were deleted, and why so'),
  rows: z.number().int().describe('Deleted, or moved to the archive'),
  rowsAlong: z.number().int().default(0).describe('Rows of other tables that went with them, as the policy says'),
  batches: z.number().int(),
  retries: z.number().int().describe('Batches tried again after deadlocks and timeouts'),
  rowsPerSecond: z
    .number()
    .nullable()
    .describe(
      'Measured, with the rests between batches and without waits; plans go by it. Null when no row was walked to',
    ),
  left: z.number().int().describe('Rows that are due and still there; counted at the beginning, less those that went'),
  archivedTo: z.string().nullable().describe('The table or file where they are now'),
  convergence: convergence.nullable().describe('Of a policy that was not finished'),
  warnings: z.array(z.string()),
});

/** @see cleanedPolicy */
export type CleanedPolicy = z.output<typeof cleanedPolicy>;

/** What `database_cleanup` reports. */
export const databaseCleanupDetails = z.object({
  sizesApproximate: z.boolean().describe('Some sizes come from the database’s statistics'),
  policies: z.array(cleanedPolicy),
});
