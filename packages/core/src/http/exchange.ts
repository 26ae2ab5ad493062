import type { Readable } from 'node:stream';

/** A request in plain data: what an adapter makes of its framework's own. */
export interface HttpRequest {
  method: string;
  /** The path as it was asked for, without the query. */
  path: string;
  /** The prefix that the host mounted the API under, e.g. `/ops`; empty at the root. */
  mountedAt: string;
  /** Path parameters, decoded. */
  params: Record<string, string>;
  query: Record<string, string | string[] | undefined>;
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>;
  /** The client's address as the framework sees it (its trust-proxy setting applies). */
  remoteAddress: string;
  /** The unread body, or what the host's own parser made of it. */
  body: { stream: Readable } | { parsed: unknown };
  /** Aborts when the client goes away, and when it was answered, be it by the host. */
  readonly signal: AbortSignal;
}

/** An answer in plain data. */
export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  /** Text or bytes, or a stream of text: whoever sends it reads no faster than the client does, and ends it when that goes. */
  body: string | Uint8Array | AsyncIterable<string>;
}

/** One header's value; the first where it was sent several times. */
export function header(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
