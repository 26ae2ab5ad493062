import type { AnyEvent } from '@dotmac/core';
import type { HealthContext } from '../context.js';
import { healthErrors } from '../errors.js';
import type { HealthEvents } from '../events.js';
import { notice, streamedAs, type StreamedEvent, type StreamFilter } from './streamed-event.js';

/** What a follower asks for. */
export interface FollowAsk extends Partial<StreamFilter> {
  /** Go on after this event. When it is not known any more, the first that comes is a `reset`. */
  lastEventId?: string | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
}

/** Follows one tenant's events as they happen. */
export interface StreamService {
  /**
   * What happens, in this process, after it was committed. One who reads too slowly is told `overflow` and let go.
   * @throws STREAM_LIMIT_REACHED, STREAMS_ENDED (this process has stopped)
   *
   * @example
   * for await (const { event, data } of scope.stream.follow({ signal })) show(event, data);
   */
  follow(ask?: FollowAsk): AsyncIterable<StreamedEvent>;
}

const mostStreams = 100;
/** What waits for a reader; beyond, it is too slow. */
const mostWaiting = 1_000;

/** The stream of one scope. */
export function streamService({ hub, clock }: HealthContext, tenantId: string): StreamService {
  return {
    follow({ lastEventId, signal, ...filter } = {}) {
      if (hub.isClosed) throw healthErrors.STREAMS_ENDED({});
      if (hub.followersOf(tenantId) >= mostStreams) throw healthErrors.STREAM_LIMIT_REACHED({ limit: mostStreams });
      const isAsked = ({ name, subject }: AnyEvent<HealthEvents>): boolean =>
        (filter.event === undefined || filter.event === name) &&
        (filter.endpointId === undefined || filter.endpointId === subject);
      const waiting: StreamedEvent[] = [];
      let isOver = signal?.aborted ?? false;
      let wake = (): void => undefined;
      const missed = hub.since(tenantId, lastEventId);
      if (missed) waiting.push(...missed.filter(isAsked).map(streamedAs));
      else waiting.push(notice('reset', clock.now(), undefined));
      const leave = hub.follow(tenantId, (event) => {
        if (event === null) isOver = true;
        else if (isAsked(event)) waiting.push(streamedAs(event));
        if (waiting.length > mostWaiting) {
          waiting.splice(0, Infinity, notice('overflow', clock.now(), undefined));
          isOver = true;
        }
        if (isOver) leave();
        wake();
      });
      const onAbort = (): void => {
        isOver = true;
        leave();
        wake();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      return drained(waiting, {
        isOver: () => isOver,
        more: () => new Promise((resolve) => (wake = resolve)),
        leave() {
          leave();
          signal?.removeEventListener('abort', onAbort);
        },
      });
    },
  };
}

async function* drained(
  waiting: StreamedEvent[],
  { isOver, more, leave }: { isOver(): boolean; more(): Promise<void>; leave(): void },
): AsyncGenerator<StreamedEvent> {
  try {
    for (;;) {
      for (let next = waiting.shift(); next; next = waiting.shift()) yield next;
      if (isOver()) return;
      await more();
    }
  } finally {
    leave();
  }
}
