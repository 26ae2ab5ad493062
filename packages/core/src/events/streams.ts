import { coreErrors } from '../errors/core-errors.js';
import { createStreamPlaces, type StreamLimits } from './stream-places.js';

/** A stream that somebody reads, as its items see it. */
export interface OpenStream {
  /** Whether nothing more is to come: it was left, its signal ended it, or the streams were closed. */
  readonly isOver: boolean;
  /** Waits until something was told, or the stream is over. What was told since the last time is not waited for. */
  news(): Promise<void>;
  /** Ends it and gives back its place; what its items still hold can be read. */
  end(): void;
}

/** What to stream, and to whom. */
export interface StreamAsk<Word, Item> {
  /** Whose place it takes. */
  tenantId: string;
  /** What it is about: it hears all that is told about that. */
  topic: string;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
  /** Called with every word, before those who wait for news go on. */
  hear?: (word: Word, stream: OpenStream) => void;
  /** What the reader gets, in order, until it returns. Called once, at once. */
  items: (stream: OpenStream) => AsyncIterator<Item>;
}

/** The streams of one process: who follows what. */
export interface Streams<Word> {
  /**
   * Opens a stream. Its place is given back when its items end or break, when its reader leaves, whether or not anything
   * was read, when its signal is aborted, though that was so before, and when the streams are closed.
   * @throws STREAM_LIMIT_REACHED, STREAMS_FULL, STREAMS_ENDED
   */
  follow<Item>(ask: StreamAsk<Word, Item>): AsyncIterableIterator<Item>;
  /** Tells all who follow a topic. */
  tell(topic: string, word: Word): void;
  /** What is followed by anybody. */
  readonly topics: readonly string[];
  /** Takes streams again, after they were closed. */
  open(): void;
  /** Ends every stream, and takes none until it is opened again. */
  close(): void;
}

/**
 * Makes the streams of a process, none of them open.
 * @throws INVALID_ARGUMENT when a limit is no whole number
 */
export function createStreams<Word>(limits: StreamLimits = {}): Streams<Word> {
  const places = createStreamPlaces(limits);
  /** Those who follow each topic, and what ends all. */
  const followers = new Map<string, Set<(word: Word) => void>>();
  const endings = new Set<() => void>();
  let isClosed = false;

  const listen = (topic: string, listener: (word: Word) => void): (() => void) => {
    const own = followers.get(topic) ?? new Set();
    followers.set(topic, own.add(listener));
    return () => {
      own.delete(listener);
      if (own.size === 0 && followers.get(topic) === own) followers.delete(topic);
    };
  };

  return {
    follow({ tenantId, topic, signal, hear, items }) {
      if (isClosed) throw coreErrors.STREAMS_ENDED({});
      const leavePlace = places.take(tenantId);
      let [isOver, isNews] = [false, false];
      let wake = (): void => undefined;
      const beat = (): void => {
        isNews = true;
        wake();
      };
      const end = (): void => {
        if (isOver) return;
        isOver = true;
        leavePlace();
        stopListening();
        endings.delete(end);
        signal?.removeEventListener('abort', end);
        beat();
      };
      const stream: OpenStream = {
        get isOver() {
          return isOver;
        },
        async news() {
          if (!isNews && !isOver) await new Promise<void>((resolve) => (wake = resolve));
          isNews = false;
        },
        end,
      };
      const stopListening = listen(topic, (word) => {
        hear?.(word, stream);
        beat();
      });
      endings.add(end);
      // One that is aborted already tells nobody any more.
      if (signal?.aborted) end();
      else signal?.addEventListener('abort', end, { once: true });
      return endingWith(items(stream), end);
    },
    tell(topic, word) {
      for (const listener of [...(followers.get(topic) ?? [])]) listener(word);
    },
    get topics() {
      return [...followers.keys()];
    },
    open: () => void (isClosed = false),
    close() {
      isClosed = true;
      for (const end of [...endings]) end();
    },
  };
}

/**
 * The same items, with a word when they are over. A generator’s own `finally` is no such word: it does not run where
 * nothing was ever read.
 */
function endingWith<Item>(items: AsyncIterator<Item>, end: () => void): AsyncIterableIterator<Item> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const next = await items.next();
        if (next.done) end();
        return next;
      } catch (error) {
        end();
        throw error;
      }
    },
    // Ended first: items that wait for news would not be left before there are some.
    async return() {
      end();
      return (await items.return?.()) ?? { done: true, value: undefined };
    },
    async throw(error: unknown) {
      end();
      if (!items.throw) throw error;
      return items.throw(error);
    },
  };
}
