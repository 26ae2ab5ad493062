import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { HttpResponse } from '@dotmac/core/http';
import type { Response } from 'express';

/** Sends a plain answer, past Express's own ETag and content negotiation: the pipeline has decided already. */
export function send(response: Response, { status, headers, body }: HttpResponse): void {
  // Middleware of the host's has answered meanwhile, e.g. with a timeout of its own.
  if (response.headersSent) return;
  if (isStream(body)) {
    response.writeHead(status, headers);
    // Whoever goes away ends it: there is nobody left to tell.
    pipeline(Readable.from(body), response).catch(() => undefined);
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  // 304 would tell the length of what the client has.
  response.writeHead(status, status === 304 ? headers : { ...headers, 'content-length': bytes.length });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

function isStream(body: HttpResponse['body']): body is AsyncIterable<string> {
  return typeof body === 'object' && Symbol.asyncIterator in body;
}
