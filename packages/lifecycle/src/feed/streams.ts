import { createStreams, type CancelTimer, type Clock, type StreamLimits, type Streams } from '@dotmac/core';

/** How soon commits of other processes are seen. */
const pollMs = 1_000;

/** The streams of this process: who waits for what, and when to look. */
export interface LookingStreams extends Pick<Streams<'news'>, 'follow' | 'tell'> {
  start(): void;
  stop(): void;
}

/** Makes the streams of a process. What others commit is looked for every second. */
export function createLookingStreams(clock: Clock, limits: StreamLimits): LookingStreams {
  const streams = createStreams<'news'>(limits);
  let cancel: CancelTimer = () => undefined;
  const poll = (): void => {
    cancel = clock.after(pollMs, () => {
      for (const topic of streams.topics) streams.tell(topic, 'news');
      poll();
    });
  };
  return {
    follow: streams.follow,
    tell: streams.tell,
    start() {
      streams.open();
      cancel();
      poll();
    },
    stop() {
      cancel();
      streams.close();
    },
  };
}
