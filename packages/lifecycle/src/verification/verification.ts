import { freeForm } from '@dotmac/core/contract';
import { z } from 'zod';
import { channel } from './channel.js';

/** What verifying takes. */
export const verificationInput = z
  .object({
    verificationToken: z.string().trim().min(1).max(200).meta({ description: 'The token from the email or message' }),
    verificationType: channel.default('email').meta({ description: 'Where the token was sent' }),
    additionalData: freeForm.default({}).meta({ description: 'Facts of your own, kept in the history' }),
  })
  .meta({ id: 'VerificationInput' });

/** @see verificationInput */
export type VerificationDraft = z.input<typeof verificationInput>;

/** What asking for a new token takes. */
export const resendInput = z.object({ channel: channel.default('email') }).meta({ id: 'VerificationResend' });

/** @see resendInput */
export type ResendDraft = z.input<typeof resendInput>;

/** What asking for a new token by an address takes. */
export const addressInput = z.object({ email: z.email().max(254) }).meta({ id: 'VerificationAddress' });

/** @see addressInput */
export type AddressDraft = z.input<typeof addressInput>;
