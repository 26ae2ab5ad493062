import type { Clock } from '@dotmac/core';
import type { PressingSignal } from '../throttle/pressure.js';
import type { RunPause } from './run.js';

/** What a run has waited for. */
export interface Pauses {
  /** The names of the signals that it waits for now. */
  readonly pausedBy: string[];
  /** How long it has waited, for one signal or several at once. */
  readonly pausedMs: number;
  /**
   * Told what it waits for now; nothing while it works.
   * @returns those that it has not waited for before
   */
  tell(pressing: readonly PressingSignal[]): PressingSignal[];
  read(): RunPause[];
}

interface Waited extends Omit<RunPause, 'signal' | 'seconds'> {
  ms: number;
  /** By the monotonic clock; null while it does not wait for it. */
  since: number | null;
}

/** @see Pauses */
export function createPauses(clock: Pick<Clock, 'monotonic'>): Pauses {
  const all = new Map<string, Waited>();
  const total: Pick<Waited, 'ms' | 'since'> = { ms: 0, since: null };
  const waiting = (): [string, Waited][] => [...all].filter(([, { since }]) => since !== null);
  const lasted = ({ ms, since }: Pick<Waited, 'ms' | 'since'>): number =>
    ms + (since === null ? 0 : clock.monotonic() - since);

  return {
    get pausedBy() {
      return waiting().map(([name]) => name);
    },
    get pausedMs() {
      return lasted(total);
    },
    tell(pressing) {
      if (pressing.length > 0) total.since ??= clock.monotonic();
      else [total.ms, total.since] = [lasted(total), null];
      for (const [name, waited] of waiting())
        if (!pressing.some((it) => it.name === name)) [waited.ms, waited.since] = [lasted(waited), null];
      return pressing.filter(({ name, unit, figure }) => {
        const before = all.get(name);
        const waited = before ?? { unit, times: 0, worst: null, ms: 0, since: null };
        all.set(name, waited);
        if (waited.since === null) [waited.times, waited.since] = [waited.times + 1, clock.monotonic()];
        // JSON has no Infinity, which a replica is behind by that does not replicate.
        if (figure !== null && Number.isFinite(figure)) waited.worst = Math.max(waited.worst ?? figure, figure);
        return before === undefined;
      });
    },
    read: () =>
      [...all].map(([signal, waited]) => {
        const { unit, times, worst } = waited;
        return { signal, unit, times, seconds: Math.round(lasted(waited)) / 1_000, worst };
      }),
  };
}
