import { createApi, type ApiOptions, type Handle, type ServedModule } from '@dotmac/core/http';
import { Router, type ErrorRequestHandler, type RequestHandler } from 'express';
import { toRequest } from './request.js';
import { send } from './reply.js';

/** How the router behaves, besides how the module is served. */
export interface ExpressOptions extends ApiOptions {
  /** Answer paths that are none of the module's with a 404 problem. Default false: they go on to the host's own routes. */
  terminal?: boolean;
}

/**
 * The routes of a module as an Express router (Express 4 and 5). Mount it before any body parser of the host, or after
 * `express.json()`: both work, but the parser's own limit then applies.
 *
 * @example
 * app.use(expressRouter(ops));
 * app.use('/ops', expressRouter(createHealth({ store }), { authenticate }));
 * @throws INVALID_ARGUMENT when neither the module nor the options say how to `authenticate`
 */
export function expressRouter<Scope>(module: ServedModule<Scope>, options: ExpressOptions = {}): Router {
  const { terminal = false, ...apiOptions } = options;
  const api = createApi(module, apiOptions);
  const router = Router();
  const through =
    (handle: Handle): RequestHandler =>
    (request, response, next) =>
      void handle(toRequest(request, response))
        .then((answer) => send(response, answer))
        .catch(next);
  for (const { method, path, handle } of api.routes) {
    const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
    router[verb](toPattern(path), through(handle));
  }
  for (const { methods, path, handle } of api.refusals) {
    const refuse = through(handle);
    router.all(toPattern(path), (request, response, next) =>
      methods.includes(request.method === 'HEAD' ? 'GET' : request.method) ? refuse(request, response, next) : next(),
    );
  }
  if (terminal) router.use(through(api.notFound));
  // What Express refuses before a handler is asked: a path that cannot be decoded.
  const malformed: ErrorRequestHandler = (error: unknown, request, response, next) =>
    error instanceof URIError ? through(api.malformed)(request, response, next) : next(error);
  router.use(malformed);
  return router;
}

const toPattern = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');
