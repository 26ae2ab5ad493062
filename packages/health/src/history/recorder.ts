import { describeError, type AnyEvent, type CancelTimer, type Clock, type Logger } from '@dotmac/core';
import { healthEvents, type HealthEvents } from '../events.js';
import type { HealthMetrics } from '../metrics.js';
import type { Directory, KeptEndpoint, KeptState } from '../monitoring/directory.js';
import type { ProbeResult } from '../probes/judge.js';
import type { HealthStore, StatusChange } from '../store/store.js';
import { pendingBuckets } from './pending-buckets.js';
import type { RingResult } from './result.js';

/** Brings what checks found out into the store, without a check ever waiting for it. */
export interface Recorder {
  /** Notes a check; `before` is how the endpoint was before it. */
  record(
    kept: KeptEndpoint,
    result: ProbeResult & { at: number },
    before: Pick<KeptState, 'status' | 'checkedAt'>,
  ): void;
  /** Resolves when all that was noted of an endpoint, or of all, is in the store. Rejects when it cannot be stored. */
  flush(endpointId?: string): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** What a recorder works with. */
export interface RecorderOptions {
  store: HealthStore;
  directory: Directory;
  publish: (events: AnyEvent<HealthEvents>[]) => void;
  clock: Clock;
  logger: Logger;
  metrics: HealthMetrics | undefined;
  /** Results kept in memory while the store is out of reach, and minutes summed up; beyond, the oldest go. */
  maxPending: number;
  /** How many results of each endpoint are kept. */
  rings: { recent: number; issues: number };
}

const flushMs = 1_000;
const batchSize = 500;
/** Sums wait a while, so that a minute's checks are written together. */
const bucketDelayMs = 30_000;
const bucketEndpoints = 200;

/**
 * Makes a recorder. Results go in batches once a second, their sums every half minute; a change of status goes at once,
 * with its event in the same transaction. While the store is out of reach all wait in memory, within a bound.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { store, directory, publish, clock, logger, metrics, maxPending, rings } = options;
  const results: RingResult[] = [];
  const changes: StatusChange[] = [];
  const buckets = pendingBuckets();
  let cancelTimer: CancelTimer | undefined;
  let flushing: Promise<void> | undefined;
  let stopped = false;

  /** Takes a batch out, and puts it back where it was when it could not be stored. */
  const writeBatches = async <Item>(queue: Item[], save: (batch: Item[]) => Promise<void>): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.splice(0, batchSize);
      await save(batch).catch((error: unknown) => {
        queue.unshift(...batch);
        throw error;
      });
    }
  };
  const writeBuckets = async (until: number): Promise<void> => {
    for (;;) {
      const deltas = buckets.take(until, bucketEndpoints);
      if (deltas.length === 0) return;
      await save(deltas);
    }
  };
  const save = (deltas: ReturnType<typeof buckets.take>): Promise<void> =>
    store.addBuckets(deltas).catch((error: unknown) => {
      buckets.putBack(deltas, clock.now());
      throw error;
    });
  const write = async (): Promise<void> => {
    await writeBatches(changes, async (batch) => {
      await store.saveChanges(batch);
      publish(batch.map(({ event }) => event));
    });
    await writeBatches(results, (batch) => {
      const touched = new Set(batch.map(({ endpointId }) => directory.get(endpointId)));
      return store.saveResults(
        batch,
        [...touched].filter((it) => it !== undefined),
      );
    });
    await writeBuckets(stopped ? Infinity : clock.now() - bucketDelayMs);
  };
  const flush = (): Promise<void> => (flushing ??= write().finally(() => (flushing = undefined)));
  const flushQuietly = (): Promise<void> =>
    flush().catch((error: unknown) =>
      logger.warn(
        { results: results.length, minutes: buckets.size, ...describeError(error) },
        'checks cannot be stored, and wait in memory',
      ),
    );
  const tick = async (): Promise<void> => {
    await flushQuietly();
    if (cancelTimer) cancelTimer = clock.after(flushMs, () => void tick());
  };
  const keepResult = (
    kept: KeptEndpoint,
    { at, status, responseTimeMs, message, phases = {} }: ProbeResult & { at: number },
  ) => {
    const { id: endpointId, tenantId } = kept.endpoint;
    const result = { tenantId, endpointId, at, status, responseTimeMs, message, phases };
    results.push({ ...result, ring: 'recent', slot: kept.checks++ % rings.recent });
    if (status !== 'healthy') results.push({ ...result, ring: 'issues', slot: kept.issues++ % rings.issues });
    if (results.length > maxPending) metrics?.dropped(results.splice(0, results.length - maxPending).length);
    return result;
  };

  return {
    record(kept, result, before) {
      const { checkInterval, timeout } = kept.endpoint;
      buckets.add(keepResult(kept, result), before, (2 * checkInterval + timeout) * 1_000);
      if (buckets.size > maxPending) metrics?.dropped(buckets.shrinkTo(maxPending));
      if (kept.status === before.status) return;
      if (changes.length < maxPending) changes.push({ kept, event: changeOf(kept, result.at, before) });
      void flushQuietly();
    },
    async flush(endpointId) {
      await flushing?.catch(() => undefined); // It may have begun before the last record.
      await flush();
      if (endpointId === undefined) await writeBuckets(Infinity);
      else {
        const deltas = buckets.takeOf(endpointId);
        if (deltas.length > 0) await save(deltas);
      }
    },
    start() {
      stopped = false;
      cancelTimer ??= clock.after(flushMs, () => void tick());
    },
    async stop() {
      stopped = true;
      cancelTimer?.();
      cancelTimer = undefined;
      await flushing?.catch(() => undefined);
      await flushQuietly();
    },
  };
}

function changeOf(kept: KeptEndpoint, at: number, { status: from }: Pick<KeptState, 'status'>): AnyEvent<HealthEvents> {
  const { tenantId, id: subject, name } = kept.endpoint;
  const data = { name, from, to: kept.status, message: kept.message, checkedAt: at, since: kept.since ?? at };
  return healthEvents.create('endpoint.status_changed', { tenantId, actor: 'system', subject, at, data });
}
