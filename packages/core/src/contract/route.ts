import type { z } from 'zod';
import type { ErrorFactory } from '../errors/define-errors.js';
import type { Permission } from './permission.js';

/** The HTTP methods in use. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a command is told so that it is carried out once, however often it is asked for. */
export interface OnceAsked {
  /** The same command under the same key, by the same actor, is answered as it was the first time. */
  idempotencyKey?: string | undefined;
  /** Called when the answer is that of an earlier command. */
  onReplay?: (() => void) | undefined;
}

/** What is left of an input once its schema checked it. */
export type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a route's `run` gets besides the scope: everything checked already. */
export interface RouteInput<Params, Query, Body> {
  params: Parsed<Params>;
  query: Parsed<Query>;
  body: Parsed<Body>;
  /** Aborts when the client goes away or the server stops. */
  signal: AbortSignal;
  /** The `Idempotency-Key` of a route that is `idempotent: 'by its command'`: for the command that it calls. */
  once: OnceAsked;
}

/** The asynchronous form of a route, taken when the client sends `Prefer: respond-async` (RFC 7240): 202 and a Location. */
export interface DeferredAnswer<Scope, Params, Query, Body, Output extends z.ZodType> {
  output: Output;
  location: (output: z.output<Output>) => string;
  run: (scope: Scope, input: RouteInput<Params, Query, Body>) => Promise<z.output<Output>>;
}

/** A route as it is written: one entry in a feature's `routes.ts`. Servers, the OpenAPI document and clients all read it. */
export interface RouteInit<
  Scope,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Output extends z.ZodType,
  Deferred extends z.ZodType,
> {
  /** Unique in the module, camelCase, verb first: `registerEndpoint`. The OpenAPI operation id. */
  name: string;
  method: Method;
  /** With parameters in braces: `/network-monitoring/endpoints/{id}`. */
  path: string;
  tag: string;
  /** One line, for a list of routes. */
  summary: string;
  description?: string;
  permission: Permission;
  /**
   * What this very input needs besides `permission`, e.g. the permission of a command that it names, or that was given to
   * what it names. Default nothing.
   */
  alsoNeeds?: (
    input: Pick<RouteInput<Params, Query, Body>, 'params' | 'query' | 'body'>,
    scope: Scope,
  ) => Permission | undefined | Promise<Permission | undefined>;
  params?: Params;
  query?: Query;
  /** Schemas are camelCase; on the wire their names are snake_case. Give every field with a default: an absent body is read as `{}` when the schema accepts that. */
  body?: Body;
  output: Output;
  /** For an output that is text: its media type, e.g. `text/csv`. Default: JSON. */
  text?: string;
  /** Headers of every answer that is no problem, in lower case, e.g. `content-disposition`. */
  headers?: Readonly<Record<string, string>>;
  /** Default 200. */
  status?: 200 | 201 | 202;
  /** The `Location` of what was made. */
  location?: (output: z.output<Output>) => string;
  /**
   * Honour `Idempotency-Key`: for every route that creates something. `true`: the pipeline keeps the answer, where the
   * host gave it a store. `by its command`: `run` hands `once` to a command that keeps its answer in its own transaction,
   * so that not even a crash makes it happen twice. Default false.
   */
  idempotent?: boolean | 'by its command';
  deferred?: DeferredAnswer<Scope, Params, Query, Body, Deferred>;
  /** The domain errors it may answer, besides those of the pipeline itself (400, 401, 403, 413, 415, 422, 429, 500, 503; 409 and 410 under an `Idempotency-Key`). */
  errors?: readonly ErrorFactory<never>[];
  /** One call on a service, no logic. */
  run: (scope: Scope, input: RouteInput<Params, Query, Body>) => Promise<z.output<Output>> | z.output<Output>;
}

/** A route with its input types closed over, so that routes of any input fit one array. */
export interface Route<Scope = unknown> {
  readonly name: string;
  readonly method: Method;
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string | undefined;
  /** Null for a route that is open to anybody: what it is about is found by what only those know who may ask. */
  readonly permission: Permission | null;
  alsoNeeds?(input: unknown, scope: Scope): Permission | undefined | Promise<Permission | undefined>;
  readonly params?: z.ZodObject | undefined;
  readonly query?: z.ZodObject | undefined;
  readonly body?: z.ZodType | undefined;
  readonly output: z.ZodType;
  /** How a stream of `output` is written: as server-sent events, or as a line of JSON each. */
  readonly stream?: 'events' | 'lines' | undefined;
  /** What each line of the body is, for a route whose body is lines of JSON. */
  readonly lines?: z.ZodType | undefined;
  /** The media type of an `output` that is text, and no JSON. */
  readonly text?: string | undefined;
  /** How long anybody may keep an answer, in seconds. With it come an `ETag`, and 304 for whoever has it already. */
  readonly cacheSeconds?: number | undefined;
  /** Headers of every answer that is no problem, in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly status: 200 | 201 | 202;
  location?(output: unknown): string;
  readonly idempotent: boolean | 'by its command';
  readonly deferred?:
    | { output: z.ZodType; location(output: unknown): string; run(scope: Scope, input: unknown): Promise<unknown> }
    | undefined;
  readonly errors: readonly ErrorFactory<never>[];
  run(scope: Scope, input: unknown): unknown;
}

/**
 * The constructor of a package's routes, bound to the type of its scope.
 *
 * @example
 * const route = routeFor<HealthScope>();
 * export const endpointRoutes = [
 *   route({
 *     name: 'getEndpoint', method: 'GET', path: '/network-monitoring/endpoints/{id}', tag: 'Network monitoring',
 *     summary: 'One endpoint', permission: 'health:read', params: z.object({ id: z.string() }), output: endpoint,
 *     errors: [healthErrors.ENDPOINT_NOT_FOUND], run: (health, { params }) => health.endpoints.get(params.id),
 *   }),
 * ];
 */
export function routeFor<Scope>() {
  return <
    Output extends z.ZodType,
    Params extends z.ZodObject | undefined = undefined,
    Query extends z.ZodObject | undefined = undefined,
    Body extends z.ZodType | undefined = undefined,
    Deferred extends z.ZodType = z.ZodNever,
  >(
    init: RouteInit<Scope, Params, Query, Body, Output, Deferred>,
  ): Route<Scope> => ({ status: 200, idempotent: false, errors: [], ...init }) as unknown as Route<Scope>;
}

/** The same routes, reached through a larger scope: `createOperations` joins its domains with it. */
export function routesWithin<Outer, Inner>(
  routes: readonly Route<Inner>[],
  select: (outer: Outer) => Inner,
): Route<Outer>[] {
  return routes.map(({ deferred, alsoNeeds, ...route }) => ({
    ...route,
    ...(alsoNeeds && { alsoNeeds: (input: unknown, scope: Outer) => alsoNeeds(input, select(scope)) }),
    run: (scope: Outer, input: unknown) => route.run(select(scope), input),
    deferred: deferred && { ...deferred, run: (scope: Outer, input: unknown) => deferred.run(select(scope), input) },
  }));
}
