import { Readable } from 'node:stream';
import type { HttpRequest } from '@dotmac/core/http';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Fastify's request in plain data. */
export function toRequest(request: FastifyRequest, reply: FastifyReply, mountedAt: string): HttpRequest {
  let abort: AbortController | undefined;
  const [path = ''] = request.url.split('?', 1);
  return {
    method: request.method,
    path,
    mountedAt,
    params: request.params as Record<string, string>,
    query: request.query as HttpRequest['query'],
    headers: request.headers,
    remoteAddress: request.ip,
    // A `preParsing` hook of the host's may have put another stream in the socket's place.
    body: { stream: request.body instanceof Readable ? request.body : request.raw },
    get signal() {
      if (!abort) {
        const controller = (abort = new AbortController());
        // Whoever answered: work that goes on then has nobody who waits for it.
        const leave = (): void => controller.abort(new Error('The client went away, or was answered'));
        if (reply.raw.closed) leave();
        else reply.raw.once('close', leave);
      }
      return abort.signal;
    },
  };
}
