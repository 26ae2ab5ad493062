import type { Registry } from 'prom-client';
import { systemClock, type Clock } from '../clock.js';
import { coreErrors } from '../errors/core-errors.js';
import type { OperationError } from '../errors/operation-error.js';
import { silentLogger, type Logger } from '../logger.js';
import type { Module } from '../module.js';
import type { Authenticate } from './authenticate.js';
import { documentRoutes, type DocumentInfo } from './docs/routes.js';
import { header, type HttpRequest } from './exchange.js';
import { handleOpen, handleRoute, refuseAll, type Handle } from './handle.js';
import type { Pipeline } from './pipeline.js';
import { createIdempotency } from './idempotency.js';
import type { IdempotencyStore } from './idempotency-store.js';
import { createLimiter, type RateLimit } from './limit.js';
import { requestMetrics } from './metrics.js';
import { operationalRoutes } from './operational-routes.js';
import { unservedMethods } from './unserved-methods.js';

/** How a module is served. */
export interface ApiOptions {
  /** The host's authentication; required, here or on the module. */
  authenticate?: Authenticate;
  /** Requests per principal and per client address; `false` for none. Default 600 and 6000 a minute. */
  rateLimits?: { principal?: RateLimit | false; address?: RateLimit | false };
  /** Largest request body. Default 1 MiB. */
  bodyLimitBytes?: number;
  /**
   * Where answers to an `Idempotency-Key` are kept, of routes whose command does not keep its own. Without it they ignore
   * the header, and have none in the OpenAPI document. `createOperations` gives one on its database.
   */
  idempotency?: IdempotencyStore;
  /** How long an answer can be replayed, in seconds. Default 86400. */
  idempotencyRetentionSeconds?: number;
  /** Told of what fails on our side; a pino instance fits as it is. Default silence. */
  logger?: Logger;
  /** Measures limits and retention. Default the system's. */
  clock?: Clock;
  /** The host's prom-client registry. With it come request metrics and `GET /metrics`. Default none. */
  metrics?: Registry;
  /** Serve `/livez`, `/readyz` and `/metrics`. Default true; once in an application is enough. */
  operational?: boolean;
  /** What `/openapi.json` says of this API: under a prefix, its `serverUrl`. `false` leaves it and `/docs` out. */
  document?: DocumentInfo | false;
  /** For tests: an answer that breaks its own contract (undeclared error, wrong shape) becomes an error. Default false. */
  verify?: boolean;
}

/** A module that brings its own way of being served; what `createOperations` makes. */
export interface ServedModule<Scope = unknown> extends Module<Scope> {
  readonly http?: ApiOptions;
}

/** One path that an adapter registers. */
export interface ApiRoute {
  method: string;
  /** With parameters in braces: `/things/{id}`. */
  path: string;
  handle: Handle;
}

/** Methods that a path of the routes does not take. */
export interface ApiRefusal {
  methods: string[];
  path: string;
  handle: Handle;
}

/** All that an adapter needs: loop over `routes` and `refusals`, translate, done. */
export interface Api {
  routes: ApiRoute[];
  /** The answers to methods that a path does not take: 405, with `Allow`. Of OPTIONS there is none. */
  refusals: ApiRefusal[];
  /** The answer for a path that is none of them. */
  notFound: Handle;
  /** The answer for a request that the framework could not read, e.g. `%zz` in its path. */
  malformed: Handle;
}

const defaults = { principal: { requests: 600 }, address: { requests: 6_000 } };

/**
 * Serves a module's routes, `/openapi.json`, `/docs`, `/livez`, `/readyz` and `/metrics` in plain data; the adapters
 * for Express and Fastify put it on a server.
 * @throws INVALID_ARGUMENT without `authenticate`
 */
export function createApi<Scope>(module: ServedModule<Scope>, options: ApiOptions = {}): Api {
  const given = { ...module.http, ...options };
  const { authenticate, rateLimits = {}, logger = silentLogger, clock = systemClock, metrics, document } = given;
  const operational = given.operational ?? true;
  const retentionMs = (given.idempotencyRetentionSeconds ?? 86_400) * 1_000;
  if (!authenticate)
    throw coreErrors.INVALID_ARGUMENT({
      argument: 'authenticate',
      reason: 'say who is asking: (request) => Principal | null',
    });
  const limiter = (name: keyof typeof defaults) => {
    const limit = rateLimits[name] ?? defaults[name];
    return limit && createLimiter(name, limit, clock);
  };
  const pipeline: Pipeline<Scope> = {
    authenticate,
    scope: (init) => module.scope(init),
    open: module.open,
    limitPrincipal: limiter('principal'),
    limitAddress: limiter('address'),
    bodyLimitBytes: given.bodyLimitBytes ?? 1_048_576,
    idempotently: given.idempotency && createIdempotency({ store: given.idempotency, clock, logger, retentionMs }),
    clock,
    logger,
    observe: metrics && requestMetrics(metrics),
    verify: given.verify ?? false,
  };
  const open = [
    ...(operational ? operationalRoutes(module, metrics) : []),
    ...(document === false ? [] : documentRoutes(module.routes, document, given.idempotency !== undefined)),
  ];
  const routes: ApiRoute[] = [
    ...module.routes.map((route) => ({
      method: route.method,
      path: route.path,
      handle: handleRoute(route, pipeline),
    })),
    ...open.map((route) => ({ method: 'GET', path: route.path, handle: handleOpen(route, pipeline) })),
  ];
  return {
    routes,
    refusals: unservedMethods(routes).map(({ path, allowed, unserved }) => ({
      methods: unserved,
      path,
      handle: refuseAll(
        pipeline,
        (request) => coreErrors.METHOD_NOT_ALLOWED({ method: request.method, path: request.path, allowed }),
        { allow: allowed.join(', ') },
      ),
    })),
    notFound: refuseAll(pipeline, ({ method, path }) => coreErrors.ROUTE_NOT_FOUND({ method, path })),
    malformed: refuseAll(pipeline, unreadable),
  };
}

function unreadable(request: HttpRequest): OperationError {
  const given = header(request, 'content-type');
  const isMediaType = given === undefined || /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;|$)/.test(given);
  return isMediaType ? coreErrors.MALFORMED_REQUEST({}) : coreErrors.UNSUPPORTED_MEDIA_TYPE({ given });
}
