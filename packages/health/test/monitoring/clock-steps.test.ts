import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import { createClockSteps } from '../../src/monitoring/clock-steps.js';

const minute = 60_000;
const hour = 60 * minute;

function stage() {
  const clock = fakeClock();
  const steps = createClockSteps(clock);
  const set = (byMs: number): void => clock.set(clock.now() + byMs);
  const told: number[] = [];
  steps.onSet((byMs) => void told.push(byMs));
  return { clock, steps, set, told };
}

describe('a wall clock', () => {
  it('that runs on, or is slewed, was not set', async () => {
    const { clock, steps, set, told } = stage();
    const at = clock.now();
    for (let count = 0; count < 100; count++) {
      await clock.advance(1_000);
      set(50);
      steps.look();
    }
    expect([told, steps.since(at)]).toEqual([[], 0]);
  });

  it('that was set forward dated before what lies before what was left out, and since what lies after', async () => {
    const { clock, steps, set, told } = stage();
    const before = [clock.now() - 30 * 24 * hour, clock.now() - minute, clock.now()];
    set(hour);
    const since = clock.now();
    await clock.advance(minute);
    expect(before.map((at) => steps.since(at))).toEqual([hour, hour, hour]);
    expect([steps.since(since), steps.since(clock.now())]).toEqual([0, 0]);
    expect(told).toEqual([hour]);
  });

  it('that was set back dated before what is still to come, and what is long ago', async () => {
    const { clock, steps, set, told } = stage();
    const before = clock.now();
    set(-hour);
    expect([steps.since(before), steps.since(clock.now())]).toEqual([-hour, 0]);
    expect(steps.since(before - 3 * hour)).toBe(-hour);
    await clock.advance(hour + 1);
    // It has shown that instant twice by now.
    expect(steps.since(before)).toBe(0);
    expect(told).toEqual([-hour]);
  });

  it('has shown what it did, in pieces when it was set meanwhile', async () => {
    const { clock, steps, set } = stage();
    const begin = clock.now();
    await clock.advance(10 * minute);
    expect(steps.shown(5 * minute)).toEqual([{ from: begin + 5 * minute, until: begin + 10 * minute }]);
    set(hour);
    steps.look();
    await clock.advance(3 * minute);
    const forward = { from: begin + hour + 10 * minute, until: begin + hour + 13 * minute };
    expect(steps.shown(5 * minute)).toEqual([forward, { from: begin + 8 * minute, until: begin + 10 * minute }]);
    expect(steps.shown(3 * minute)).toEqual([forward]);
    set(-2 * hour);
    steps.look();
    await clock.advance(minute);
    const back = { from: begin - hour + 13 * minute, until: begin - hour + 14 * minute };
    expect(steps.shown(5 * minute)).toEqual([back, forward, { from: begin + 9 * minute, until: begin + 10 * minute }]);
    expect(steps.shown(minute)).toEqual([back]);
  });

  it('that was set there and back again dated as if nothing had been', async () => {
    for (const step of [hour, -hour]) {
      const { clock, steps, set } = stage();
      const before = clock.now() - 3 * hour;
      set(step);
      steps.look();
      await clock.advance(minute);
      set(-step);
      expect(steps.since(before)).toBe(0);
    }
  });
});
