import { wireOf } from '../contract/wire.js';
import { problemOf, problemSchema } from '../contract/problem.js';
import type { OperationError } from '../errors/operation-error.js';
import type { HttpResponse } from './exchange.js';

const problemWire = wireOf(problemSchema);

/** A JSON answer from its text. No cache may keep it: it is one tenant's. */
export function respondJson(status: number, text: string, headers: Record<string, string> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: text,
  };
}

/** An error as `application/problem+json` (RFC 9457). */
export function respondProblem(
  error: OperationError,
  requestId: string,
  headers: Record<string, string> = {},
): HttpResponse {
  const problem = problemOf(error, requestId);
  return respondJson(problem.status, problemWire.write(problem), {
    ...headers,
    'content-type': 'application/problem+json; charset=utf-8',
    ...(error.retryAfter !== undefined && { 'retry-after': String(Math.ceil(error.retryAfter)) }),
    ...(error.kind === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
  });
}
