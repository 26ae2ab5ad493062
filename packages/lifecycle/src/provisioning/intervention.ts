import { idPageQuery, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { runStatus } from './run.js';

const note = printable
  .trim()
  .max(1_000)
  .nullish()
  .transform((value) => value || null)
  .meta({ description: 'Why, in your own words; kept in the history' });

/** What retrying and skipping take. */
export const interventionInput = z.object({ note }).meta({ id: 'ProvisioningIntervention' });

/** @see interventionInput */
export type InterventionDraft = z.input<typeof interventionInput>;

/** What forcing takes. */
export const forceInput = z
  .object({
    outcome: z.enum(['completed', 'failed']).meta({ description: 'What is true of the service by now' }),
    note,
  })
  .meta({ id: 'ProvisioningForce' });

/** @see forceInput */
export type ForceDraft = z.input<typeof forceInput>;

/** Which runs are listed. */
export const runListQuery = z.object({
  ...idPageQuery.shape,
  status: runStatus.optional().meta({ description: 'Those with this status' }),
});

/** @see runListQuery */
export type RunListDraft = z.input<typeof runListQuery>;
