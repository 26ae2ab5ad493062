import type { HttpRequest } from '@dotmac/core/http';
import type { Request, Response } from 'express';

/** Express's request in plain data. */
export function toRequest(request: Request, response: Response): HttpRequest {
  let abort: AbortController | undefined;
  return {
    method: request.method,
    path: request.baseUrl + request.path,
    mountedAt: request.baseUrl,
    params: request.params as Record<string, string>,
    query: request.query as HttpRequest['query'],
    headers: request.headers,
    remoteAddress: request.ip ?? request.socket.remoteAddress ?? '',
    // A parser of the host's ran before us when it set `body` and read the stream to its end.
    body:
      request.readableEnded && request.body !== undefined ? { parsed: request.body as unknown } : { stream: request },
    get signal() {
      if (!abort) {
        const controller = (abort = new AbortController());
        // Whoever answered: work that goes on then has nobody who waits for it.
        const leave = (): void => controller.abort(new Error('The client went away, or was answered'));
        if (response.closed) leave();
        else response.once('close', leave);
      }
      return abort.signal;
    },
  };
}
