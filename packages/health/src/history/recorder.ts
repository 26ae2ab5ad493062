import { describeError, newId, type AnyEvent, type CancelTimer, type Clock, type Logger } from '@dotmac/core';
import { healthEvents, type HealthEvents } from '../events.js';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import type { HealthMetrics } from '../metrics.js';
import type { Directory, KeptEndpoint } from '../monitoring/directory.js';
import type { ProbeResult } from '../probes/probe.js';
import type { HealthStore } from '../store/store.js';
import type { Sample } from './sample.js';

/** Brings what checks found out into the store, without a check ever waiting for it. */
export interface Recorder {
  /** Notes a check; `from` is the status before it. */
  record(kept: KeptEndpoint, result: ProbeResult & { at: number }, from: EndpointStatus): void;
  /** Resolves when all that was noted is in the store. */
  flush(): Promise<void>;
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
  /** Samples kept while the store is out of reach; beyond, the oldest go. */
  maxPending: number;
}

const flushMs = 1_000;
const batchSize = 500;

/**
 * Makes a recorder. Samples go in batches once a second; a change of status goes at once, with its event in the same
 * transaction. While the store is out of reach both wait in memory, within a bound.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { store, directory, publish, clock, logger, metrics, maxPending } = options;
  const samples: Sample[] = [];
  const changes: { kept: KeptEndpoint; event: AnyEvent<HealthEvents> }[] = [];
  let cancelTimer: CancelTimer | undefined;
  let flushing: Promise<void> | undefined;

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
  const write = async (): Promise<void> => {
    await writeBatches(changes, async (batch) => {
      await store.saveChanges(batch);
      publish(batch.map(({ event }) => event));
    });
    await writeBatches(samples, (batch) => {
      const touched = new Set(batch.map(({ endpointId }) => directory.get(endpointId)));
      return store.saveSamples(
        batch,
        [...touched].filter((it) => it !== undefined),
      );
    });
  };
  const flush = (): Promise<void> => (flushing ??= write().finally(() => (flushing = undefined)));
  const flushQuietly = (): Promise<void> =>
    flush().catch((error: unknown) =>
      logger.warn({ pending: samples.length, ...describeError(error) }, 'checks cannot be stored, and wait in memory'),
    );
  const tick = async (): Promise<void> => {
    await flushQuietly();
    if (cancelTimer) cancelTimer = clock.after(flushMs, () => void tick());
  };

  return {
    record(kept, { at, status, responseTimeMs, message }, from) {
      const { id: endpointId, tenantId, name } = kept.endpoint;
      samples.push({ id: newId(), tenantId, endpointId, at, status, responseTimeMs, message });
      if (samples.length > maxPending) metrics?.dropped(samples.splice(0, samples.length - maxPending).length);
      if (kept.status === from) return;
      const data = { name, from, to: kept.status, message, checkedAt: at };
      const event = healthEvents.create('endpoint.status_changed', {
        tenantId,
        actor: 'system',
        subject: endpointId,
        at,
        data,
      });
      if (changes.length < maxPending) changes.push({ kept, event });
      void flushQuietly();
    },
    async flush() {
      await flushing?.catch(() => undefined); // It may have begun before the last record.
      await flush();
    },
    start() {
      cancelTimer ??= clock.after(flushMs, () => void tick());
    },
    async stop() {
      cancelTimer?.();
      cancelTimer = undefined;
      await flushing?.catch(() => undefined);
      await flushQuietly();
    },
  };
}
