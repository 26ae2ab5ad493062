import { z } from 'zod';

/** Why, in somebody's own words. */
export const words = z.string().trim().max(1_000);

/** The same where none need be given: an empty one is none, and null. */
export const reason = words
  .nullish()
  .transform((value) => value || null)
  .meta({ description: 'In your own words' });

/** What leaving and coming back take. */
export const reasonInput = z.object({ reason }).meta({ id: 'CustomerRejection', description: 'Why' });

/** @see reasonInput */
export type ReasonDraft = z.input<typeof reasonInput>;
