import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClockSteps } from '../../src/monitoring/clock-steps.js';
import { noTally, withoutTally, type Tally } from '../../src/objectives/budget.js';
import { createShownTwice, shownAgain } from '../../src/objectives/shown-twice.js';

const minute = 60_000;
const start = Date.UTC(2026, 2, 1);
const checks = (total: number): Tally => ({ ...noTally, total });

/** A clock that is set back once, looks at it each minute, and checks of which each minute has its own number. */
function watched(minutesBefore: number, minutesBack: number) {
  let [wall, monotonic] = [start, 0];
  const steps = createClockSteps({ now: () => wall, monotonic: () => monotonic });
  const shownTwice = createShownTwice();
  const sums = new Map<number, number>();
  /** What was found out in each minute, one after the other. */
  const history: number[] = [];
  const sumOf = (from: number, until: number): number => {
    let sum = 0;
    for (let at = Math.floor(from / minute) * minute; at < until; at += minute) sum += sums.get(at) ?? 0;
    return sum;
  };
  const passes = (minutes: number): void => {
    for (let passed = 0; passed < minutes; passed++) {
      const found = 1 + ((history.length * 7) % 11);
      history.push(found);
      sums.set(wall, (sums.get(wall) ?? 0) + found);
      const next = wall + minute;
      const latest = steps.latest();
      if (latest >= next) shownTwice.note('all', next, checks(sumOf(next, latest + 1)));
      else if (shownTwice.isAhead('all')) shownTwice.note('all', next, noTally);
      [wall, monotonic] = [wall + minute, monotonic + minute];
    }
  };
  passes(minutesBefore);
  wall -= minutesBack * minute;
  /** By what is summed up, and by what there was. */
  const within = (minutes: number) => {
    const shown = steps.shown(minutes * minute).sort((a, b) => a.from - b.from);
    let [sum, until] = [0, -Infinity];
    for (const span of shown) {
      sum += sumOf(Math.max(span.from, until), span.until);
      until = Math.max(until, span.until);
    }
    const again = shownAgain(steps.shown(minutes * minute));
    const held = again ? shownTwice.heldWithin('all', again) : noTally;
    const real = history.slice(-minutes).reduce((all, one) => all + one, 0);
    return { real, counted: withoutTally(checks(sum), held).total, summedUp: sum };
  };
  return { passes, within, shownTwice, now: () => wall, first: sums.get(wall) ?? 0 };
}

describe('a window, when the clock was set back', () => {
  it('holds what was found out within it, and not what was there before', () => {
    const minutes = (most: number) => fc.integer({ min: 1, max: most });
    fc.assert(
      fc.property(minutes(120), minutes(250), minutes(120), (back, since, window) => {
        const { passes, within, first } = watched(300, back);
        passes(since);
        const { real, counted } = within(window);
        // What the minute in which it was set held before, nobody has looked at.
        if (window < since) expect(counted).toBe(real);
        else expect([real, real + first]).toContain(counted);
      }),
      { numRuns: 300 },
    );
  });

  it('would hold more by its sums alone', () => {
    const { passes, within } = watched(300, 60);
    passes(20);
    const { real, counted, summedUp } = within(5);
    expect(counted).toBe(real);
    expect(summedUp).toBeGreaterThan(real);
  });

  it('is forgotten once no window reaches back to it', () => {
    const { passes, shownTwice, now } = watched(300, 60);
    passes(90);
    const again = { from: now() - 90 * minute, until: now() };
    expect(shownTwice.heldWithin('all', again).total).toBeGreaterThan(0);
    shownTwice.forget(now() + 73 * 60 * minute);
    expect(shownTwice.heldWithin('all', again)).toEqual(noTally);
  });
});
