import { z } from 'zod';
import type { OnceAsked, Route } from '../contract/route.js';
import type { LineResult } from '../contract/stream-route.js';
import { invalidInput, wireOf } from '../contract/wire.js';
import type { InputIssue } from '../errors/operation-error.js';
import { header, type HttpRequest } from './exchange.js';
import { createLineReader } from './lines.js';
import { readJsonBody } from './parse.js';

const longestEventId = 200;
const nothing = z.object({});
/**
 * What is sent to be heeded, as in `?dry_run=true`, is refused by a route that changes something and would not heed it. Not so
 * by one that is open to anybody: it is called by forms and by whatever pings, which send something of their own.
 */
const noneOf = ({ method, permission }: Pick<Route, 'method' | 'permission'>) =>
  method === 'GET' || permission === null ? undefined : nothing;

/** A request's input, checked against its route. */
export interface CheckedInput {
  params: unknown;
  query: unknown;
  body: unknown;
  readonly signal: AbortSignal;
  once: OnceAsked;
  readonly lines?: AsyncIterable<LineResult<unknown>>;
  readonly lastEventId?: string | undefined;
}

/**
 * Reads and checks what a route takes. Every fault of path, query and body is named at once.
 * @returns a function that yields the input for `run`, and the body as it was sent (for the idempotency fingerprint)
 */
export function createInputReader<Scope>(route: Route<Scope>, bodyLimitBytes: number) {
  const reader = (schema: z.ZodType | undefined) => {
    if (!schema) return () => undefined;
    const wire = wireOf(schema);
    return (value: unknown, issues: InputIssue[]): unknown => {
      const result = wire.parse(value);
      if (result.ok) return result.value;
      issues.push(...result.issues);
      return undefined;
    };
  };
  const readParams = reader(route.params);
  const readQuery = reader(route.query ?? noneOf(route));
  const bodySchema = route.body ?? (route.lines ? undefined : noneOf(route));
  const readBody = reader(bodySchema);
  const readLines = createLineReader(route.lines);
  return async (request: HttpRequest): Promise<{ sent: unknown; input: CheckedInput }> => {
    const sent = bodySchema && (await readJsonBody(request, bodyLimitBytes, route.body ? 'json' : 'nothing'));
    const issues: InputIssue[] = [];
    const params = readParams(request.params, issues);
    const query = readQuery(request.query, issues);
    const body = readBody(sent ?? {}, issues);
    if (issues.length > 0) throw invalidInput(issues);
    // A getter: most routes never look at the signal, and making one costs the adapter a listener.
    return {
      sent: route.body && sent,
      input: {
        params,
        query: route.query && query,
        body: route.body && body,
        once: {},
        get signal() {
          return request.signal;
        },
        ...(route.stream && {
          lines: readLines(request),
          lastEventId: header(request, 'last-event-id')?.slice(0, longestEventId),
        }),
      },
    };
  };
}
