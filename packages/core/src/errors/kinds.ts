/**
 * The meanings an error can have. A kind says what the caller can do about it; the contract layer's one table
 * (`contract/problem.ts`) gives each its HTTP status.
 */
export const errorKinds = [
  'malformed', // cannot be read at all, e.g. broken JSON
  'invalid', // read, but breaks a rule of the input
  'unauthenticated',
  'forbidden',
  'not_found',
  'not_allowed', // the thing is there, and cannot be asked for that
  'conflict', // legal in itself, not in the present state
  'gone', // was there once, e.g. an expired token
  'too_large',
  'unsupported_media',
  'limited',
  'unavailable', // ours or a dependency's trouble, worth another try
  'timeout',
  'internal',
] as const;

/** @see errorKinds */
export type ErrorKind = (typeof errorKinds)[number];
