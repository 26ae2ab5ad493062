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
