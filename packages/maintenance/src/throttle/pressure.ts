import { describeError, type Clock, type Logger } from '@dotmac/core';

/** A figure that tells how much the application can bear. */
export interface PressureSignal {
  /** As reports call it: `event_loop_delay`. */
  name: string;
  /** For people: `ms`, `connections`. */
  unit: string;
  /** Work pauses from here on. */
  pauseAt: number;
  /** And goes on from here down. Default: half of `pauseAt`, so that it does not flutter. */
  resumeAt?: number;
  /** The figure now. What it throws counts as no pressure, and is logged. */
  read(): number | Promise<number>;
}

/** Options of {@link createPressure}. */
export interface PressureOptions {
  signals: readonly PressureSignal[];
  clock: Clock;
  logger: Logger;
  /** How long a pause may last before the run gives up for now. Ms. */
  longestPauseMs: number;
}

/** Makes the work of maintenance wait while the application needs its resources itself. */
export interface Pressure {
  /**
   * Resolves at once, or when the pressure has gone.
   * @param onPause told what it waits for; nothing when it goes on
   * @returns false when the pressure lasted for too long
   */
  relief(signal: AbortSignal, onPause: (names: readonly string[]) => void): Promise<boolean>;
}

const [freshMs, askAgainMs] = [500, 1_000];

/** @see Pressure */
export function createPressure({ signals, clock, logger, longestPauseMs }: PressureOptions): Pressure {
  const pressing = new Set<PressureSignal>();
  let readAt = -Infinity;

  const read = async (signal: PressureSignal): Promise<void> => {
    const { name, pauseAt, resumeAt = pauseAt / 2 } = signal;
    try {
      const figure = await signal.read();
      if (figure >= pauseAt) pressing.add(signal);
      else if (figure <= resumeAt) pressing.delete(signal);
    } catch (error) {
      pressing.delete(signal);
      logger.warn({ signal: name, ...describeError(error) }, 'a signal of pressure could not be read');
    }
  };
  /** One reading serves all runs for a moment. */
  const names = async (): Promise<string[]> => {
    const now = clock.monotonic();
    if (now - readAt >= freshMs) {
      readAt = now;
      await Promise.all(signals.map(read));
    }
    return [...pressing].map(({ name }) => name);
  };

  return {
    async relief(signal, onPause) {
      if (signals.length === 0) return true;
      let waiting = await names();
      if (waiting.length === 0) return true;
      const startedAt = clock.monotonic();
      while (waiting.length > 0) {
        onPause(waiting);
        if (clock.monotonic() - startedAt >= longestPauseMs) return false;
        await clock.sleep(askAgainMs, signal);
        waiting = await names();
      }
      onPause([]);
      return true;
    },
  };
}
