import type { AnyEvent, OpenStream } from '@dotmac/core';
import type { HealthContext } from '../context.js';
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
   * @throws STREAM_LIMIT_REACHED, STREAMS_FULL, STREAMS_ENDED (this process has stopped)
   *
   * @example
   * for await (const { event, data } of scope.stream.follow({ signal })) show(event, data);
   */
  follow(ask?: FollowAsk): AsyncIterable<StreamedEvent>;
}

/** What waits for a reader; beyond, it is too slow. */
const mostWaiting = 1_000;

/** The stream of one scope. */
export function streamService({ hub, streams, clock }: HealthContext, tenantId: string): StreamService {
  return {
    follow({ lastEventId, signal, ...filter } = {}) {
      const isAsked = ({ name, subject }: AnyEvent<HealthEvents>): boolean =>
        (filter.event === undefined || filter.event === name) &&
        (filter.endpointId === undefined || filter.endpointId === subject);
      const waiting: StreamedEvent[] = [];
      const missed = hub.since(tenantId, lastEventId);
      if (missed) waiting.push(...missed.filter(isAsked).map(streamedAs));
      else waiting.push(notice('reset', clock.now(), undefined));
      return streams.follow({
        ...{ tenantId, topic: tenantId, signal },
        hear(event, stream) {
          if (isAsked(event)) waiting.push(streamedAs(event));
          if (waiting.length <= mostWaiting) return;
          waiting.splice(0, Infinity, notice('overflow', clock.now(), undefined));
          stream.end();
        },
        items: (stream) => drained(waiting, stream),
      });
    },
  };
}

async function* drained(waiting: StreamedEvent[], stream: OpenStream): AsyncGenerator<StreamedEvent> {
  for (;;) {
    for (let next = waiting.shift(); next; next = waiting.shift()) yield next;
    if (stream.isOver) return;
    await stream.news();
  }
}
