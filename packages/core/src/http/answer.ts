import type { Route } from '../contract/route.js';
import { wireOf } from '../contract/wire.js';
import { cacheable } from './cacheable.js';
import { header, type HttpRequest, type HttpResponse } from './exchange.js';
import type { Pipeline } from './pipeline.js';
import type { CheckedInput } from './input.js';
import { respondJson } from './respond.js';
import { answerStreamHead } from './stream-head.js';
import { createStreamer } from './stream.js';
import { verifyOutput } from './verify.js';

/**
 * Runs a route and renders what it gives; the deferred form where the route has one and the client prefers it.
 */
export function createAnswerer<Scope>(
  route: Route<Scope>,
  { verify, clock, logger }: Pick<Pipeline<Scope>, 'verify' | 'clock' | 'logger'>,
) {
  const [wire, deferredWire] = [wireOf(route.output), route.deferred && wireOf(route.deferred.output)];
  const { deferred } = route;
  const stream = route.stream && createStreamer(route, { verify, clock, logger });
  return async (scope: Scope, input: CheckedInput, request: HttpRequest): Promise<HttpResponse> => {
    if (deferred && deferredWire && prefersAsync(request)) {
      const output = await deferred.run(scope, input);
      if (verify) verifyOutput(route, deferred.output, output);
      const headers = {
        location: request.mountedAt + deferred.location(output),
        'preference-applied': 'respond-async',
      };
      return respondJson(202, deferredWire.write(output), headers);
    }
    if (stream) {
      const open = async (signal: AbortSignal) =>
        (await route.run(scope, { ...input, signal })) as AsyncIterable<unknown>;
      return request.method === 'HEAD' ? answerStreamHead(open, stream) : stream(await open(input.signal));
    }
    const output = await route.run(scope, input);
    if (verify) verifyOutput(route, route.output, output);
    if (route.text !== undefined) {
      const headers = { 'content-type': route.text, 'cache-control': 'no-cache', ...route.headers };
      return cacheable(route, request, { status: 200, headers, body: output as string });
    }
    const location = route.location && { location: request.mountedAt + route.location(output) };
    const answer = respondJson(route.status, wire.write(output), { ...route.headers, ...location });
    return cacheable(route, request, answer);
  };
}

/** `Prefer: respond-async`, alone or among others (RFC 7240, 4.1). */
function prefersAsync(request: HttpRequest): boolean {
  return (header(request, 'prefer') ?? '').split(/[,;]/).some((it) => it.trim().toLowerCase() === 'respond-async');
}
