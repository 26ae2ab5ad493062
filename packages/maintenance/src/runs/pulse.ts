import type { Clock } from '@dotmac/core';
import type { Batch } from '../tasks/task.js';
import type { Cursors, LogLine, RunProgress, RunPulse } from './run.js';

const [longestLog, longestLine] = [200, 500];

/** What a run says of itself while it is under way. */
export interface Pulse {
  readonly items: number;
  readonly batches: number;
  /** Given back to the system. */
  readonly bytes: number;
  /** Something has changed since it was last {@link Pulse.read}. */
  readonly isNew: boolean;
  begin(target: string, planned: number | null): void;
  count(target: string, batch: Batch): void;
  done(target: string): void;
  /** Empty while it works. */
  pause(pausedBy: readonly string[]): void;
  note(message: string): void;
  read(): RunPulse;
}

/** @param cursors where the run that it resumes left off */
export function createPulse(clock: Pick<Clock, 'now' | 'monotonic'>, cursors: Cursors): Pulse {
  const startedAt = clock.monotonic();
  const log: LogLine[] = [];
  const kept: Cursors = { ...cursors };
  const total = { seen: 0, cleaned: 0, batches: 0 };
  let bytes = 0;
  let planned: number | null = 0;
  let target: string | null = null;
  let pausedBy: readonly string[] = [];
  let isNew = false;

  const progress = (): RunProgress => {
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    const itemsPerSecond = seconds > 0 ? Math.round((total.cleaned / seconds) * 1_000) / 1_000 : 0;
    return {
      state: pausedBy.length > 0 ? 'paused' : 'working',
      pausedBy: [...pausedBy],
      target,
      planned,
      ...total,
      itemsPerSecond,
      etaSeconds: etaSeconds(planned, total.cleaned, itemsPerSecond),
      updatedAt: clock.now(),
    };
  };

  return {
    get items() {
      return total.cleaned;
    },
    get batches() {
      return total.batches;
    },
    get bytes() {
      return bytes;
    },
    get isNew() {
      return isNew;
    },
    begin(name, more) {
      target = name;
      planned = planned === null || more === null ? null : planned + more;
      isNew = true;
    },
    count(name, { cleaned, seen = cleaned, cursor, ...batch }) {
      bytes += batch.bytes ?? 0;
      total.seen += Math.max(seen, cleaned);
      total.cleaned += cleaned;
      total.batches += 1;
      // What is done stays so: a late cursor would make a run that resumes this one begin there.
      if (cursor !== undefined && kept[name]?.done !== true) kept[name] = { cursor };
      isNew = true;
    },
    done(name) {
      kept[name] = { done: true };
      isNew = true;
    },
    pause(signals) {
      pausedBy = signals;
      isNew = true;
    },
    note(message) {
      if (log.length < longestLog) log.push({ at: clock.now(), message: message.slice(0, longestLine) });
      isNew = true;
    },
    read() {
      isNew = false;
      const { seen, cleaned } = total;
      return { itemsProcessed: seen, itemsCleaned: cleaned, progress: progress(), cursors: { ...kept }, log: [...log] };
    },
  };
}

/** How long the rest takes at the pace so far; null without a plan or a pace. */
export function etaSeconds(planned: number | null, cleaned: number, itemsPerSecond: number): number | null {
  if (planned === null) return null;
  if (planned <= cleaned) return 0;
  return itemsPerSecond > 0 ? Math.ceil((planned - cleaned) / itemsPerSecond) : null;
}
