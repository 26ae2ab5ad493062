import type { FastifyRequest } from 'fastify';

/**
 * Calls `leave` when the client breaks off its request, or has done so. Over HTTP/2 (Node 20) nothing else may tell: a body
 * that nobody had read yet ends, and an answer that its client has not taken yet is never closed.
 */
export function onAborted(raw: FastifyRequest['raw'], leave: () => void): void {
  if (raw.aborted) leave();
  else raw.once('aborted', leave);
}
