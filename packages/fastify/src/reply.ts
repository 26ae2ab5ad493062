import type { HttpResponse } from '@dotmac/core/http';
import type { FastifyReply } from 'fastify';

/** Sends a plain answer. A string skips Fastify's serialisation. */
export function send(reply: FastifyReply, { status, headers, body }: HttpResponse): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(typeof body === 'string' ? body : Buffer.from(body));
}
