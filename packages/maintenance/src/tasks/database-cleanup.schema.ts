import { z } from 'zod';
import { instant } from '@dotmac/core/contract';
import { withControls } from './controls.js';
import { days, policies } from './parameters.js';

/** What a request may say to `database_cleanup`. */
export const databaseCleanupParameters = withControls(
  z.object({
    policies,
    retentionDays: days.optional().describe('Days to keep; not less than the policy allows. Default the policy’s own'),
    vacuumAnalyze: z.boolean().default(true).describe('Make the room usable again and bring statistics up to date'),
  }),
).meta({ id: 'DatabaseCleanupParameters' });

/** What `database_cleanup` reports. */
export const databaseCleanupDetails = z.object({
  sizesApproximate: z.boolean().describe('Some sizes come from the database’s statistics'),
  policies: z.array(
    z.object({
      policy: z.string(),
      table: z.string(),
      outcome: z.enum(['done', 'busy']),
      cutoff: instant,
      rows: z.number().int(),
      batches: z.number().int(),
      warnings: z.array(z.string()),
    }),
  ),
});
