import { z } from 'zod';

/** How a customer is reached. */
export const channel = z.enum(['email', 'phone']).meta({ id: 'VerificationChannel' });

/** @see channel */
export type Channel = z.output<typeof channel>;
