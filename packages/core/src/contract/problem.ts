import { z } from 'zod';
import type { ErrorKind } from '../errors/kinds.js';
import type { OperationError } from '../errors/operation-error.js';

/** The only place in dotmac that knows HTTP status numbers of errors. */
const statuses: Record<ErrorKind, { status: number; title: string }> = {
  malformed: { status: 400, title: 'Malformed request' },
  invalid: { status: 422, title: 'Invalid input' },
  unauthenticated: { status: 401, title: 'Authentication required' },
  forbidden: { status: 403, title: 'Not allowed' },
  not_found: { status: 404, title: 'Not found' },
  not_allowed: { status: 405, title: 'Method not allowed' },
  conflict: { status: 409, title: 'Conflict' },
  gone: { status: 410, title: 'Gone' },
  too_large: { status: 413, title: 'Content too large' },
  unsupported_media: { status: 415, title: 'Unsupported media type' },
  limited: { status: 429, title: 'Too many requests' },
  unavailable: { status: 503, title: 'Service unavailable' },
  timeout: { status: 504, title: 'Timed out' },
  internal: { status: 500, title: 'Internal error' },
};

/** The HTTP status of an error's kind. */
export function statusOf(kind: ErrorKind): number {
  return statuses[kind].status;
}

/** Problem details, RFC 9457, with dotmac's extension members. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'A URI reference that names the kind of problem: `/errors/<code>`' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'This occurrence: a URN of the request id' }),
    code: z.string().meta({ description: 'Stable; compare this' }),
    requestId: z.string(),
    hint: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457)' });

/** @see problemSchema */
export type Problem = z.output<typeof problemSchema>;

/** The problem details of an error. */
export function problemOf(error: OperationError, requestId: string): Problem {
  const { status, title } = statuses[error.kind];
  return {
    type: `/errors/${error.code}`,
    title,
    status,
    detail: error.message,
    instance: `urn:uuid:${requestId}`,
    code: error.code,
    requestId,
    hint: error.hint,
    errors: error.issues,
    details: error.issues || !error.details || Object.keys(error.details).length === 0 ? undefined : error.details,
  };
}
