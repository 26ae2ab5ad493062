import type { HttpResponse } from '@dotmac/core/http';
import type { Response } from 'express';

/** Sends a plain answer, past Express's own ETag and content negotiation: the pipeline has decided already. */
export function send(response: Response, { status, headers, body }: HttpResponse): void {
  // Middleware of the host's has answered meanwhile, e.g. with a timeout of its own.
  if (response.headersSent) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}
