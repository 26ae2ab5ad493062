import type { Clock } from '@dotmac/core';
import type { PressureSignal } from './signal.js';

/** One signal, and what was last known of it. */
export interface Gauge {
  readonly name: string;
  /** Work waits for it. */
  readonly isPressing: boolean;
  readonly isUnreadable: boolean;
  /** What was read last; null while it cannot be. */
  readonly figure: number | null;
  readonly unit: string;
  /** What the figure says, after the name; null while it cannot be read. */
  readonly says: string | null;
  /**
   * Reads it, within its time.
   * @returns why it cannot be read, when that is new
   */
  read(): Promise<unknown>;
}

const defaultTimeoutMs = 5_000;
/** A reading that hangs is not asked again before: each may hold a connection. */
const hangingMs = 60_000;

/** @see Gauge */
export function createGauge(signal: PressureSignal, clock: Pick<Clock, 'after' | 'monotonic'>): Gauge {
  const {
    name,
    unit,
    pauseAt,
    resumeAt = pauseAt / 2,
    timeoutMs = defaultTimeoutMs,
    whenUnreadable = 'pause',
  } = signal;
  const say = (at: number): string =>
    signal.says?.(at) ?? `is at ${Math.round(at * 100) / 100} ${unit}; work goes on at ${resumeAt}`;
  let state: 'low' | 'high' | 'unreadable' = 'low';
  let figure: number | null = null;
  let said: string | null = null;
  let asked: { answer: Promise<number>; at: number } | undefined;

  const ask = (limit: AbortSignal): Promise<number> => {
    if (asked && clock.monotonic() - asked.at < hangingMs) return asked.answer;
    const asking = { answer: (async () => signal.read(limit))(), at: clock.monotonic() };
    asked = asking;
    const forget = (): void => void (asked === asking && (asked = undefined));
    asking.answer.then(forget, forget);
    return asking.answer;
  };
  const reading = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const limit = new AbortController();
      const cancel = clock.after(timeoutMs, () => {
        const late = new Error(`it gave no figure within ${timeoutMs} ms`);
        limit.abort(late);
        reject(late);
      });
      void ask(limit.signal).then(resolve, reject).finally(cancel);
    });

  return {
    name,
    unit,
    get figure() {
      return figure;
    },
    get says() {
      return said;
    },
    get isPressing() {
      return state === 'high' || (state === 'unreadable' && whenUnreadable === 'pause');
    },
    get isUnreadable() {
      return state === 'unreadable';
    },
    async read() {
      try {
        const now = await reading();
        if (Number.isNaN(now)) throw new Error('what it gave is no number');
        [figure, said] = [now, say(now)];
        // Between the two it stays as it was; what was unreadable before waits for no more than others do.
        if (now >= pauseAt) state = 'high';
        else if (now <= resumeAt || state === 'unreadable') state = 'low';
        return undefined;
      } catch (fault) {
        const isNew = state !== 'unreadable';
        [state, figure, said] = ['unreadable', null, null];
        return isNew ? fault : undefined;
      }
    },
  };
}
