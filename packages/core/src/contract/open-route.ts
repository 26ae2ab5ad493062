import type { z } from 'zod';
import type { Route, RouteInit } from './route.js';

/** A route that is open to anybody, as it is written. Its `run` gets the module's {@link Module.open}, and no tenant. */
export interface OpenRouteInit<
  Open,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Output extends z.ZodType,
> extends Pick<
  RouteInit<Open, Params, Query, Body, Output, z.ZodNever>,
  | 'name'
  | 'method'
  | 'path'
  | 'tag'
  | 'summary'
  | 'description'
  | 'params'
  | 'query'
  | 'body'
  | 'output'
  | 'errors'
  | 'run'
> {
  /** For an output that is text: its media type, e.g. `image/svg+xml`. Default: JSON. */
  text?: string;
  /** How long anybody may keep an answer, in seconds; it then has an `ETag` too. Default: not at all. */
  cacheSeconds?: number;
  /** Headers of every answer that is no problem, in lower case, e.g. `content-security-policy`. */
  headers?: Readonly<Record<string, string>>;
}

/** The constructor of routes that are open to anybody, bound to what their module has for them. */
export function openRouteFor<Scope, Open>() {
  return <
    Output extends z.ZodType,
    Params extends z.ZodObject | undefined = undefined,
    Query extends z.ZodObject | undefined = undefined,
    Body extends z.ZodType | undefined = undefined,
  >(
    init: OpenRouteInit<Open, Params, Query, Body, Output>,
  ): Route<Scope> =>
    ({ status: 200, idempotent: false, errors: [], permission: null, ...init }) as unknown as Route<Scope>;
}
