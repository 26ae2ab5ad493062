import type { FastifyRequest } from 'fastify';

/** Calls `leave` when a request is broken off, or has been: by its client, or over HTTP/1.1 by whoever reads no further. */
export function onAborted(raw: FastifyRequest['raw'], leave: () => void): void {
  if (raw.aborted) leave();
  else raw.once('aborted', leave);
}

/**
 * Calls `leave` when the client of an HTTP/2 request is gone, which nothing else may tell: an answer that it has not taken
 * yet is never closed (Node 20). Over HTTP/1.1 every answer is.
 */
export function onHttp2Gone(raw: FastifyRequest['raw'], leave: () => void): void {
  if (raw.httpVersionMajor >= 2) onAborted(raw, leave);
}
