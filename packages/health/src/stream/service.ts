import type { AnyEvent, OpenStream } from '@dotmac/core';
import type { HealthContext } from '../context.js';
import { healthEvents, type HealthEvents } from '../events.js';
import type { SeenEvent } from './event-tail.js';
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
   * What happens, in whatever process on the store, after it was committed: in this one at once, in others within a
   * second or so; what was committed within the last second may be among it. All processes tell the same events in the
   * same order, so that one goes on where another ended. One who reads too slowly is told `overflow` and let go.
   * @throws STREAM_LIMIT_REACHED, STREAMS_FULL, STREAMS_ENDED (this process has stopped)
   *
   * @example
   * for await (const { event, data } of scope.stream.follow({ signal })) show(event, data);
   */
  follow(ask?: FollowAsk): AsyncIterable<StreamedEvent>;
}

/** What waits for a reader, or was missed; beyond, it is too slow, or was away for too long. */
const mostWaiting = 1_000;

/** The stream of one scope. */
export function streamService({ store, streams, clock }: HealthContext, tenantId: string): StreamService {
  return {
    follow({ lastEventId, signal, ...filter } = {}) {
      const isAsked = ({ name, subject }: AnyEvent<HealthEvents>): boolean =>
        (filter.event === undefined || filter.event === name) &&
        (filter.endpointId === undefined || filter.endpointId === subject);
      let waiting: SeenEvent[] = [];
      let [isOverflowing, toldUntil] = [false, 0];
      async function* missed(eventId: string): AsyncGenerator<StreamedEvent> {
        const [last, ...found] = (await store.tenantEventsFrom(tenantId, eventId, mostWaiting + 2)) ?? [];
        if (!last || found.length > mostWaiting) return yield notice('reset', clock.now(), undefined);
        for (const { event: stored } of found) {
          const event = healthEvents.parse(stored);
          if (event && isAsked(event)) yield streamedAs(event);
        }
        // This process may hear of them later than the one that told of the last.
        toldUntil = (found.at(-1) ?? last).position;
      }
      async function* told(stream: OpenStream): AsyncGenerator<StreamedEvent> {
        if (lastEventId !== undefined) yield* missed(lastEventId);
        for (;;) {
          for (let next = waiting.shift(); next; next = waiting.shift())
            if (next.position > toldUntil) yield streamedAs(next.event);
          if (isOverflowing) yield notice('overflow', clock.now(), undefined);
          if (stream.isOver) return;
          await stream.news();
        }
      }
      return streams.follow({
        ...{ tenantId, topic: tenantId, signal },
        hear(seen, stream) {
          if (isAsked(seen.event)) waiting.push(seen);
          if (waiting.length <= mostWaiting) return;
          waiting = [];
          isOverflowing = true;
          stream.end();
        },
        items: told,
      });
    },
  };
}
