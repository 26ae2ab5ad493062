import { freeForm } from '@dotmac/core/contract';
import { z } from 'zod';
import { personName, registration } from './customer.js';

const { email, userType } = registration.shape;

/** What changing a customer's profile takes: what is left out stays as it is. */
export const profileInput = z
  .object({
    email,
    firstName: personName,
    lastName: personName,
    userType,
    phone: z
      .string()
      .max(32)
      .regex(/^\+?[0-9](?:[0-9 ()./-]*[0-9])$/, 'Give a telephone number, e.g. +4930901820')
      .nullable()
      .meta({ description: 'Null: none any more' }),
    marketingConsent: z.boolean(),
    attributes: freeForm.meta({
      description: 'Those that change; null takes one away. With those that stay, 64 KiB of JSON at the most',
    }),
  })
  .partial()
  .meta({ id: 'CustomerProfile' });

/** @see profileInput */
export type Profile = z.output<typeof profileInput>;
/** {@link Profile} as a caller writes it. */
export type ProfileDraft = z.input<typeof profileInput>;
