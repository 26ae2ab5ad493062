import { z } from 'zod';
import { instant } from '@dotmac/core/contract';
import { days, dryRun, policies } from './parameters.js';

/** What a request may say to `database_cleanup`. */
export const databaseCleanupParameters = z
  .object({
    policies,
    retentionDays: days.optional().describe('Days to keep; not less than the policy allows. Default the policy’s own'),
    vacuumAnalyze: z.boolean().default(true).describe('Make the room usable again and bring statistics up to date'),
    dryRun,
  })
  .meta({ id: 'DatabaseCleanupParameters' });

/** What `database_cleanup` reports. */
export const databaseCleanupDetails = z.object({
  dryRun: z.boolean(),
  spaceReusableMb: z.number().describe('Free inside the databases, for new rows'),
  sizesApproximate: z.boolean().describe('Some sizes come from the database’s statistics'),
  policies: z.array(
    z.object({
      policy: z.string(),
      table: z.string(),
      outcome: z.enum(['done', 'busy']),
      cutoff: instant,
      rows: z.number().int().describe('Deleted; in a dry run: to be deleted'),
      batches: z.number().int(),
      warnings: z.array(z.string()),
    }),
  ),
});
