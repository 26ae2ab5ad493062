import { describeError, type CancelTimer, type DueKey } from '@dotmac/core';
import { advanceBulk } from './bulk/advance.js';
import type { LifecycleContext } from './context.js';
import { advance } from './provisioning/advance.js';
import { createRetention } from './retention.js';
import { parseBulkKey, parseTimerKey, type LifecycleStore } from './store/store.js';
import { fireTimer } from './timers/fire.js';

/** Of each kind that is found at once: runs, timers, and operations on many. */
const mostFound = 10_000;

/** Finds what is due in the tables of all tenants until `untilMs`. */
export type FindDue = (untilMs: number) => Promise<DueKey[]>;

/**
 * Makes a {@link FindDue}. Of more than it finds at once the next call finds the next, and so on until all were found:
 * what nobody can go on with, or what waits by the ten thousands, hides nothing else.
 */
export function dueFinder(store: Pick<LifecycleStore, 'dueRuns' | 'dueTimers' | 'dueBulk'>): FindDue {
  let reached: (string | null)[] = [];
  return async (untilMs) => {
    const [runs = null, timers = null, bulk = null] = reached;
    const pages = await Promise.all([
      store.dueRuns(untilMs, { limit: mostFound, after: runs }),
      store.dueTimers(untilMs, { limit: mostFound, after: timers }),
      store.dueBulk(untilMs, { limit: mostFound, after: bulk }),
    ]);
    reached = pages.map(({ nextCursor }) => nextCursor);
    return pages.flatMap(({ items }) => items);
  };
}

/** How the background is run. */
export interface BackgroundOptions {
  /** Apply migrations first. */
  migrate: boolean;
  /** Finds wake-ups that were lost. */
  findDue: FindDue;
  /** How often to look for them, in ms; undefined when the waker does that itself. */
  sweepMs: number | undefined;
}

/** What goes on behind the requests: runs, timers, operations on many, deliveries, streams, and what is old. */
export interface Background {
  /** Safe to call again; after a failure it tries anew. */
  start(): Promise<void>;
  /** Takes no more work and waits for what goes on. Safe to call again. */
  stop(): Promise<void>;
  state(): 'stopped' | 'starting' | 'running' | 'failed';
}

/** Makes the background of a lifecycle. Nothing happens before `start()`. */
export function createBackground(context: LifecycleContext, options: BackgroundOptions): Background {
  const { store, clock, logger, relay, webhooks, streams, waker } = context;
  const { findDue, sweepMs } = options;
  const retention = createRetention(context);
  let state: ReturnType<Background['state']> = 'stopped';
  let starting: Promise<void> | undefined;
  let cancelSweep: CancelTimer = () => undefined;

  const work = async (key: string, signal: AbortSignal): Promise<void> => {
    const nextAt = parseTimerKey(key)
      ? await fireTimer(context, key)
      : parseBulkKey(key)
        ? await advanceBulk(context, key, signal)
        : await advance(context, key, signal);
    if (nextAt !== null) await waker.wake(key, nextAt);
  };

  /** Tells the waker again what it may have lost. */
  const sweepAgain = (everyMs: number): void => {
    cancelSweep = clock.after(everyMs, () => {
      void findDue(clock.now())
        .then(async (due) => {
          for (const { key, at } of due) await waker.wake(key, at);
        })
        .catch((error: unknown) => logger.warn(describeError(error), 'due runs could not be looked for'))
        .finally(() => state === 'running' && sweepAgain(everyMs));
    });
  };

  const begin = async (): Promise<void> => {
    state = 'starting';
    if (!context.sendsVerification)
      logger.warn({}, 'there is no sendVerification: nobody will learn of verification tokens');
    else if (!context.vault)
      logger.warn({}, 'there is no secret: verification tokens that are out are void after a restart');
    try {
      await (options.migrate ? store.migrate() : store.checkMigrated());
      relay.start();
      webhooks?.relay.start();
      streams.start();
      retention.start();
      await waker.start(work);
      state = 'running';
      if (sweepMs !== undefined) sweepAgain(sweepMs);
    } catch (error) {
      state = 'failed';
      starting = undefined;
      logger.error(describeError(error), 'the lifecycle could not be started');
      throw error;
    }
  };

  return {
    start: () => (starting ??= begin()),
    async stop() {
      await starting?.catch(() => undefined);
      if (state === 'stopped') return;
      state = 'stopped';
      starting = undefined;
      cancelSweep();
      streams.stop();
      await Promise.all([waker.stop(), relay.stop(), webhooks?.relay.stop(), retention.stop()]);
    },
    state: () => state,
  };
}
