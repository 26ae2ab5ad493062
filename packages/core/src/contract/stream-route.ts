import type { z } from 'zod';
import type { InputIssue } from '../errors/operation-error.js';
import type { Parsed, Route, RouteInit, RouteInput } from './route.js';

/** One line of a request's body, checked or refused; the others are read all the same. */
export type LineResult<Value> = { line: number } & ({ ok: true; value: Value } | { ok: false; issues: InputIssue[] });

/** What the `run` of a stream gets besides. */
export interface StreamInput<Params, Query, Lines> extends RouteInput<Params, Query, undefined> {
  /** The body, line by line, as it comes; empty for a route that takes none. */
  lines: AsyncIterable<LineResult<Parsed<Lines>>>;
  /** Where a client of an event stream wants to go on: the `Last-Event-ID` that it sent. */
  lastEventId: string | undefined;
}

/** A route that answers with a stream, as it is written. */
export interface StreamRouteInit<
  Scope,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Lines extends z.ZodType | undefined,
  Item extends z.ZodType,
> extends Pick<
  RouteInit<Scope, Params, Query, undefined, Item, z.ZodNever>,
  'name' | 'method' | 'path' | 'tag' | 'summary' | 'description' | 'permission' | 'params' | 'query' | 'errors'
> {
  stream: 'events' | 'lines';
  /** Each item: of events, an object with `id`, `event` and `data`. */
  output: Item;
  lines?: Lines;
  /** What it throws before it gives an iterable is answered as a problem; what comes afterwards ends the stream. */
  run: (
    scope: Scope,
    input: StreamInput<Params, Query, Lines>,
  ) => Promise<AsyncIterable<z.output<Item>>> | AsyncIterable<z.output<Item>>;
}

/** The constructor of routes that answer with a stream. */
export function streamRouteFor<Scope>() {
  return <
    Item extends z.ZodType,
    Params extends z.ZodObject | undefined = undefined,
    Query extends z.ZodObject | undefined = undefined,
    Lines extends z.ZodType | undefined = undefined,
  >(
    init: StreamRouteInit<Scope, Params, Query, Lines, Item>,
  ): Route<Scope> => ({ status: 200, idempotent: false, errors: [], ...init }) as unknown as Route<Scope>;
}
