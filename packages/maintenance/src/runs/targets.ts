import type { TargetPace } from './run.js';

/** What there is to do of a target. */
export interface TargetSize {
  /** Items that are to go; null where nobody knows. */
  planned: number | null;
  /** As many are looked at for these, where that is what takes the time; null where the items themselves do. */
  toSee: number | null;
}

/** All that a run has to do, target by target: those that it has begun, and those that are to come. */
export interface TargetLedger {
  /** Items of all targets; null while those of any that is open or to come are not known. */
  readonly planned: number | null;
  /** Steps that were taken: items that are done with, or that were looked at, where that is what takes the time. */
  readonly done: number;
  /** Steps that are left; null as `planned` is. */
  readonly left: number | null;
  /** What is to come; 0 when nothing is, after all. Ignored of a target that has begun. */
  expect(target: string, size: TargetSize): void;
  /** Ends the target before, and begins one, or goes on with it. */
  begin(target: string, size: TargetSize, now: number): void;
  count(target: string, batch: Counted): void;
  /** Whatever was planned of it, what was done is all. */
  end(target: string, now: number): void;
  /** What each target took that has begun, up to now. Ms of a clock that stands still while the run waits. */
  paces(now: number): TargetPace[];
}

/** What came of a batch, or of all of them. */
interface Counted {
  seen: number;
  /** Items that are done with, whether they went or not. */
  settled: number;
  bytes: number;
}

interface Begun extends TargetSize, Counted {
  ms: number;
  /** Null once it has ended. */
  since: number | null;
}

/** More are not told of one by one; they count all the same. */
const mostPaces = 100;

/** @see TargetLedger */
export function createTargetLedger(): TargetLedger {
  const begun = new Map<string, Begun>();
  const expected = new Map<string, TargetSize>();
  /** All of it that there is to do. */
  const allOf = ({ planned, settled, since }: Begun): number | null => {
    if (since === null) return settled;
    return planned === null ? null : Math.max(planned, settled);
  };
  const stepsOf = ({ planned, toSee }: TargetSize): number | null => (planned === null ? null : (toSee ?? planned));
  const doneOf = ({ toSee, seen, settled }: Begun): number => (toSee === null ? settled : seen);
  const leftOf = (it: Begun): number | null => {
    if (it.since === null) return 0;
    const steps = stepsOf(it);
    return steps === null ? null : Math.max(0, steps - doneOf(it));
  };
  const plus = (before: number, more: number | null): number | null => (more === null ? null : before + more);
  const sum = (parts: (number | null)[]): number | null =>
    parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);
  const end = (it: Begun, now: number): void => {
    if (it.since !== null) [it.ms, it.since] = [it.ms + now - it.since, null];
  };

  return {
    get planned() {
      return sum([...[...begun.values()].map(allOf), ...[...expected.values()].map(({ planned }) => planned)]);
    },
    get done() {
      return [...begun.values()].reduce((total, it) => total + doneOf(it), 0);
    },
    get left() {
      return sum([...[...begun.values()].map(leftOf), ...[...expected.values()].map(stepsOf)]);
    },
    expect(target, size) {
      if (begun.has(target)) return;
      if (stepsOf(size) === 0) expected.delete(target);
      else expected.set(target, size);
    },
    begin(target, { planned, toSee }, now) {
      for (const it of begun.values()) end(it, now);
      expected.delete(target);
      const { seen = 0, settled = 0, bytes = 0, ms = 0 } = begun.get(target) ?? {};
      const size = { planned: plus(settled, planned), toSee: plus(seen, toSee) };
      begun.set(target, { ...size, seen, settled, bytes, ms, since: now });
    },
    count(target, { seen, settled, bytes }) {
      const it = begun.get(target);
      if (!it) return;
      it.seen += seen;
      it.settled += settled;
      it.bytes += bytes;
    },
    end(target, now) {
      const it = begun.get(target);
      if (it) end(it, now);
    },
    paces: (now) =>
      [...begun].slice(0, mostPaces).map(([target, it]) => {
        const { seen, settled, bytes, ms, since } = it;
        const seconds = Math.round(ms + (since === null ? 0 : now - since)) / 1_000;
        return { target, planned: allOf(it), seen, settled, bytes, seconds };
      }),
  };
}

/**
 * How long the rest takes at the pace so far, in seconds, rounded up; null when nobody knows what is left, or no pace.
 * @param seconds of work that the steps which were taken took
 */
export function etaSeconds(left: number | null, done: number, seconds: number): number | null {
  if (left === null) return null;
  if (left <= 0) return 0;
  return done > 0 && seconds > 0 ? Math.ceil((left * seconds) / done) : null;
}
