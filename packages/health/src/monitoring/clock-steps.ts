import type { Clock } from '@dotmac/core';

/** How the wall clock was set while this process ran: instants that it dated before are other instants by it now. */
export interface ClockSteps {
  /** Calls `listener` with by how much it was set, ms, when that is seen at a look. */
  onSet(listener: (byMs: number) => void): void;
  /** Looks whether it was set; before instants of before are compared with now. */
  look(): void;
  /**
   * By how much it was set since it dated an instant, ms, as far as the date tells: one that it showed twice, for it was set
   * back, counts as dated the second time.
   */
  since(at: number): number;
  /** What it showed within the last `ms`, epoch ms: more than one span, the newest first, when it was set meanwhile. */
  shown(ms: number): { from: number; until: number }[];
  /** The latest instant that it has shown, epoch ms: it lies ahead when it was set back since. */
  latest(): number;
}

/** Wall clocks are slewed by less from one look to the next; what is more was set. */
const leastStepMs = 2_000;
/** Of as many it is remembered. */
const mostSteps = 100;

/** Begins to watch the clock. */
export function createClockSteps(clock: Pick<Clock, 'now' | 'monotonic'>): ClockSteps {
  const listeners: ((byMs: number) => void)[] = [];
  const aheadOf = (): number => clock.now() - clock.monotonic();
  let lastAhead = aheadOf();
  /** By how much it was set, and what it and the monotonic clock showed when that was seen. */
  const steps: { by: number; seenAt: number; read: number }[] = [];
  /** Whether an instant was dated before a step: after it the clock never showed that yet, or any more. */
  const isBefore = (at: number, { by, seenAt }: { by: number; seenAt: number }): boolean =>
    by > 0 ? at <= seenAt - by : at < seenAt + by || at > clock.now();
  const look = (): void => {
    const nowAhead = aheadOf();
    const by = Math.round(nowAhead - lastAhead);
    lastAhead = nowAhead;
    if (Math.abs(by) < leastStepMs) return;
    steps.push({ by, seenAt: clock.now(), read: clock.monotonic() });
    if (steps.length > mostSteps) steps.shift();
    for (const listener of listeners) listener(by);
  };
  return {
    onSet: (listener) => void listeners.push(listener),
    look,
    since(at) {
      look();
      let setBy = 0;
      for (const step of steps) if (isBefore(at + setBy, step)) setBy += step.by;
      return setBy;
    },
    latest() {
      look();
      return Math.max(clock.now(), ...steps.map(({ seenAt, by }) => seenAt - by));
    },
    shown(ms) {
      look();
      const begin = clock.monotonic() - ms;
      const spans: { from: number; until: number }[] = [];
      let [until, read] = [clock.now(), clock.monotonic()];
      for (const step of steps.toReversed()) {
        if (step.read <= begin) break;
        spans.push({ from: step.seenAt, until });
        [until, read] = [step.seenAt - step.by, step.read];
      }
      return [...spans, { from: until - (read - begin), until }];
    },
  };
}
