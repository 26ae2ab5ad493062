import { z } from 'zod';
import { isoInstant } from './iso-instant.js';

/** An instant: epoch milliseconds in code, ISO 8601 in UTC on the wire. */
export const instant = z
  .codec(z.iso.datetime({ offset: true }), z.int(), {
    decode: (text) => Date.parse(text),
    encode: isoInstant,
  })
  .meta({ examples: ['2026-01-31T12:00:00.000Z'] });

/** An id made by dotmac (UUID). Any other string is simply an id that does not exist. */
export const id = z.string().min(1).max(64).meta({ description: 'An id (UUIDv7)' });

/** `{ message }`: the answer of routes that have nothing else to say. */
export const message = z.object({ message: z.string() }).meta({ id: 'Message' });

/** Keys and values of the user's own; the keys are left as they are on the wire. */
export const freeForm = z.record(z.string(), z.unknown());
