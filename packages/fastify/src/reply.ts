import { Readable } from 'node:stream';
import type { HttpResponse } from '@dotmac/core/http';
import type { FastifyReply } from 'fastify';
import { onHttp2Gone } from './on-aborted.js';

/** Sends a plain answer. A string skips Fastify's serialisation, and bytes that many share are not copied. */
export function send(reply: FastifyReply, { status, headers, body }: HttpResponse): FastifyReply {
  if (typeof body === 'object' && Symbol.asyncIterator in body) {
    const stream = Readable.from(body);
    onHttp2Gone(reply.request.raw, () => stream.destroy());
    return reply.code(status).headers(headers).send(stream);
  }
  const isCopied = typeof body !== 'string' && !Buffer.isBuffer(body);
  return reply
    .code(status)
    .headers(headers)
    .send(isCopied ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : body);
}
