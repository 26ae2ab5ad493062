import { createStreams, type CancelTimer, type Clock, type OpenStream, type StreamLimits } from '@dotmac/core';
import type { MaintenanceStore } from '../store/store.js';
import { resultOf } from './result.js';
import type { Run } from './run.js';
import type { RunEvent } from './schemas.js';

/** How a run is followed. */
export interface FollowAsk {
  signal?: AbortSignal | undefined;
  /** What was told last to who comes again: it is told anew only where it is the end. */
  lastEventId?: string | undefined;
}

/** Follows runs of any process, by what the store has of them. */
export interface RunFollower {
  /**
   * What a run says of itself, whenever that is news; its end is the last. Ends with the signal, and when this process
   * stops.
   * @throws STREAM_LIMIT_REACHED, STREAMS_FULL, STREAMS_ENDED
   */
  follow(run: Run, ask?: FollowAsk): AsyncIterable<RunEvent>;
  /** Takes streams again, after it was closed. */
  open(): void;
  /** Lets all streams go. */
  close(): void;
}

const askMs = 1_000;

/** What a follower of runs is made of. */
export interface RunFollowerParts {
  store: MaintenanceStore;
  clock: Clock;
  limits: StreamLimits;
}

/**
 * @see RunFollower
 * However many follow a run, it is asked for once a second; while nobody follows any, nothing is.
 */
export function createRunFollower({ store, clock, limits }: RunFollowerParts): RunFollower {
  const streams = createStreams<Run | 'gone'>(limits);
  let asking: CancelTimer | undefined;

  /** Asked for, and not answered yet: an answer that is long in coming holds up no other. */
  const awaited = new Set<string>();
  const ask = (key: string): void => {
    if (awaited.has(key)) return;
    awaited.add(key);
    const { tenantId, id } = ofKey(key);
    const answer = store.runs(tenantId).get(id);
    // A store that is out of reach for a moment ends no stream: it is asked again.
    void answer
      .then((run) => streams.tell(key, run ?? 'gone'))
      .catch(() => undefined)
      .finally(() => awaited.delete(key));
  };
  const askSoon = (): void => {
    asking ??= clock.after(askMs, () => {
      asking = undefined;
      const followed = streams.topics;
      followed.forEach(ask);
      if (followed.length > 0) askSoon();
    });
  };

  return {
    follow(run, { signal, lastEventId } = {}) {
      let latest: Run | undefined;
      const next = async (stream: OpenStream): Promise<Run | undefined> => {
        while (latest === undefined && !stream.isOver) await stream.news();
        const news = latest;
        latest = undefined;
        return news;
      };
      const following = streams.follow({
        ...{ tenantId: run.tenantId, topic: keyOf(run), signal },
        hear(word, stream) {
          if (word === 'gone') stream.end();
          else latest = word;
        },
        items: (stream) => told(run, () => next(stream), lastEventId),
      });
      askSoon();
      return following;
    },
    open: streams.open,
    close() {
      asking?.();
      asking = undefined;
      streams.close();
    },
  };
}

/** The first state, and each that differs from the one before. */
async function* told(
  first: Run,
  next: () => Promise<Run | undefined>,
  lastEventId: string | undefined,
): AsyncGenerator<RunEvent, void, undefined> {
  let toldId = lastEventId;
  for (let run: Run | undefined = first; run !== undefined; run = await next()) {
    const isOver = run.status !== 'running';
    const id = `${run.id}-${run.endedAt ?? run.progress?.updatedAt ?? run.startedAt}`;
    if (isOver || id !== toldId) yield { id, event: isOver ? 'ended' : 'progress', data: resultOf(run) };
    if (isOver) return;
    toldId = id;
  }
}

const keyOf = ({ id, tenantId }: Pick<Run, 'id' | 'tenantId'>): string => `${id}/${tenantId}`;
const ofKey = (key: string): Pick<Run, 'id' | 'tenantId'> => {
  const end = key.indexOf('/');
  return { id: key.slice(0, end), tenantId: key.slice(end + 1) };
};
