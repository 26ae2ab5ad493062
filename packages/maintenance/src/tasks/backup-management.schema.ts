import { z } from 'zod';
import { policies } from './parameters.js';

/** What a request may say to `backup_management`. */
export const backupManagementParameters = z
  .object({
    policies,
    action: z
      .enum(['backup', 'verify'])
      .default('backup')
      .describe(
        'backup: take one, try it out, remove old ones; verify: try out those that there are, max_items of them in one run',
      ),
    prune: z.boolean().default(true).describe('Remove those that no rule keeps, once a newer one is verified'),
  })
  .meta({ id: 'BackupManagementParameters' });

/** What `backup_management` reports. */
export const backupManagementDetails = z.object({
  policies: z.array(
    z.object({
      policy: z.string(),
      outcome: z
        .enum(['done', 'partial', 'busy', 'failed', 'unconfirmed'])
        .describe(
          'partial: the run was to end before all was done; unconfirmed: what is to be removed waits for a confirmation',
        ),
      fault: z.string().nullable().describe('Why it failed: a code, explained in the documentation of backups'),
      backup: z
        .object({
          id: z.string(),
          bytes: z.number().int(),
          contentBytes: z.number().int(),
          tables: z.number().int(),
          state: z.enum(['unverified', 'verified', 'broken']),
        })
        .nullable(),
      verified: z.number().int().describe('Backups that were tried out'),
      broken: z.number().int().describe('How many of these were found broken'),
      removed: z.array(z.object({ id: z.string(), bytes: z.number().int(), reason: z.string() })),
    }),
  ),
});
