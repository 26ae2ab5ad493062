import { z } from 'zod';

/** Fields that several tasks take. */
export const policies = z
  .array(z.string().min(1).max(64))
  .min(1)
  .max(100)
  .optional()
  .describe('The names of the policies to apply; all of them when absent');

/** @see policies */
export const days = z.number().min(0).max(36_500);

/** Mebibytes to three decimals: what reports give sizes in. */
export const megabytes = (bytes: number): number => Math.round((bytes / 1_048_576) * 1000) / 1000;

/** How one policy fared. */
export const policyOutcome = z
  .enum(['done', 'partial', 'busy', 'missing', 'failed', 'unconfirmed'])
  .describe(
    'partial: the run was over before it was done; busy: another run was at it; missing: there is no such directory; unconfirmed: it waits for a confirmation',
  );
