import { createHash } from 'node:crypto';
import type { Route } from '../contract/route.js';
import { header, type HttpRequest, type HttpResponse } from './exchange.js';

/**
 * An answer as caches may keep it, for a route that says how long (RFC 9111): with a tag made of what it says, and
 * without a body for whoever has that already (304). Of another route, as it is.
 */
export function cacheable(
  { cacheSeconds }: Pick<Route, 'cacheSeconds'>,
  request: HttpRequest,
  { status, headers, body }: HttpResponse,
): HttpResponse {
  if (cacheSeconds === undefined || typeof body !== 'string') return { status, headers, body };
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const kept = { ...headers, 'cache-control': `public, max-age=${cacheSeconds}`, etag };
  return has(header(request, 'if-none-match') ?? '', etag)
    ? { status: 304, headers: kept, body: '' }
    : { status, headers: kept, body };
}

/** `If-None-Match` compares weakly: caches on the way may have made a tag weak (RFC 9110, 13.1.2). */
function has(tags: string, etag: string): boolean {
  return tags.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
