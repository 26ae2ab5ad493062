import { Readable } from 'node:stream';
import type { HttpRequest } from '@dotmac/core/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { onAborted, onHttp2Gone } from './on-aborted.js';

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
    body: { stream: request.body instanceof Readable ? brokenWith(request.raw, request.body) : request.raw },
    get signal() {
      if (!abort) {
        const controller = (abort = new AbortController());
        // Whoever answered: work that goes on then has nobody who waits for it.
        const leave = (): void => controller.abort(new Error('The client went away, or was answered'));
        if (reply.raw.closed) leave();
        else reply.raw.once('close', leave);
        onHttp2Gone(request.raw, leave);
      }
      return abort.signal;
    },
  };
}

/**
 * What a `preParsing` hook of the host's put in the request's place breaks off when the client does. `pipe` alone leaves it
 * open, or over HTTP/2 ends it as if all had come.
 */
function brokenWith(raw: FastifyRequest['raw'], stream: Readable): Readable {
  if (stream === raw) return stream;
  onAborted(raw, () => {
    // Whoever reads it hears of it; nobody may.
    stream.on('error', () => undefined);
    stream.destroy(Object.assign(new Error('The client broke off'), { code: 'ECONNRESET' }));
  });
  return stream;
}
