import { timerWaker, type Clock, type Logger } from '@dotmac/core';
import type { Connector } from '@dotmac/core/net';
import type { Recorder } from '../history/recorder.js';
import type { HealthMetrics } from '../metrics.js';
import { judge } from '../probes/probe.js';
import { probes } from '../probes/registry.js';
import type { Directory, KeptEndpoint } from './directory.js';
import { ownTrouble } from './own-trouble.js';
import { nextSlot } from './phase.js';
import { observe } from './status.js';

/** After a result that may worsen the status, the next check comes this soon. */
const recheckMs = 1_000;

/** Checks every endpoint of a directory, each on its own interval. */
export interface Monitor {
  /** Checks an endpoint as soon as a place is free. */
  checkSoon(endpointId: string): void;
  start(): void;
  /** Takes no more, waits for running checks, then aborts them. */
  stop(): Promise<void>;
}

/** What a monitor works with. */
export interface MonitorOptions {
  directory: Directory;
  connector: Connector;
  recorder: Recorder;
  metrics: HealthMetrics | undefined;
  clock: Clock;
  logger: Logger;
  /** Checks at once. */
  concurrency: number;
}

/** Makes a monitor. One heap, one timer; an endpoint is never checked twice at once. */
export function createMonitor(options: MonitorOptions): Monitor {
  const { directory, connector, recorder, metrics, clock, logger, concurrency } = options;
  const trouble = ownTrouble(clock);
  const waker = timerWaker({ clock, logger, concurrency, maxWaiting: 1_000_000 });

  const check = async (kept: KeptEndpoint, signal: AbortSignal): Promise<void> => {
    const { endpoint } = kept;
    const { host, port, timeout, expectedResponseTime, retryCount, checkInterval } = endpoint;
    const weigh = trouble.watch();
    const result = weigh(
      await judge(probes[endpoint.serviceType], {
        host,
        port,
        timeoutMs: timeout * 1_000,
        expectedResponseTimeMs: expectedResponseTime * 1_000,
        connector,
        signal,
      }),
    );
    if (signal.aborted || directory.get(endpoint.id) !== kept) return; // Stopped or removed meanwhile.
    const from = kept.status;
    const checkedAt = clock.now();
    const { responseTimeMs, message } = result;
    Object.assign(kept, observe(kept, result.status, retryCount), { responseTimeMs, message, checkedAt });
    metrics?.checked(endpoint.serviceType, result);
    recorder.record(kept, { ...result, at: checkedAt }, from);
    const intervalMs = checkInterval * 1_000;
    const undecided = kept.streak > 0 || (kept.blind ?? 0) > 0;
    const again = undecided
      ? checkedAt + Math.min(recheckMs, intervalMs)
      : nextSlot(endpoint.id, intervalMs, checkedAt);
    void waker.wake(endpoint.id, again);
  };

  return {
    checkSoon: (endpointId) => void waker.wake(endpointId, clock.now()),
    start() {
      trouble.start();
      // What was never checked is due now; the rest keeps its phase over restarts.
      for (const { endpoint, checkedAt } of directory.all())
        void waker.wake(
          endpoint.id,
          checkedAt === null ? clock.now() : nextSlot(endpoint.id, endpoint.checkInterval * 1_000, clock.now()),
        );
      void waker.start(async (endpointId, signal) => {
        const kept = directory.get(endpointId);
        if (kept) await check(kept, signal);
      });
    },
    async stop() {
      trouble.stop();
      await waker.stop();
    },
  };
}
