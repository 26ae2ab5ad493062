import { describe, expect, it } from 'vitest';
import { timerWaker } from '../../src/wake/timer-waker.js';
import { fakeClock, runSuite, wakerSuite } from '../../src/testing/index.js';

runSuite(wakerSuite, { describe, it }, () => {
  const clock = fakeClock();
  return Promise.resolve({
    subject: { waker: timerWaker({ clock }), now: () => clock.now(), pass: (ms) => clock.advance(ms) },
  });
});

describe('timer waker', () => {
  it('finds lost wake-ups by sweeping, at the start and later, and outlives a sweep that fails', async () => {
    const clock = fakeClock();
    const start = clock.now();
    const woken: [string, number][] = [];
    let sweeps = 0;
    const waker = timerWaker({
      clock,
      sweepMs: 10_000,
      sweep: () => {
        sweeps += 1;
        if (sweeps === 2) return Promise.reject(new Error('database away'));
        return Promise.resolve([{ key: `lost-${sweeps}`, at: start + sweeps * 500 }]);
      },
    });
    await waker.start((key) => Promise.resolve(void woken.push([key, clock.now() - start])));
    await clock.advance(25_000);
    expect(woken).toEqual([
      ['lost-1', 500],
      ['lost-3', 20_000],
    ]);
    await waker.stop();
    expect(clock.pending).toBe(0);
  });

  it('handles no more keys at once than it may, and all of them in the order of their times', async () => {
    const clock = fakeClock();
    const waker = timerWaker({ clock, concurrency: 3 });
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    await waker.start(async (key) => {
      most = Math.max(most, ++inside);
      order.push(Number(key));
      await clock.sleep(10);
      inside -= 1;
    });
    const keys = Array.from({ length: 50 }, (_, index) => (index * 37) % 50);
    for (const key of keys) await waker.wake(String(key), clock.now() + key);
    await clock.advance(1_000);
    expect(most).toBe(3);
    expect(order).toEqual([...keys].sort((a, b) => a - b));
    await waker.stop();
  });

  it('gives owners their turns where more is due than it can handle, however many keys one of them has', async () => {
    const clock = fakeClock();
    const waker = timerWaker({ clock, concurrency: 2, ownerOf: (key) => key.slice(0, key.indexOf('/')) });
    const order: string[] = [];
    await waker.start(async (key) => {
      order.push(key);
      await clock.sleep(1_000);
    });
    for (let key = 0; key < 3_000; key++) await waker.wake(`crowd/${key}`, clock.now() - 3_000 + key);
    await clock.advance(500);
    for (const key of ['a/1', 'a/2', 'b/1']) await waker.wake(key, clock.now());
    await clock.advance(10_000);
    expect(order.filter((key) => !key.startsWith('crowd'))).toEqual(['a/1', 'b/1', 'a/2']);
    expect(order.indexOf('a/2')).toBeLessThan(12);
    expect(order.filter((key) => key.startsWith('crowd'))).toEqual(
      Array.from({ length: order.length - 3 }, (_, key) => `crowd/${key}`),
    );
    const stopped = waker.stop();
    await clock.advance(1_000);
    await stopped;
  });

  it('has a place for an owner of few keys, though those of another fill it', async () => {
    const clock = fakeClock();
    const waker = timerWaker({ clock, maxWaiting: 200, ownerOf: (key) => key.slice(0, key.indexOf('/')) });
    const woken = new Set<string>();
    const at = clock.now() + 1_000;
    for (let key = 0; key < 300; key++) await waker.wake(`crowd/${key}`, at);
    for (let key = 0; key < 5; key++) await waker.wake(`a/${key}`, at);
    await waker.start((key) => Promise.resolve(void woken.add(key)));
    await clock.advance(2_000);
    expect([...woken].filter((key) => key.startsWith('crowd'))).toHaveLength(200);
    expect([...woken].filter((key) => key.startsWith('a')).sort()).toEqual(['a/0', 'a/1']);
    await waker.stop();
  });

  it('wakes at once what is due, though it waited for something else when the wall clock was set forward', async () => {
    const clock = fakeClock();
    const waker = timerWaker({ clock });
    const woken: string[] = [];
    await waker.start((key) => Promise.resolve(void woken.push(key)));
    await waker.wake('in an hour', clock.now() + 3_600_000);
    await clock.advance(0);
    clock.set(clock.now() + 7_200_000);
    await waker.wake('now', clock.now());
    await clock.advance(0);
    expect(woken).toEqual(['in an hour', 'now']);
    await waker.stop();
  });

  it('sets one timer for what is due at once, however many ask', async () => {
    const clock = fakeClock();
    let timers = 0;
    const counting = {
      ...clock,
      after: (...given: Parameters<typeof clock.after>) => (timers++, clock.after(...given)),
    };
    const waker = timerWaker({ clock: counting });
    await waker.start(() => Promise.resolve());
    for (let key = 0; key < 100; key++) await waker.wake(String(key), clock.now());
    expect(timers).toBe(1);
    await clock.advance(0);
    await waker.stop();
  });

  it('tries a key again after a wait that grows with its failures, and begins anew after a success', async () => {
    const clock = fakeClock();
    const waker = timerWaker({ clock });
    const [tries, fails]: [number[], boolean[]] = [[], [true, true, true, false, true, false]];
    await waker.start(() => {
      tries.push(clock.now());
      return fails.shift() ? Promise.reject(new Error('not yet')) : Promise.resolve();
    });
    await waker.wake('k', clock.now());
    for (let second = 0; second < 10; second++) await clock.advance(1_000);
    await waker.wake('k', clock.now());
    for (let second = 0; second < 10; second++) await clock.advance(1_000);
    const waits = tries.map((at, index) => at - (tries[index - 1] ?? at));
    expect(waits).toEqual([0, 1_000, 2_000, 4_000, 3_000, 1_000]);
    await waker.stop();
  });

  it('has no more keys wait than it may: the sweep finds the others', async () => {
    const clock = fakeClock();
    const due = ['a', 'b', 'c'].map((key) => ({ key, at: clock.now() + 1_000 }));
    const woken: string[] = [];
    const waker = timerWaker({ clock, maxWaiting: 2, sweepMs: 5_000, sweep: () => Promise.resolve(due) });
    await waker.start((key) => {
      due.splice(
        due.findIndex((it) => it.key === key),
        1,
      );
      return Promise.resolve(void woken.push(key));
    });
    await clock.advance(1_000);
    expect(woken).toEqual(['a', 'b']);
    await clock.advance(5_000);
    expect(woken).toEqual(['a', 'b', 'c']);
    await waker.stop();
  });

  it('aborts a handler that outlasts the grace of stopping', async () => {
    const clock = fakeClock();
    const waker = timerWaker({ clock, graceMs: 1_000 });
    let aborted = false;
    await waker.start(async (_, signal) => {
      await clock.sleep(1_000_000, signal).catch(() => (aborted = true));
    });
    await waker.wake('k', clock.now());
    await clock.advance(0);
    const stopped = waker.stop();
    await clock.advance(1_000);
    await stopped;
    expect(aborted).toBe(true);
  });
});
