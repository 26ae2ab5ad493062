import { z } from 'zod';
import { isoInstant } from './iso-instant.js';

// ISO 8601 has four digits for the year.
const firstInstant = Date.parse('0000-01-01T00:00:00Z');
const lastInstant = Date.parse('9999-12-31T23:59:59.999Z');

/** An instant: epoch milliseconds in code, ISO 8601 in UTC on the wire. */
export const instant = z
  .codec(z.iso.datetime({ offset: true }), z.int(), {
    decode(text, { issues }) {
      const at = Date.parse(text);
      if (at >= firstInstant && at <= lastInstant) return at;
      // By its offset it is of another year than it says.
      issues.push({ code: 'custom', input: text, message: 'Give an instant of the years 0 to 9999, in UTC' });
      return z.NEVER;
    },
    encode: isoInstant,
  })
  .meta({ examples: ['2026-01-31T12:00:00.000Z'] });

/** An id made by dotmac (UUID). Any other string is simply an id that does not exist. */
export const id = z
  .string()
  .min(1)
  .max(64)
  // Characters that no id has and not every database can look for.
  .overwrite((text) => (/^[\x21-\x7e]+$/.test(text) ? text : 'no-such-id'))
  .meta({ description: 'An id (UUIDv7)' });

/** `{ message }`: the answer of routes that have nothing else to say. */
export const message = z.object({ message: z.string() }).meta({ id: 'Message' });

// Spelled out: readers of the document that compile patterns without the `u` flag do not know \p{Cc}.
// eslint-disable-next-line no-control-regex
const noControls = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/**
 * A line of text for people: no control characters, so that it cannot forge a line of a log or a header; and no half of a
 * character, which no database keeps as it is: what is written with one is not found again.
 */
export const printable = z
  .string()
  .regex(noControls, 'Control characters are not allowed')
  .refine((text) => !/\p{Cs}/u.test(text), 'Halves of characters are not allowed');

/** Keys and values of the user's own; the keys are left as they are on the wire. */
export const freeForm = z.record(z.string(), z.unknown());

/** Where messages may be posted to. Redirects are not followed: this is where they go. */
export const postUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_048)
  .refine((text) => {
    // Refinements run even when it is no URL, which is told already.
    if (!URL.canParse(text)) return true;
    const { username, password, hash } = new URL(text);
    return username === '' && password === '' && hash === '';
  }, 'Leave the user, the password and the fragment out');
