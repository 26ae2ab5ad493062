import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '../../src/testing/index.js';

describe('fake clock', () => {
  it('fires every due timer once, at its time, in order, and no other', async () => {
    const delays = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 }), async (wanted, steps) => {
        const clock = fakeClock(0);
        const fired: { index: number; at: number }[] = [];
        wanted.forEach((delay, index) => clock.after(delay, () => fired.push({ index, at: clock.now() })));
        for (const step of steps) await clock.advance(step);
        const until = steps.reduce((sum, step) => sum + step, 0);
        const due = wanted
          .map((at, index) => ({ index, at }))
          .filter(({ at }) => steps.length > 0 && at <= until)
          .sort((a, b) => a.at - b.at || a.index - b.index);
        expect(fired).toEqual(due);
        expect(clock.pending).toBe(wanted.length - due.length);
        expect(clock.now()).toBe(until);
      }),
      { numRuns: 40 },
    );
  });

  it('fires timers set while it advances, and lets asynchronous work go on in between', async () => {
    const clock = fakeClock();
    const start = clock.now();
    const ticks: number[] = [];
    const work = (async () => {
      for (let tick = 0; tick < 5; tick++) {
        await clock.sleep(10);
        await new Promise((resolve) => setImmediate(resolve));
        ticks.push(clock.now() - start);
      }
    })();
    await clock.advance(50);
    await work;
    expect(ticks).toEqual([10, 20, 30, 40, 50]);
  });

  it('shows whole milliseconds of the wall clock and fractions of the monotonic one, which tells durations exactly', async () => {
    const clock = fakeClock(5_000);
    const before = clock.monotonic();
    for (const ms of [0, 250, 0.5, 0.5]) await clock.advance(ms);
    expect([before % 1, clock.monotonic() - before]).toEqual([0.625, 251]);
    await clock.advance(0.9);
    expect(clock.now()).toBe(5_251);
    clock.set(9_000);
    expect(clock.now()).toBe(9_000);
  });

  it('drifts when asked to: durations have fractions then, and are never too short, and timers fire when they would', async () => {
    const clock = fakeClock(5_000, { drifting: true });
    const startedAt = clock.monotonic();
    const fired: number[] = [];
    const again = (at: number): void =>
      void clock.after(at - clock.monotonic(), () => (fired.push(clock.now()), again(at + 10)));
    again(startedAt + 10);
    await clock.advance(30);
    const tookMs = clock.monotonic() - startedAt;
    expect([tookMs > 30, tookMs < 31, fired]).toEqual([true, true, [5_010, 5_020, 5_030]]);
    expect(clock.now()).toBe(5_030);
  });

  it('cancels timers, aborts sleeps, and keeps timers apart from jumps of the wall clock', async () => {
    const clock = fakeClock();
    let fired = 0;
    clock.after(10, () => (fired += 1))();
    const controller = new AbortController();
    const sleeping = clock.sleep(10, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
    clock.after(10, () => (fired += 1));
    const before = clock.monotonic();
    clock.set(Date.UTC(2030, 0, 1));
    expect([clock.now(), clock.monotonic()]).toEqual([Date.UTC(2030, 0, 1), before]);
    await clock.advance(9);
    expect(fired).toBe(0);
    await clock.advance(1);
    expect(fired).toBe(1);
  });
});
