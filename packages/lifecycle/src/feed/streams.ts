import { createAudience, type Audience, type CancelTimer, type Clock } from '@dotmac/core';
import { lifecycleErrors } from '../errors.js';
import { createPulse, type Pulse } from './pulse.js';

/** Streams of one tenant at once, in one process. */
const mostStreams = 100;
/** How soon commits of other processes are seen. */
const pollMs = 1_000;

/** A stream that somebody reads. */
export interface OpenStream {
  /** Beats when there may be something new, and when it is over. */
  readonly pulse: Pulse;
  isOver(): boolean;
  leave(): void;
}

/** The streams of this process: who waits for what, and when to look. */
export interface Streams {
  /**
   * Opens a stream about something of a tenant, which ends with the signal and with the streams themselves.
   * @throws STREAM_LIMIT_REACHED, STREAMS_ENDED
   */
  join(tenantId: string, topic: string, signal?: AbortSignal): OpenStream;
  /** Says that something happened here. */
  happened(tenantId: string, topic: string): void;
  start(): void;
  stop(): void;
}

/** Makes the streams of a process. What others commit is looked for every second. */
export function createStreams(clock: Clock): Streams {
  const audience: Audience<'news'> = createAudience();
  const openBy = new Map<string, number>();
  let cancel: CancelTimer = () => undefined;
  const poll = (): void => {
    cancel = clock.after(pollMs, () => {
      for (const topic of audience.keys) audience.tell(topic, 'news');
      poll();
    });
  };
  return {
    join(tenantId, topic, signal) {
      if (audience.isClosed) throw lifecycleErrors.STREAMS_ENDED({});
      const open = openBy.get(tenantId) ?? 0;
      if (open >= mostStreams) throw lifecycleErrors.STREAM_LIMIT_REACHED({ limit: mostStreams });
      openBy.set(tenantId, open + 1);
      const pulse = createPulse();
      let isOver = signal?.aborted ?? false;
      const end = (): void => {
        isOver = true;
        leave();
        pulse.beat();
      };
      const stopFollowing = audience.follow(`${tenantId}/${topic}`, (word) => (word === null ? end() : pulse.beat()));
      let hasLeft = false;
      const leave = (): void => {
        if (hasLeft) return;
        hasLeft = true;
        const left = (openBy.get(tenantId) ?? 1) - 1;
        if (left === 0) openBy.delete(tenantId);
        else openBy.set(tenantId, left);
        stopFollowing();
        signal?.removeEventListener('abort', end);
      };
      signal?.addEventListener('abort', end, { once: true });
      return { pulse, isOver: () => isOver, leave };
    },
    happened: (tenantId, topic) => audience.tell(`${tenantId}/${topic}`, 'news'),
    start() {
      audience.open();
      cancel();
      poll();
    },
    stop() {
      cancel();
      audience.close();
    },
  };
}
