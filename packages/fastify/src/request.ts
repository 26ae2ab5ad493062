import type { HttpRequest } from '@dotmac/core/http';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Fastify's request in plain data. */
export function toRequest(request: FastifyRequest, reply: FastifyReply): HttpRequest {
  let abort: AbortController | undefined;
  const [path = ''] = request.url.split('?', 1);
  return {
    method: request.method,
    path,
    params: request.params as Record<string, string>,
    query: request.query as HttpRequest['query'],
    headers: request.headers,
    remoteAddress: request.ip,
    body: { stream: request.raw },
    get signal() {
      if (!abort) {
        const controller = (abort = new AbortController());
        reply.raw.once(
          'close',
          () => reply.raw.writableFinished || controller.abort(new Error('The client went away')),
        );
      }
      return abort.signal;
    },
  };
}
