import { setMaxListeners } from 'node:events';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { systemClock, type Clock } from '../clock.js';
import { drain } from '../deadline.js';
import { describeError } from '../errors/describe-error.js';
import { silentLogger, type Logger } from '../logger.js';
import type { StoreTransaction } from '../store-transaction.js';
import { deliverOne, waitsOf, type DeliveryLimits } from './deliver.js';
import type { AnyEvent, EventSchemas, EventTable } from './define-events.js';
import { fairClaims } from './fair-claims.js';
import type { ClaimedEntry, Outbox, OutboxEntry } from './outbox.js';
import type { Subscriber } from './subscriber.js';

/** Options of {@link createOutboxRelay}. */
export interface OutboxRelayOptions<Schemas extends EventSchemas> extends Partial<DeliveryLimits> {
  outbox: Outbox;
  events: EventTable<Schemas>;
  clock?: Clock;
  logger?: Logger;
  /** Looks for due entries this often; commits of this process are seen at once. Default 1,000 ms. */
  pollMs?: number;
  /** Deliveries at once. Default 32. */
  concurrency?: number;
  /** How long `stop` waits for running deliveries before aborting them. Default 5,000 ms. */
  graceMs?: number;
}

/** Fans events out to subscribers through an outbox. */
export interface OutboxRelay<Schemas extends EventSchemas> {
  /**
   * Adds a subscriber; before events are published that it must not miss. Subscribe the same names in every process.
   * Returns how to remove it.
   */
  subscribe<Name extends keyof Schemas & string>(subscriber: Subscriber<Schemas, Name>): () => void;
  /** What {@link OutboxRelay.publish} would append. */
  entriesOf(events: readonly AnyEvent<Schemas>[]): OutboxEntry[];
  /** Appends events for every subscriber that wants them, in the transaction given if any. */
  publish(events: readonly AnyEvent<Schemas>[], trx?: StoreTransaction): Promise<void>;
  /** Looks for due entries now. */
  nudge(): void;
  /** Begins to deliver. Safe to call again. */
  start(): void;
  /** Takes no more and lets running deliveries end. Safe to call again. */
  stop(): Promise<void>;
}

const defaultLimits: DeliveryLimits = {
  deliveryTimeoutMs: 30_000,
  maxAttempts: 12,
  firstBackoffMs: 1_000,
  longestBackoffMs: 300_000,
};

/** What cannot be claimed is set aside so often, and so much of it at once. */
const [asideEveryMs, asideAtOnce] = [10_000, 1_000];

/** Less is how long a look takes, or a clock that is slewed: who waits as much longer waits for a second. */
const leastStepMs = 1_000;

/**
 * Makes a relay: polls the outbox, is nudged by commits, retries with exponential backoff, parks what keeps failing.
 * Where every place is taken, tenants who have few come first when one is free.
 */
