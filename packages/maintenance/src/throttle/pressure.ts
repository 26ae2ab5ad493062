import { describeError, type Clock, type Logger } from '@dotmac/core';
import type { PressureSignal } from './signal.js';
import { createGauge, type Gauge } from './gauge.js';

/** A signal that work waits for. */
export type PressingSignal = Pick<Gauge, 'name' | 'unit' | 'figure' | 'says'>;

/** How the signals stand. */
export interface Load {
  pressing: readonly PressingSignal[];
  /** The names of those that could not be read; work waits for some of them, and ignores the others. */
  unreadable: readonly string[];
}

/** Options of {@link createPressure}. */
export interface PressureOptions {
  signals: readonly PressureSignal[];
  clock: Clock;
  logger: Logger;
  /** How long a pause may last before the run gives up for now. Ms. */
  longestPauseMs: number;
}

/** How one run waits. */
export interface Waiting {
  /** Ends the wait by its reason. */
  signal: AbortSignal;
  /** Told what it waits for and what cannot be read, and at last that it goes on. */
  tell(load: Load): void;
  /** True when the run has no time left to wait in. */
  isOver(): boolean;
  /** The database that it works on, by its name. */
  database?: string | undefined;
}

/** Makes the work of maintenance wait while the application needs its resources itself. */
export interface Pressure {
  /**
   * Resolves at once, or when the pressure has gone.
   * @returns false when the pressure lasted for too long
   */
  relief(waiting: Waiting): Promise<boolean>;
  /** Whether {@link Pressure.relief} would wait now. */
  isHigh(of: Pick<Waiting, 'signal' | 'database'>): Promise<boolean>;
}

const [freshMs, askAgainMs] = [500, 1_000];

/** @see Pressure */
export function createPressure({ signals, clock, logger, longestPauseMs }: PressureOptions): Pressure {
  const readings = signals.map((signal) => {
    const [gauge, { database }] = [createGauge(signal, clock), signal];
    return { gauge, database, at: -Infinity, done: Promise.resolve() };
  });

  const read = async (gauge: Gauge): Promise<void> => {
    const fault = await gauge.read();
    if (fault) logger.warn({ signal: gauge.name, ...describeError(fault) }, 'a signal of pressure cannot be read');
  };
  /** One reading serves all runs for a moment. */
  const load = async (database: string | undefined): Promise<Load> => {
    const heeded = readings.filter((it) => it.database === undefined || it.database === database);
    const now = clock.monotonic();
    for (const it of heeded) if (now - it.at >= freshMs) [it.at, it.done] = [now, read(it.gauge)];
    await Promise.all(heeded.map(({ done }) => done));
    const gauges = heeded.map(({ gauge }) => gauge);
    return {
      pressing: gauges
        .filter(({ isPressing }) => isPressing)
        .map(({ name, unit, figure, says }) => ({ name, unit, figure, says })),
      unreadable: gauges.filter(({ isUnreadable }) => isUnreadable).map(({ name }) => name),
    };
  };

  return {
    async relief({ signal, tell, isOver, database }) {
      if (signals.length === 0) return true;
      const startedAt = clock.monotonic();
      for (let waited = false; ; waited = true) {
        const now = await untilAborted(load(database), signal);
        if (waited || now.pressing.length > 0 || now.unreadable.length > 0) tell(now);
        if (now.pressing.length === 0) return true;
        if (isOver() || clock.monotonic() - startedAt >= longestPauseMs) return false;
        await clock.sleep(askAgainMs, signal);
      }
    },
    isHigh: async ({ signal, database }) => (await untilAborted(load(database), signal)).pressing.length > 0,
  };
}

/** What `work` comes to, unless the signal aborts before: then it rejects with that reason. */
function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
