import { freeForm } from '@dotmac/core/contract';
import { z } from 'zod';

/** They stay with the customer as long as the reason is open. */
const mostParameters = 16_384;

/** What suspending and reactivating take. */
export const suspensionInput = z
  .object({
    actionType: z
      .string()
      .min(1)
      .max(50)
      .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, 'Letters, digits, "_", "." and "-" only')
      .meta({ description: 'The class of the reason', examples: ['non_payment', 'abuse', 'voluntary'] }),
    reason: z
      .string()
      .trim()
      .max(1_000)
      .nullish()
      .transform((value) => value || null)
      .meta({ description: 'In your own words' }),
    parameters: freeForm
      .refine((facts) => JSON.stringify(facts).length <= mostParameters, `At most ${mostParameters} characters of JSON`)
      .default({})
      .meta({ description: 'Facts of your own, kept in the history' }),
  })
  .meta({ id: 'SuspensionInput' });

/** @see suspensionInput */
export type SuspensionDraft = z.input<typeof suspensionInput>;
