import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWatch } from '../../src/heartbeats/watch.js';
import { memoryHealthStore } from '../../src/index.js';

const second = 1_000;
const key = 'health/monitor';

/** Processes of which one has the lease, on a store that can be out of reach. */
function stage() {
  const clock = fakeClock();
  const store = memoryHealthStore({ clock });
  const is = { reached: true };
  const reached = <Result>(ask: () => Promise<Result>): Promise<Result> =>
    is.reached ? ask() : Promise.reject(new Error('connection lost'));
  const starts = async (name: string) => {
    const lease = await store.leases.acquire(key, name, 86_400_000);
    const stands = { still: false };
    const watch = createWatch({
      store: {
        settle: (...given) => reached(() => store.settle(...given)),
        watched: () => reached(() => store.watched()),
      },
      term: () => (lease ? { key, fence: lease.fence } : undefined),
      clock: {
        monotonic: () => clock.monotonic(),
        after: (ms, fire) => clock.after(ms, () => !stands.still && fire()),
      },
    });
    onTestFinished(() => watch.stop());
    const isLost = (): Promise<void> => store.leases.release(key, name, lease?.fence ?? 0).then(() => undefined);
    return { watch, stands, isLost };
  };
  return { clock, store, is, starts };
}

describe('the time that was watched', () => {
  it('goes on in the next process where the one before ended, and stands still in between', async () => {
    const { clock, store, starts } = stage();
    const first = await starts('first');
    expect(await first.watch.read()).toEqual({ ms: 0, sinceMs: 0, isOwn: true });
    await clock.advance(95 * second);
    clock.set(clock.now() + 3_600 * second);
    expect(await first.watch.read()).toEqual({ ms: 95 * second, sinceMs: 0, isOwn: true });
    await first.watch.stop();
    await first.isLost();
    expect(await store.watched()).toEqual({ ms: 95 * second, sinceMs: 0 });
    await clock.advance(86_400 * second);
    const next = await starts('next');
    expect(await next.watch.read()).toEqual({ ms: 95 * second, sinceMs: 95 * second, isOwn: true });
    await clock.advance(5 * second);
    expect(await next.watch.read()).toEqual({ ms: 100 * second, sinceMs: 95 * second, isOwn: true });
  });

  it('is kept every ten seconds, so that a process that dies loses no more', async () => {
    const { clock, store, starts } = stage();
    const { watch } = await starts('this');
    await watch.read();
    await clock.advance(3_609 * second);
    expect(await store.watched()).toEqual({ ms: 3_600 * second, sinceMs: 0 });
  });

  it('costs nothing before somebody asks for it', async () => {
    const { clock, store, starts } = stage();
    await starts('this');
    expect(clock.pending).toBe(0);
    expect(await store.watched()).toEqual({ ms: 0, sinceMs: 0 });
  });

  it('is known to processes that do not monitor as it was kept', async () => {
    const { clock, starts } = stage();
    const { watch } = await starts('this');
    const other = await starts('other');
    await watch.read();
    await clock.advance(15 * second);
    expect(await other.watch.read()).toEqual({ ms: 10 * second, sinceMs: 0, isOwn: false });
  });

  it('leaves out when the store could not be reached', async () => {
    const { clock, is, starts } = stage();
    const { watch } = await starts('this');
    await watch.read();
    await clock.advance(60 * second);
    is.reached = false;
    await clock.advance(600 * second);
    await expect(watch.read()).rejects.toThrow('connection lost');
    is.reached = true;
    await clock.advance(20 * second);
    const { ms, sinceMs } = await watch.read();
    expect(sinceMs).toBe(60 * second);
    expect(ms).toBeGreaterThanOrEqual(70 * second);
    expect(ms).toBeLessThanOrEqual(80 * second);
  });

  it('leaves out when the process stood still', async () => {
    const { clock, starts } = stage();
    const { watch, stands } = await starts('this');
    await watch.read();
    await clock.advance(60 * second);
    stands.still = true;
    await clock.advance(600 * second);
    expect(await watch.read()).toEqual({ ms: 60 * second, sinceMs: 60 * second, isOwn: true });
  });

  it('is no more counted by a process that another has followed, though it wakes up', async () => {
    const { clock, store, starts } = stage();
    const sleeping = await starts('sleeping');
    await sleeping.watch.read();
    await clock.advance(60 * second);
    sleeping.stands.still = true;
    await sleeping.isLost();
    const next = await starts('next');
    await next.watch.read();
    await clock.advance(600 * second);
    await expect(sleeping.watch.read()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await sleeping.watch.stop();
    expect(await store.watched()).toEqual({ ms: 660 * second, sinceMs: 60 * second });
  });
});
