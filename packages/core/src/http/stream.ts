import type { Clock } from '../clock.js';
import { problemOf, problemSchema } from '../contract/problem.js';
import type { Route } from '../contract/route.js';
import { wireOf } from '../contract/wire.js';
import { coreErrors } from '../errors/core-errors.js';
import { describeError } from '../errors/describe-error.js';
import { isOperationError } from '../errors/operation-error.js';
import { newId } from '../ids.js';
import type { Logger } from '../logger.js';
import type { HttpResponse } from './exchange.js';
import { readAhead } from './read-ahead.js';
import { silent, withSilences } from './silences.js';
import { started } from './started.js';
import { verifyError, verifyOutput } from './verify.js';

/**
 * Answers to lines that wait for a client that reads none before it has sent all: as many as 100,000 lines get, unless
 * they are long. Without it both would wait for the other. Beyond, lines are read as fast as their answers are.
 */
const mostAhead = 16 * 2 ** 20;
/** Proxies close what is silent for a minute. */
const heartbeatMs = 15_000;

/** How one kind of stream is written. */
interface Format {
  mediaType: string;
  item(json: string, value: unknown): string;
  problem(json: string): string;
  /** Said while nothing else is, to keep the connection. */
  silence?: string;
}

const formats: Readonly<Record<'events' | 'lines', Format>> = {
  lines: {
    mediaType: 'application/x-ndjson; charset=utf-8',
    item: (json) => `${json}\n`,
    problem: (json) => `{"problem":${json}}\n`,
  },
  // https://html.spec.whatwg.org/multipage/server-sent-events.html
  events: {
    mediaType: 'text/event-stream; charset=utf-8',
    item(json, value) {
      const { id, event } = value as { id?: string; event: string };
      return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`;
    },
    problem: (json) => `event: problem\ndata: ${json}\n\n`,
    silence: ':\n\n',
  },
};

const problemWire = wireOf(problemSchema);

/** Turns what a stream's route gives into an answer. A fault on the way is told as the last item. */
export function createStreamer<Scope>(
  route: Route<Scope>,
  { verify, clock, logger }: { verify: boolean; clock: Clock; logger: Logger },
) {
  const wire = wireOf(route.output);
  const { mediaType, item, problem, silence } = formats[route.stream ?? 'lines'];
  const tell = (error: unknown): string => {
    const requestId = newId();
    if (verify) verifyError(route, error);
    const told = isOperationError(error) ? error : coreErrors.INTERNAL({});
    if (told !== error) logger.error({ requestId, route: route.path, ...describeError(error) }, 'a stream broke');
    return problem(problemWire.write(problemOf(told, requestId)));
  };
  async function* written(items: AsyncIterable<unknown>): AsyncGenerator<string> {
    try {
      // Heads go out with the first piece of a body: a client of events is not to wait for one to happen.
      if (silence !== undefined) yield silence;
      for await (const value of silence === undefined ? items : withSilences(items, clock, heartbeatMs)) {
        if (value === silent) yield silence ?? '';
        else {
          if (verify) verifyOutput(route, route.output, value);
          yield item(wire.write(value), value);
        }
      }
    } catch (error) {
      yield tell(error);
    }
  }
  return (items: AsyncIterable<unknown>): HttpResponse => {
    const pieces = written(started(items));
    return {
      status: 200,
      // A proxy or a compressing middleware would hold back what is to be seen at once.
      headers: { 'content-type': mediaType, 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' },
      body: route.lines ? readAhead(pieces, mostAhead) : pieces,
    };
  };
}
