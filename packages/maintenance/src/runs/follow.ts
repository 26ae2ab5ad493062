import { createAudience, type CancelTimer, type Clock } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceStore } from '../store/store.js';
import { resultOf } from './result.js';
import type { Run } from './run.js';
import type { RunEvent } from './schemas.js';

/** Follows runs of any process, by what the store has of them. */
export interface RunFollower {
  /**
   * What a run says of itself, whenever that is news; its end is the last. Ends with the signal, and when this process
   * stops.
   * @throws RUN_STREAM_LIMIT_REACHED, RUN_STREAMS_ENDED
   */
  follow(run: Run, signal?: AbortSignal): AsyncIterable<RunEvent>;
  /** Takes streams again, after it was closed. */
  open(): void;
  /** Lets all streams go. */
  close(): void;
}

const askMs = 1_000;
/** Streams of one tenant at once, in one process. */
const mostStreams = 100;

/**
 * @see RunFollower
 * However many follow a run, it is asked for once a second; while nobody follows any, nothing is.
 */
export function createRunFollower({ store, clock }: { store: MaintenanceStore; clock: Clock }): RunFollower {
  const audience = createAudience<Run | 'gone'>();
  const openBy = new Map<string, number>();
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
      .then((run) => audience.tell(key, run ?? 'gone'))
      .catch(() => undefined)
      .finally(() => awaited.delete(key));
  };
  const askSoon = (): void => {
    asking ??= clock.after(askMs, () => {
      asking = undefined;
      const followed = [...audience.keys];
      followed.forEach(ask);
      if (followed.length > 0) askSoon();
    });
  };

  return {
    follow(run, signal) {
      const { tenantId } = run;
      if (audience.isClosed) throw maintenanceErrors.RUN_STREAMS_ENDED({});
      const open = openBy.get(tenantId) ?? 0;
      if (open >= mostStreams) throw maintenanceErrors.RUN_STREAM_LIMIT_REACHED({ limit: mostStreams });
      openBy.set(tenantId, open + 1);
      let latest: Run | undefined;
      let isOver = signal?.aborted ?? false;
      let hasLeft = false;
      let wake = (): void => undefined;
      const leave = (): void => {
        if (hasLeft) return;
        hasLeft = true;
        const left = (openBy.get(tenantId) ?? 1) - 1;
        if (left === 0) openBy.delete(tenantId);
        else openBy.set(tenantId, left);
        stopFollowing();
        signal?.removeEventListener('abort', end);
      };
      const end = (): void => {
        isOver = true;
        leave();
        wake();
      };
      const stopFollowing = audience.follow(keyOf(run), (word) => {
        if (word === null || word === 'gone') return end();
        latest = word;
        wake();
      });
      signal?.addEventListener('abort', end, { once: true });
      askSoon();
      const next = async (): Promise<Run | undefined> => {
        while (latest === undefined && !isOver) await new Promise<void>((resolve) => (wake = resolve));
        const news = latest;
        latest = undefined;
        return news;
      };
      return told(run, next, leave);
    },
    open: () => audience.open(),
    close() {
      asking?.();
      asking = undefined;
      audience.close();
    },
  };
}

/** The first state, and each that differs from the one before. */
async function* told(
  first: Run,
  next: () => Promise<Run | undefined>,
  leave: () => void,
): AsyncGenerator<RunEvent, void, undefined> {
  try {
    let toldAt = -1;
    for (let run: Run | undefined = first; run !== undefined; run = await next()) {
      const isOver = run.status !== 'running';
      const at = run.endedAt ?? run.progress?.updatedAt ?? run.startedAt;
      if (isOver || at !== toldAt)
        yield { id: `${run.id}-${at}`, event: isOver ? 'ended' : 'progress', data: resultOf(run) };
      if (isOver) return;
      toldAt = at;
    }
  } finally {
    leave();
  }
}

const keyOf = ({ id, tenantId }: Pick<Run, 'id' | 'tenantId'>): string => `${id}/${tenantId}`;
const ofKey = (key: string): Pick<Run, 'id' | 'tenantId'> => {
  const end = key.indexOf('/');
  return { id: key.slice(0, end), tenantId: key.slice(end + 1) };
};
