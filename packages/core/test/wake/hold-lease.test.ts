import { describe, expect, it } from 'vitest';
import { memoryLeases } from '../../src/memory/leases.js';
import { fakeClock } from '../../src/testing/index.js';
import { holdLease } from '../../src/wake/hold-lease.js';
import type { Leases } from '../../src/wake/lease.js';

const ttlMs = 30_000;
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('holding a lease', () => {
  it('keeps others out for as long as the work takes, then lets them in', async () => {
    const clock = fakeClock();
    const leases = memoryLeases({ clock });
    const held = holdLease(leases, 'k', { ttlMs, clock }, async (signal) => {
      await clock.sleep(10 * ttlMs);
      return signal.aborted;
    });
    for (let passed = 0; passed < 9; passed++) {
      await clock.advance(ttlMs);
      expect(await holdLease(leases, 'k', { ttlMs, clock }, () => Promise.resolve())).toEqual({ held: false });
    }
    await clock.advance(ttlMs);
    expect(await held).toEqual({ held: true, fence: 1, result: false });
    expect(clock.pending).toBe(0);
    expect(await leases.acquire('k', 'next', ttlMs)).toEqual({ fence: 2 });
  });

  it.each<[string, Partial<Leases>]>([
    ['refused', { renew: () => Promise.resolve(false) }],
    ['failing', { renew: () => Promise.reject(new Error('database away')) }],
    ['never answered', { renew: () => new Promise(() => {}) }],
  ])('aborts the work before others may take over when its renewal is %s', async (_, broken) => {
    const clock = fakeClock();
    const start = clock.now();
    const leases = { ...memoryLeases({ clock }), ...broken };
    const held = holdLease(leases, 'k', { ttlMs, clock }, untilAborted);
    const outcome = held.catch((error: { code: string }) => [error.code, clock.now() - start < ttlMs]);
    await clock.advance(ttlMs);
    expect(await outcome).toEqual(['LEASE_LOST', true]);
  });

  it('asks again soon when its renewal failed, and goes on', async () => {
    const clock = fakeClock();
    const leases = memoryLeases({ clock });
    let failures = 1;
    const renew: Leases['renew'] = (...asked) =>
      failures-- > 0 ? Promise.reject(new Error('database away')) : leases.renew(...asked);
    const held = holdLease({ ...leases, renew }, 'k', { ttlMs, clock }, async (signal) => {
      await clock.sleep(3 * ttlMs);
      return signal.aborted;
    });
    for (let passed = 0; passed < 3; passed++) {
      await clock.advance(ttlMs - 1);
      expect(await leases.acquire('k', 'other', ttlMs)).toBeNull();
      await clock.advance(1);
    }
    expect(await held).toEqual({ held: true, fence: 1, result: false });
  });

  it.each([
    ['granted', 15_000, 20_000],
    ['renewed', 5_000, 30_000],
  ])('counts from when it asked to be %s, not from the answer', async (what, lateMs, lostAt) => {
    const clock = fakeClock();
    const [leases, start] = [memoryLeases({ clock }), clock.now()];
    let answers = what === 'granted' ? 0 : 1;
    const late = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
      await answer;
      await clock.sleep(lateMs);
      return answer;
    };
    const slow: Leases = {
      ...leases,
      acquire: (...asked) => (what === 'granted' ? late(leases.acquire(...asked)) : leases.acquire(...asked)),
      renew: (...asked) => (answers-- > 0 ? late(leases.renew(...asked)) : new Promise(() => {})),
    };
    const held = holdLease(slow, 'k', { ttlMs, clock }, untilAborted);
    const lost = held.catch(() => clock.now() - start);
    await clock.advance(2 * ttlMs);
    // Asked for at 0, or at 10 s, and given up when a third of it is left.
    expect(await lost).toBe(lostAt);
  });

  it('begins no work that is not told to stop at once, when that was said while it was asked for', async () => {
    const clock = fakeClock();
    const leases = memoryLeases({ clock });
    const controller = new AbortController();
    const acquire: Leases['acquire'] = async (...asked) => {
      const lease = await leases.acquire(...asked);
      controller.abort(new Error('shutting down'));
      return lease;
    };
    const asked = { ttlMs, clock, signal: controller.signal };
    const held = holdLease({ ...leases, acquire }, 'k', asked, (signal) => Promise.resolve(signal.aborted));
    expect(await held).toMatchObject({ held: true, result: true });
    expect(clock.pending).toBe(0);
  });

  it('renews no more once the work is over, whatever becomes of a renewal on its way', async () => {
    for (const isAway of [true, false]) {
      const clock = fakeClock();
      const leases = memoryLeases({ clock });
      const renew: Leases['renew'] = async (...asked) => {
        await clock.sleep(5_000);
        if (isAway) throw new Error('database away');
        return leases.renew(...asked);
      };
      const held = holdLease({ ...leases, renew }, 'k', { ttlMs, clock }, () => clock.sleep(ttlMs / 3 + 1));
      await clock.advance(ttlMs / 3 + 1);
      expect(await held).toMatchObject({ held: true });
      await clock.advance(5_000);
      expect(clock.pending).toBe(0);
    }
  });

  it('passes an abort from outside on, and gives the lease back when the work throws', async () => {
    const clock = fakeClock();
    const leases = memoryLeases({ clock });
    const controller = new AbortController();
    const held = holdLease(leases, 'k', { ttlMs, clock, signal: controller.signal }, untilAborted);
    await clock.advance(1);
    controller.abort(new Error('shutting down'));
    await expect(held).rejects.toThrow('shutting down');
    expect(await leases.acquire('k', 'next', ttlMs)).toEqual({ fence: 2 });
    expect(clock.pending).toBe(0);
  });
});