export function createOutboxRelay<Schemas extends EventSchemas>(
  options: OutboxRelayOptions<Schemas>,
): OutboxRelay<Schemas> {
  const {
    outbox,
    events,
    clock = systemClock,
    logger = silentLogger,
    pollMs = 1_000,
    concurrency = 32,
    graceMs = 5_000,
  } = options;
  const limits = { ...defaultLimits, ...pickDefined(options) };
  // Longer than a delivery may take, so that nobody else takes it up meanwhile.
  const leaseMs = limits.deliveryTimeoutMs + 30_000;
  const waits = waitsOf(limits);
  const subscribers = new Map<string, Subscriber<Schemas>>();
  const running = new Set<Promise<void>>();
  const claims = fairClaims(outbox, clock, concurrency);
  let delivered: string[] = [];
  let acknowledging: Promise<void> | undefined;
  let looping: Promise<void> | undefined;
  let abort = new AbortController();
  let nudged = false;
  let wake: () => void = () => {};
  let stopping = true;
  /** By how much the outbox's clock was ahead of one that is never set, when it was last looked at. */
  let ahead: { byMs: number; lookedAt: number } | undefined;
  let asideAt = -Infinity;

  const nudge = (): void => {
    nudged = true;
    wake();
  };
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      if (nudged || stopping) return resolve();
      const cancel = clock.after(pollMs, () => wake());
      wake = () => {
        cancel();
        resolve();
      };
    });

  /** Acknowledges in batches: what is delivered in this turn, and then while one batch is on its way. */
  const acknowledge = async (): Promise<void> => {
    await endOfTurn();
    while (delivered.length > 0) {
      const batch = delivered;
      delivered = [];
      try {
        await outbox.acknowledge(batch);
      } catch (error) {
        logger.warn(
          { count: batch.length, ...describeError(error) },
          'delivered events could not be acknowledged, and will be delivered again',
        );
      }
    }
  };
  const deliver = async (entry: ClaimedEntry): Promise<void> => {
    const subscriber = subscribers.get(entry.subscriber);
    if (!subscriber) return; // Removed since the claim: its lease lapses, and another process may have it.
    const done = await deliverOne({ entry, subscriber, events, outbox, clock, logger, limits, signal: abort.signal });
    if (!done) return;
    delivered.push(entry.claim);
    // Again when the batch under way was closed before this one joined it.
    while (delivered.includes(entry.claim))
      await (acknowledging ??= acknowledge().finally(() => (acknowledging = undefined)));
  };
  const begin = (entry: ClaimedEntry): void => {
    const delivery = deliver(entry)
      .catch((error: unknown) =>
        logger.error({ subscriber: entry.subscriber, ...describeError(error) }, 'a delivery could not be settled'),
      )
      .finally(() => {
        running.delete(delivery);
        claims.ended(entry);
        nudge(); // A slot is free, and the next of its lane may be due.
      });
    running.add(delivery);
  };
  /** Lets nobody wait for as long as the outbox's clock was set back, be it now or while this relay was stopped. */
  const followClock = async (names: string[]): Promise<void> => {
    const lookedAt = clock.monotonic();
    if (ahead && lookedAt - ahead.lookedAt < pollMs) return;
    const byMs = (await outbox.time()) - lookedAt;
    if (!ahead || ahead.byMs - byMs >= leastStepMs) {
      const count = await outbox.bringForward({ subscribers: names, waitsMs: waits, leaseMs });
      if (count > 0) logger.warn({ count }, 'the clock was set back: what would wait for as long is brought forward');
    }
    ahead = { byMs, lookedAt };
  };
  /** No claim is to pass time and again over the many of somebody that wait behind one that fails. */
  const setAside = async (names: string[]): Promise<void> => {
    if (clock.monotonic() < asideAt) return;
    const count = await outbox.setAside({ subscribers: names, limit: asideAtOnce });
    asideAt = clock.monotonic() + (count > 0 ? pollMs : asideEveryMs);
  };
  const claim = async (limit: number): Promise<ClaimedEntry[]> => {
    const names = [...subscribers.keys()];
    try {
      await followClock(names);
      await setAside(names);
      return await claims.claim({ subscribers: names, limit, leaseMs });
    } catch (error) {
      logger.warn(describeError(error), 'the outbox cannot be read');
      nudged = false; // Not before the next poll.
      return [];
    }
  };
  const loop = async (): Promise<void> => {
    while (!stopping) {
      // What commits in one turn of the event loop is claimed by one statement.
      await endOfTurn();
      nudged = false;
      const free = concurrency - running.size;
      // Few free slots are not worth a statement.
      const claimed = subscribers.size > 0 && free * 4 >= concurrency ? await claim(free) : [];
      for (const entry of claimed) begin(entry);
      if (claimed.length < free || running.size >= concurrency) await pause();
    }
  };

  const entriesOf = (published: readonly AnyEvent<Schemas>[]): OutboxEntry[] =>
    published.flatMap((event) => {
      const wanting = [...subscribers.values()].filter(({ events: wanted }) => wanted?.includes(event.name) ?? true);
      if (wanting.length === 0) return [];
      const stored = events.encode(event);
      return wanting.map(({ name }) => ({ subscriber: name, event: stored }));
    });

  outbox.onAppended(nudge);
  return {
    subscribe(subscriber) {
      if (subscribers.has(subscriber.name)) throw new TypeError(`There is a subscriber "${subscriber.name}" already.`);
      subscribers.set(subscriber.name, subscriber as unknown as Subscriber<Schemas>);
      nudge();
      return () => void subscribers.delete(subscriber.name);
    },
    entriesOf,
    async publish(published, trx) {
      const entries = entriesOf(published);
      if (entries.length > 0) await outbox.append(entries, trx);
    },
    nudge,
    start() {
      if (!stopping) return;
      stopping = false;
      ahead = undefined;
      abort = new AbortController();
      // Every running delivery listens.
      setMaxListeners(concurrency, abort.signal);
      looping = loop();
    },
    async stop() {
      stopping = true;
      wake();
      await looping;
      await drain(clock, running, { graceMs, abort });
    },
  };
}

function pickDefined(options: Partial<DeliveryLimits>): Partial<DeliveryLimits> {
  const names = Object.keys(defaultLimits) as (keyof DeliveryLimits)[];
  return Object.fromEntries(names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]));
}
