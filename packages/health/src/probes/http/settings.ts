import { validateHeaderName, validateHeaderValue } from 'node:http';
import { z } from 'zod';
import { tlsSettings } from '../tls-settings.js';

/** What the client writes itself, would change where the message ends, or is between neighbours (RFC 9110, 7.6.1). */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The headers whose text must be a secret, in the spellings that they can be given in. */
export const secretHeaders = ['authorization', 'Authorization', 'cookie', 'Cookie'] as const;
const isSpelled = (name: string): boolean =>
  secretHeaders.some((it) => it === name) || !secretHeaders.some((it) => it === name.toLowerCase());

const fits = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};
const headerName = z
  .string()
  .max(100)
  .refine((name) => fits(() => validateHeaderName(name)), 'This is no name of a header')
  .refine((name) => !ownHeaders.has(name.toLowerCase()), 'This header is set by the check itself')
  .refine(isSpelled, 'Spell it in lower case, or with one capital');
const headerValue = z
  .string()
  .max(4_096)
  .refine((value) => fits(() => validateHeaderValue('x', value)), 'A header cannot hold this');

const range = z.union([
  z.int().min(100).max(599),
  z
    .string()
    .regex(/^[1-5]\d\d-[1-5]\d\d$/, 'Give a status, or a range such as 200-299')
    .refine((text) => text.slice(0, 3) <= text.slice(4), 'A range goes upwards'),
]);

/** What a request of an HTTP check is, and which answers are right. */
export const httpSettings = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).default('GET'),
  path: z
    .string()
    .max(2_000)
    .regex(/^\/[\x21-\x7e]*$/, 'Begin with / and escape what is not plain')
    .default('/')
    .meta({ description: 'With the query' }),
  headers: z
    .record(headerName, headerValue)
    .refine((headers) => Object.keys(headers).length <= 30, 'At most 30 headers')
    .default({}),
  body: z.string().max(16_384).optional().meta({ description: 'Sent as it is, in UTF-8' }),
  auth: z
    .union([
      z.strictObject({
        username: z
          .string()
          .max(200)
          .regex(/^[^:]*$/, 'A colon ends the name'),
        password: z.string().max(4_096),
      }),
      z.strictObject({ token: z.string().max(4_096) }),
    ])
    .optional()
    .meta({ description: 'Basic by username and password, or bearer by token; password and token are secrets' }),
  status: z
    .array(range)
    .min(1)
    .max(20)
    .optional()
    .meta({ description: 'The right ones: numbers and ranges. Default: everything below 500' }),
  redirects: z.int().min(0).max(3).default(0).meta({ description: 'How many are followed' }),
  read: z.boolean().default(false).meta({ description: 'Read the body, for conditions on it' }),
  limit: z.int().min(1).max(262_144).default(65_536).meta({ description: 'Bytes of the body that are read at most' }),
  tls: tlsSettings.optional().meta({ description: 'For https alone' }),
});

/** @see httpSettings */
export type HttpSettings = z.output<typeof httpSettings>;

/** Whether a status is among the right ones. */
export function isRight(status: number, wanted: HttpSettings['status']): boolean {
  if (!wanted) return status < 500;
  return wanted.some((it) => {
    const [from = 0, until = from] = typeof it === 'number' ? [it] : it.split('-').map(Number);
    return status >= from && status <= until;
  });
}
