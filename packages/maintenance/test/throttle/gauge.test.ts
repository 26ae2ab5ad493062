import { describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createGauge } from '../../src/throttle/gauge.js';
import { createPressure, type Load } from '../../src/throttle/pressure.js';
import type { PressureSignal } from '../../src/throttle/signal.js';

type Reading = number | Promise<number> | Error;

/** A gauge that reads what it is told to, and the limits that its readings were given. */
function reading(more: Partial<PressureSignal> = {}) {
  const clock = fakeClock();
  const limits: AbortSignal[] = [];
  let now: Reading = 0;
  const read = (limit: AbortSignal) => {
    limits.push(limit);
    if (now instanceof Error) throw now;
    return now;
  };
  const gauge = createGauge({ name: 'queue', unit: 'jobs', pauseAt: 10, ...more, read }, clock);
  /** Reads that, and says what is made of it. */
  const after = async (next: Reading) => {
    now = next;
    const fault = await gauge.read();
    const { isPressing, isUnreadable, figure } = gauge;
    return { isPressing, isUnreadable, figure, fault };
  };
  return { gauge, clock, limits, after, set: (next: Reading) => (now = next) };
}
const low = { isPressing: false, isUnreadable: false, fault: undefined };
const high = { ...low, isPressing: true };

describe('a signal of pressure', () => {
  it('presses from its threshold on, and down to where it resumes', async () => {
    const { after } = reading({ resumeAt: 2 });
    for (const [figure, expected] of [
      ...[[9, low] as const, [10, high] as const, [9, high] as const, [3, high] as const],
      ...[[2, low] as const, [9, low] as const, [Infinity, high] as const, [0, low] as const],
    ] as const)
      expect([figure, await after(figure)]).toEqual([figure, { ...expected, figure }]);
  });

  it('resumes at half of its threshold, unless it says otherwise', async () => {
    const { after } = reading();
    await after(10);
    expect(await after(5.1)).toMatchObject(high);
    expect(await after(5)).toMatchObject(low);
  });

  it('that could not be read holds nobody up any more once it can, be it above where others resume', async () => {
    const { after } = reading();
    const fault = new Error('no such view');
    const unreadable = { isPressing: true, isUnreadable: true, figure: null };
    expect(await after(9)).toEqual({ ...low, figure: 9 });
    // Its fault is told once.
    expect(await after(fault)).toEqual({ ...unreadable, fault });
    expect(await after(fault)).toEqual({ ...unreadable, fault: undefined });
    expect(await after(9)).toEqual({ ...low, figure: 9 });
    expect(await after(NaN)).toEqual({ ...unreadable, fault: new Error('what it gave is no number') });
    expect(await after(10)).toEqual({ ...high, figure: 10 });
  });

  it('that is to be ignored while it cannot be read presses for its figures alone', async () => {
    const { after } = reading({ whenUnreadable: 'ignore' });
    expect(await after(new Error('no'))).toMatchObject({ isPressing: false, isUnreadable: true, figure: null });
    expect(await after(10)).toMatchObject(high);
    expect(await after(new Error('no'))).toMatchObject({ isPressing: false, isUnreadable: true, figure: null });
  });

  it('has five seconds for an answer, whose question is not put again while it may still come', async () => {
    const { gauge, clock, limits, after, set } = reading();
    let answer = (_: number): void => {};
    set(new Promise((resolve) => (answer = resolve)));
    let fault: unknown;
    const read = async () => {
      fault = undefined;
      const asked = gauge.read().then((it) => (fault = it));
      await clock.advance(5_000 - 1);
      expect(fault).toBeUndefined();
      await clock.advance(1);
      await asked;
      return fault;
    };
    expect(await read()).toEqual(new Error('it gave no figure within 5000 ms'));
    expect(limits.map(({ aborted }) => aborted)).toEqual([true]);
    await read();
    expect([limits.length, gauge.isUnreadable]).toEqual([1, true]);
    answer(3);
    await clock.advance(0);
    expect(await after(4)).toEqual({ ...low, figure: 4 });
    expect(limits).toHaveLength(2);
    // Who has answered is not told that its time is up.
    await clock.advance(60_000);
    expect(limits.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(clock.pending).toBe(0);
  });

  it('is asked again a minute after a question that it never answered, and no earlier', async () => {
    const { gauge, clock, limits, set } = reading();
    let answer = (_: number): void => {};
    set(new Promise((resolve) => (answer = resolve)));
    const read = async () => {
      const asked = gauge.read();
      await clock.advance(5_000);
      await asked;
    };
    await read();
    await clock.advance(60_000 - 5_000 - 1);
    await read();
    expect(limits).toHaveLength(1);
    set(new Promise(() => undefined));
    await read();
    expect(limits).toHaveLength(2);
    // What the first says so late is nothing to the second, which is still out.
    answer(3);
    await clock.advance(0);
    await read();
    expect([limits.length, gauge.isUnreadable]).toEqual([2, true]);
  });
});

describe('what runs wait for', () => {
  it('is read once for all of them within half a second, and its faults are logged once', async () => {
    const clock = fakeClock();
    let [reads, faults] = [0, 0];
    const warn = () => void (faults += 1);
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const read = () => Promise.reject(new Error(`no ${(reads += 1)}`));
    const signals = [{ name: 'queue', unit: 'jobs', pauseAt: 10, read, whenUnreadable: 'ignore' as const }];
    const pressure = createPressure({ signals, clock, logger, longestPauseMs: 10_000 });
    const told: Load[] = [];
    const relief = () =>
      pressure.relief({
        signal: new AbortController().signal,
        tell: (load) => void told.push(load),
        isOver: () => false,
      });
    expect(await Promise.all([relief(), relief()])).toEqual([true, true]);
    await clock.advance(499);
    expect(await relief()).toBe(true);
    expect(reads).toBe(1);
    await clock.advance(1);
    expect(await relief()).toBe(true);
    expect([reads, faults]).toEqual([2, 1]);
    expect(told).toEqual(Array<Load>(4).fill({ pressing: [], unreadable: ['queue'] }));
  });

  it('is told to each run: what it is, and at last that it goes on', async () => {
    const clock = fakeClock();
    let figure = 12;
    const signals = [{ name: 'queue', unit: 'jobs', pauseAt: 10, read: () => figure }];
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const pressure = createPressure({ signals, clock, logger, longestPauseMs: 10_000 });
    const told: Load[] = [];
    const never = new AbortController().signal;
    const waiting = pressure.relief({ signal: never, tell: (load) => void told.push(load), isOver: () => false });
    await clock.advance(1_000);
    figure = 5;
    await clock.advance(1_000);
    expect(await waiting).toBe(true);
    const pressing = {
      pressing: [{ name: 'queue', unit: 'jobs', figure: 12, says: 'is at 12 jobs; work goes on at 5' }],
      unreadable: [],
    };
    expect(told).toEqual([pressing, pressing, { pressing: [], unreadable: [] }]);
    expect(clock.pending).toBe(0);
  });

  it('is given up after the longest pause, or when the run has no time left, to the millisecond', async () => {
    const clock = fakeClock();
    const signals = [{ name: 'queue', unit: 'jobs', pauseAt: 10, read: () => 12 }];
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const pressure = createPressure({ signals, clock, logger, longestPauseMs: 10_000 });
    const never = new AbortController().signal;
    let [isOver, ended]: [boolean, boolean | undefined] = [false, undefined];
    const wait = () =>
      void pressure
        .relief({ signal: never, tell: () => undefined, isOver: () => isOver })
        .then((relieved) => (ended = relieved));
    wait();
    await clock.advance(9_999);
    expect(ended).toBeUndefined();
    await clock.advance(1);
    expect(ended).toBe(false);
    ended = undefined;
    wait();
    await clock.advance(1_999);
    isOver = true;
    expect(ended).toBeUndefined();
    await clock.advance(1);
    expect(ended).toBe(false);
  });

  it('does not hold up who is cancelled before its signals have been read, or while they are', async () => {
    const clock = fakeClock();
    const signals = [{ name: 'queue', unit: 'jobs', pauseAt: 1, read: () => new Promise<number>(() => undefined) }];
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const pressure = createPressure({ signals, clock, logger, longestPauseMs: 10_000 });
    const cancelled = new AbortController();
    const relief = () =>
      pressure.relief({ signal: cancelled.signal, tell: () => expect.unreachable(), isOver: () => false });
    const waiting = relief();
    cancelled.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    await expect(relief()).rejects.toThrow('cancelled');
  });
});
