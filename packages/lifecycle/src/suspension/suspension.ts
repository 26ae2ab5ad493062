import { freeForm, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { blockSeverity } from '../customers/customer.js';
import { reason } from '../customers/reason.js';

/** They stay with the customer as long as the reason is open. */
const mostParameters = 16_384;

/** What a reason can be called, and what stands for one or for all. */
export const actionType = z
  .string()
  .min(1)
  .max(50)
  .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, 'Letters, digits, "_", "." and "-" only')
  .meta({ description: 'The class of the reason', examples: ['non_payment', 'abuse', 'voluntary'] });

/** What reactivating takes. */
export const reactivationInput = z
  .object({
    actionType,
    reason,
    parameters: freeForm
      .refine((facts) => JSON.stringify(facts).length <= mostParameters, `At most ${mostParameters} characters of JSON`)
      .default({})
      .meta({ description: 'Facts of your own, kept in the history' }),
  })
  .meta({ id: 'ReactivationInput' });

/** @see reactivationInput */
export type ReactivationDraft = z.input<typeof reactivationInput>;

/** What suspending takes. */
export const suspensionInput = z
  .object({ ...reactivationInput.shape, severity: blockSeverity.default('suspend') })
  .meta({ id: 'SuspensionInput' });

/** @see suspensionInput */
export type SuspensionDraft = z.input<typeof suspensionInput>;

/** What a promise to pay takes. */
export const promiseInput = z
  .object({
    actionType: actionType.meta({ description: 'The open reason that payment is promised for' }),
    until: instant.meta({ description: 'When the promise ends; at most 90 days ahead' }),
    reason,
  })
  .meta({ id: 'PromiseInput' });

/** @see promiseInput */
export type PromiseDraft = Omit<z.input<typeof promiseInput>, 'until'> & { until: number };

/** What ending promises takes. */
export const promiseEndInput = z
  .object({ actionType: actionType.optional().meta({ description: 'The reason; absent: every promise' }) })
  .meta({ id: 'PromiseEndInput' });

/** @see promiseEndInput */
export type PromiseEndDraft = z.input<typeof promiseEndInput>;
