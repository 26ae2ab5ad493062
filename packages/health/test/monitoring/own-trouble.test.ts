import type { Clock } from '@dotmac/core';
import { describe, expect, it } from 'vitest';
import { ownTrouble } from '../../src/monitoring/own-trouble.js';

const offline = { status: 'offline', code: 'timeout', responseTimeMs: null, message: 'No answer in time' } as const;
const healthy = { status: 'healthy', code: 'ok', responseTimeMs: 3, message: 'Connected' } as const;

/** A clock of an event loop that can stand still: time goes on and no timer fires. */
function stallingClock() {
  let now = 0;
  let due: { at: number; fire: () => void } | undefined;
  const clock: Pick<Clock, 'monotonic' | 'after'> = {
    monotonic: () => now,
    after(delayMs, fire) {
      due = { at: now + delayMs, fire };
      return () => (due = undefined);
    },
  };
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end;) {
      now = Math.max(now, Math.min(end, due?.at ?? end));
      if (due && due.at <= now) due.fire();
    }
  };
  return { clock: clock as Clock, pass, standStill: (ms: number): void => void (now += ms), pending: () => due };
}

describe('a failed check', () => {
  it('counts when this process ran smoothly', () => {
    const { clock, pass } = stallingClock();
    const trouble = ownTrouble(clock);
    trouble.start();
    const weigh = trouble.watch();
    pass(30_000);
    expect(weigh(offline)).toEqual(offline);
  });

  it('says nothing when this process stood still meanwhile, before or after its timers caught up', () => {
    for (const catchUpMs of [0, 500]) {
      const { clock, pass, standStill } = stallingClock();
      const trouble = ownTrouble(clock);
      trouble.start();
      pass(1_000);
      const weigh = trouble.watch();
      pass(200);
      standStill(2_000);
      pass(catchUpMs);
      expect(weigh(offline)).toMatchObject({ status: 'unknown', code: 'own_event_loop', responseTimeMs: null });
    }
  });

  it('counts when this process stood still only before it', () => {
    const { clock, pass, standStill } = stallingClock();
    const trouble = ownTrouble(clock);
    trouble.start();
    standStill(5_000);
    pass(1_000);
    const weigh = trouble.watch();
    pass(1_000);
    expect(weigh(offline)).toEqual(offline);
  });

  it('counts when this process stood still until just before it, or before anybody watched', () => {
    const { clock, standStill, pass } = stallingClock();
    const trouble = ownTrouble(clock);
    const early = trouble.watch();
    standStill(5_000);
    trouble.start();
    pass(100);
    expect(early(offline)).toEqual(offline);
    standStill(5_000);
    const weigh = trouble.watch();
    pass(100);
    expect(weigh(offline)).toEqual(offline);
  });

  const slow = {
    status: 'degraded',
    code: 'slow',
    responseTimeMs: 905,
    message: 'Connected, slower than expected',
  } as const;
  const wrong = {
    status: 'critical',
    code: 'status_unexpected',
    responseTimeMs: 2_400,
    message: 'Answered HTTP 500',
  } as const;
  it.each([
    ['nothing when that was half of the time that it had', offline, 1_000, false],
    ['what it does when it had much more time', offline, 5_000, true],
    ['nothing when that was most of what the answer took', slow, 5_000, false],
    ['what it does when the answer took much longer', wrong, 5_000, true],
  ])('over 0.9 s of standing still says %s', (_, result, timeoutMs, counts) => {
    const { clock, standStill, pass } = stallingClock();
    const trouble = ownTrouble(clock);
    trouble.start();
    const weigh = trouble.watch(timeoutMs);
    standStill(900);
    pass(100);
    expect(weigh(result).status).toBe(counts ? result.status : 'unknown');
  });

  it('counts in a process that is late all the time by a little', () => {
    const { clock, standStill, pass } = stallingClock();
    const trouble = ownTrouble(clock);
    trouble.start();
    const weigh = trouble.watch(1_000);
    for (let turn = 0; turn < 10; turn++) {
      standStill(200);
      pass(1);
    }
    expect(weigh(offline)).toEqual(offline);
  });

  it('counts over a stutter', () => {
    const { clock, standStill, pass } = stallingClock();
    const trouble = ownTrouble(clock);
    trouble.start();
    const weigh = trouble.watch();
    standStill(700);
    pass(300);
    expect(weigh(offline)).toEqual(offline);
  });
});

describe('the watch', () => {
  it('leaves a healthy result alone', () => {
    const { clock, standStill } = stallingClock();
    const trouble = ownTrouble(clock);
    trouble.start();
    const weigh = trouble.watch();
    standStill(5_000);
    expect(weigh(healthy)).toEqual(healthy);
  });

  it('holds no timer after it was stopped, and takes the pause for no stall', () => {
    const { clock, pass, standStill, pending } = stallingClock();
    const trouble = ownTrouble(clock);
    trouble.start();
    pass(1_000);
    trouble.stop();
    expect(pending()).toBeUndefined();
    standStill(60_000);
    trouble.start();
    const weigh = trouble.watch();
    pass(1_000);
    expect(weigh(offline)).toEqual(offline);
  });
});
