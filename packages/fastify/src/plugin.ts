import { createApi, type ApiOptions, type Handle, type ServedModule } from '@dotmac/core/http';
import type { FastifyError, FastifyInstance, HTTPMethods, RouteHandlerMethod } from 'fastify';
import { send } from './reply.js';
import { toRequest } from './request.js';

/** How the plugin behaves, besides how the module is served. Fastify's own `prefix` works as usual. */
export interface FastifyRoutesOptions<Scope> extends ApiOptions {
  /** What to serve: `createOperations(...)`, or one domain. */
  operations: ServedModule<Scope>;
  /** Answer unknown paths under the prefix with a 404 problem. Default false: they go to the host's own handler. */
  terminal?: boolean;
}

/**
 * The routes of a module as a Fastify 5 plugin. It is encapsulated: its body handling touches no route of the host.
 *
 * @example
 * await fastify.register(fastifyRoutes, { operations: ops, prefix: '/ops' });
 * @throws INVALID_ARGUMENT when neither the module nor the options say how to `authenticate`
 */
export async function fastifyRoutes<Scope>(
  fastify: FastifyInstance,
  options: FastifyRoutesOptions<Scope>,
): Promise<void> {
  const { operations, terminal = false, ...apiOptions } = options;
  const api = createApi(operations, apiOptions);
  // Fastify joins `/ops/` and `/notes` to `/ops/notes`, too.
  const prefix = fastify.prefix.replace(/\/$/, '');
  // The pipeline reads bodies itself, under its own limit; Fastify hands the stream through.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  const handler =
    (handle: Handle): RouteHandlerMethod =>
    async (request, reply) => {
      // Fastify takes `/things/` for `/things/:id` with nothing in it.
      const isRoute = !Object.values(request.params as object).includes('');
      return send(reply, await (isRoute ? handle : api.notFound)(toRequest(request, reply, prefix)));
    };
  for (const { method, path, handle } of api.routes)
    fastify.route({ method: method as HTTPMethods, url: toPattern(path), handler: handler(handle) });
  for (const { methods, path, handle } of api.refusals) {
    const url = toPattern(path);
    // What the host answers itself is not refused.
    const method = (methods as HTTPMethods[]).filter((it) => !fastify.hasRoute({ method: it, url: prefix + url }));
    if (method.length > 0) fastify.route({ method, url, handler: handler(handle) });
  }
  // What Fastify refuses before a handler is asked: a content type that is none, a body that it cannot pass on. What the
  // host's hooks throw goes on to the host's own handler.
  fastify.setErrorHandler<FastifyError>(async (error, request, reply) => {
    if (!String(error.code).startsWith('FST_ERR_CTP_')) throw error;
    return send(reply, await api.malformed(toRequest(request, reply, prefix)));
  });
  if (terminal)
    fastify.setNotFoundHandler(async (request, reply) =>
      send(reply, await api.notFound(toRequest(request, reply, prefix))),
    );
}

const toPattern = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');
