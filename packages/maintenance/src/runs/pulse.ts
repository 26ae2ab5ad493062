import type { Clock } from '@dotmac/core';
import type { Batch } from '../tasks/task.js';
import type { PressingSignal } from '../throttle/pressure.js';
import { createPauses } from './pauses.js';
import type { Cursors, LogLine, RunProgress, RunPulse } from './run.js';
import { createTargetLedger, etaSeconds, type TargetSize } from './targets.js';

const [longestLog, longestLine] = [200, 500];

/** What a run says of itself while it is under way. */
export interface Pulse {
  /** Spent of the budget of items. */
  readonly items: number;
  readonly batches: number;
  /** Given back to the system. */
  readonly bytes: number;
  /** Something has changed since it was last {@link Pulse.read}. */
  readonly isNew: boolean;
  /** A target that is to come, and its items; 0 when it does not, after all. */
  expect(target: string, size: TargetSize): void;
  /** @param seen so many items of it were looked at already */
  begin(target: string, size: TargetSize, seen?: number): void;
  count(target: string, batch: Batch): void;
  /** Where it is, between batches. */
  keep(target: string, cursor: unknown): void;
  done(target: string): void;
  /**
   * Nothing while it works.
   * @returns those that it has not waited for before
   */
  pause(pressing: readonly PressingSignal[]): PressingSignal[];
  note(message: string): void;
  read(): RunPulse;
}

/** @param cursors where the run that it resumes left off */
export function createPulse(clock: Pick<Clock, 'now' | 'monotonic'>, cursors: Cursors): Pulse {
  const startedAt = clock.monotonic();
  const log: LogLine[] = [];
  const kept: Cursors = { ...cursors };
  const total = { seen: 0, cleaned: 0, batches: 0 };
  const targets = createTargetLedger();
  const pauses = createPauses(clock);
  let [bytes, items] = [0, 0];
  let target: string | null = null;
  /** Of the first target: what was looked up before took no part of the work. */
  let begunAt: number | null = null;
  let isNew = false;
  /** A clock that stands still while the run waits. */
  const worked = (): number => clock.monotonic() - pauses.pausedMs;

  const progress = (): RunProgress => {
    const now = worked();
    const seconds = (clock.monotonic() - startedAt) / 1_000;
    const { planned, left, done } = targets;
    const pausedBy = pauses.pausedBy;
    return {
      state: pausedBy.length > 0 ? 'paused' : 'working',
      pausedBy,
      pauses: pauses.read(),
      target,
      planned,
      ...total,
      itemsPerSecond: seconds > 0 ? Math.round((total.cleaned / seconds) * 1_000) / 1_000 : 0,
      etaSeconds: etaSeconds(left, done, (now - (begunAt ?? now)) / 1_000),
      targets: targets.paces(now),
      updatedAt: clock.now(),
    };
  };

  const keep = (name: string, cursor: unknown): void => {
    // What is done stays so: a late cursor would make a run that resumes this one begin there.
    if (kept[name]?.done !== true) kept[name] = { cursor };
    isNew = true;
  };

  return {
    get items() {
      return items;
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
    expect(name, size) {
      targets.expect(name, size);
      isNew = true;
    },
    begin(name, size, seen = 0) {
      target = name;
      total.seen += seen;
      begunAt ??= worked();
      targets.begin(name, size, worked());
      isNew = true;
    },
    count(name, { cleaned, seen = cleaned, settled = cleaned, spent = cleaned, cursor, ...batch }) {
      bytes += batch.bytes ?? 0;
      items += spent;
      targets.count(name, { seen, settled, bytes: batch.bytes ?? 0 });
      total.seen += seen;
      total.cleaned += cleaned;
      total.batches += 1;
      if (cursor !== undefined) keep(name, cursor);
      isNew = true;
    },
    keep,
    done(name) {
      kept[name] = { done: true };
      targets.end(name, worked());
      isNew = true;
    },
    pause(pressing) {
      isNew = true;
      return pauses.tell(pressing);
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
