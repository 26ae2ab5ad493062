import { defineErrors } from './define-errors.js';

/** The errors that any route may answer; every domain adds its own table. */
export const coreErrors = defineErrors({
  INVALID_INPUT: {
    kind: 'invalid',
    message: ({ count }: { count: number }) =>
      count === 1 ? 'One field of the request is not valid.' : `${count} fields of the request are not valid.`,
    hint: 'Every fault is listed in `errors` (in code: `issues`), by its path.',
  },
  INVALID_ARGUMENT: {
    kind: 'invalid',
    message: ({ argument, reason }: { argument: string; reason: string }) => `${argument}: ${reason}`,
  },
  MALFORMED_BODY: {
    kind: 'malformed',
    message: ({ reason }: { reason: string }) => `The request body cannot be read: ${reason}.`,
    hint: 'Send one JSON document in UTF-8.',
  },
  MALFORMED_REQUEST: {
    kind: 'malformed',
    message: (_: Record<never, never>) => 'The request cannot be read: its address or its headers are malformed.',
  },
  BODY_TOO_LARGE: {
    kind: 'too_large',
    message: ({ limitBytes }: { limitBytes: number }) => `The request body is larger than ${limitBytes} bytes.`,
  },
  UNSUPPORTED_MEDIA_TYPE: {
    kind: 'unsupported_media',
    message: ({ given }: { given: string }) => `The request body is ${given}, which is not understood here.`,
    hint: 'Send `Content-Type: application/json` (to an import: `application/x-ndjson`), without a `Content-Encoding`.',
  },
  UNAUTHENTICATED: {
    kind: 'unauthenticated',
    message: (_: Record<never, never>) => 'The request carries no valid credentials.',
    hint: 'Send `Authorization: Bearer <key>`.',
  },
  PERMISSION_DENIED: {
    kind: 'forbidden',
    message: ({ permission }: { permission: string }) => `This needs the permission ${permission}.`,
  },
  ROUTE_NOT_FOUND: {
    kind: 'not_found',
    message: ({ method, path }: { method: string; path: string }) => `There is no ${method} ${path}.`,
    hint: 'GET /openapi.json lists what there is.',
  },
  METHOD_NOT_ALLOWED: {
    kind: 'not_allowed',
    message: ({ method, path, allowed }: { method: string; path: string; allowed: readonly string[] }) =>
      `There is no ${method} ${path}: it takes ${allowed.join(', ')}.`,
    hint: 'GET /openapi.json lists what there is.',
  },
  RATE_LIMITED: {
    kind: 'limited',
    message: ({ limit, windowSeconds }: { limit: number; windowSeconds: number }) =>
      `More than ${limit} requests in ${windowSeconds} seconds.`,
    hint: 'Wait as long as `Retry-After` says.',
  },
  STREAM_LIMIT_REACHED: {
    kind: 'limited',
    message: ({ limit }: { limit: number }) =>
      `This tenant has ${limit} streams open here already, which is its limit (\`maxStreamsPerTenant\`).`,
    hint: 'Close streams that nobody reads, or share one.',
  },
  STREAMS_FULL: {
    kind: 'unavailable',
    message: ({ limit }: { limit: number }) =>
      `This process has ${limit} streams open already, which is its limit (\`maxStreams\`).`,
    hint: 'Try again later, or follow it in another process, with the Last-Event-ID that you have.',
  },
  STREAMS_ENDED: {
    kind: 'unavailable',
    message: (_: Record<never, never>) => 'This process has stopped: there is nothing to follow here any more.',
    hint: 'Follow it in a process that runs, with the Last-Event-ID that you have.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'invalid',
    message: (_: Record<never, never>) => 'This Idempotency-Key was used before with another request.',
    hint: 'Use a new key for a new request; use the same key only to repeat the same one.',
  },
  IDEMPOTENCY_IN_FLIGHT: {
    kind: 'conflict',
    message: (_: Record<never, never>) => 'A request with this Idempotency-Key is still being worked on.',
    hint: 'Try again shortly with the same key: the answer will be replayed.',
  },
  IDEMPOTENCY_ANSWER_LOST: {
    kind: 'gone',
    message: (_: Record<never, never>) => 'What was answered under this Idempotency-Key cannot be read any more.',
    hint: 'The command was carried out: look at what it was about.',
  },
  DRIVER_MISSING: {
    kind: 'unavailable',
    message: ({ packageName, purpose }: { packageName: string; purpose: string }) =>
      `${purpose} needs the package "${packageName}", which is not installed.`,
    hint: 'Install it beside dotmac, e.g. `npm install <package>`.',
  },
  DRIVER_UNUSABLE: {
    kind: 'unavailable',
    message: ({ packageName }: { packageName: string }) =>
      `The package "${packageName}" was compiled for another Node.js, or for another system.`,
    hint: 'Compile it for this one, e.g. `npm rebuild <package>`.',
  },
  STORE_UNAVAILABLE: {
    kind: 'unavailable',
    message: ({ operation, reason }: { operation: string; reason?: string | undefined }) =>
      reason === undefined
        ? `The database did not answer while ${operation}.`
        : `There was no secure connection to the database while ${operation}. ${reason}`,
  },
  ISSUER_UNAVAILABLE: {
    kind: 'unavailable',
    message: (_: Record<never, never>) => 'The token issuer’s keys cannot be had at the moment.',
  },
  SCHEMA_TOO_NEW: {
    kind: 'unavailable',
    message: ({ module, migration }: { module: string; migration: string }) =>
      `The database was migrated by a newer ${module}: it knows no migration "${migration}".`,
    hint: 'Deploy the newer version, or restore the database from before its migration.',
  },
  SCHEMA_TOO_OLD: {
    kind: 'unavailable',
    message: ({ module, migration }: { module: string; migration: string }) =>
      `The database was not migrated for this version of ${module}: it lacks the migration "${migration}".`,
    hint: 'Migrate it first: start with `migrate: true`, or call `migrate()` of each store as a user who may. Which migrations there are must be readable.',
  },
  DATABASE_TOO_OLD: {
    kind: 'unavailable',
    message: ({ needed, version }: { needed: string; version: string }) =>
      `The database has to be ${needed} or later, and is ${version}.`,
    hint: 'Upgrade the database server.',
  },
  LEASE_LOST: {
    kind: 'unavailable',
    message: ({ key }: { key: string }) => `The lease on ${key} was lost before its work was done.`,
  },
  DELIVERY_TIMED_OUT: {
    kind: 'timeout',
    message: (_: Record<never, never>) => 'The delivery took longer than it may, or was stopped.',
  },
  EGRESS_DENIED: {
    kind: 'forbidden',
    message: ({ target }: { target: string }) => `Connecting to ${target} is not allowed here.`,
    hint: 'The host application decides in code which networks may be reached.',
  },
  INTERNAL: {
    kind: 'internal',
    message: (_: Record<never, never>) => 'Something went wrong on our side.',
    hint: 'Quote the request id when you report it.',
  },
});
