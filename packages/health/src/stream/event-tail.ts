import { type AnyEvent, type CancelTimer, type Clock, type Logger } from '@dotmac/core';
import { healthEvents, type HealthEvents } from '../events.js';
import type { EventLog } from '../store/event-log.js';
import { storeFaults } from '../store-fault.js';

/** An event that was read, at its place in the order that all processes see. */
export interface SeenEvent {
  position: number;
  event: AnyEvent<HealthEvents>;
}

/** Reads what happens, in whatever process: the one reader of this process, however many follow. */
export interface EventTail {
  /** Notes where the events end: what is committed from then on is told. */
  begin(): Promise<void>;
  /** Looks now, for this process has committed something; others do so within a second. */
  nudge(): void;
  start(): void;
  /** Looks no more; what is being told is told. */
  stop(): Promise<void>;
}

const pollMs = 1_000;
const pageSize = 500;

/** Makes a tail that tells what it reads, in order. */
export function createEventTail(options: {
  store: Pick<EventLog, 'lastPosition' | 'eventsAfter'>;
  tell: (seen: SeenEvent) => void;
  /** Whether anybody follows: for nobody, a look a second is enough. */
  isFollowed: () => boolean;
  clock: Clock;
  logger: Logger;
}): EventTail {
  const { store, tell, isFollowed, clock, logger } = options;
  let position = 0;
  let cancelTimer: CancelTimer | undefined;
  let looking: Promise<void> | undefined;
  let isNews = false;
  const faults = storeFaults(logger, 'what happens cannot be followed');

  const lookOnce = async (): Promise<void> => {
    for (let isMore = true; isMore && cancelTimer;) {
      const found = await store.eventsAfter(position, pageSize);
      for (const placed of found) {
        position = placed.position;
        // An old row is somebody else's word: it is parsed like any input.
        const event = healthEvents.parse(placed.event);
        if (event) tell({ position, event });
      }
      isMore = found.length === pageSize;
    }
    faults.over();
  };
  const lookAll = async (): Promise<void> => {
    try {
      do {
        isNews = false;
        await lookOnce();
      } while (isNews);
    } catch (error) {
      faults.tell(error);
    } finally {
      looking = undefined;
    }
  };
  const look = (): void => {
    isNews = true;
    looking ??= lookAll();
  };
  const arm = (): void => {
    cancelTimer = clock.after(pollMs, () => {
      look();
      arm();
    });
  };
  return {
    async begin() {
      position = await store.lastPosition();
    },
    nudge() {
      if (cancelTimer && isFollowed()) look();
    },
    start() {
      if (!cancelTimer) arm();
    },
    async stop() {
      cancelTimer?.();
      cancelTimer = undefined;
      await looking;
    },
  };
}
