import assert from 'node:assert/strict';
import type { Waker } from '../wake/waker.js';
import type { Suite } from './suite.js';

/** What {@link wakerSuite} works on. */
export interface WakerSubject {
  waker: Waker;
  /** The time that the waker goes by, in epoch ms. */
  now(): number;
  /** Lets time pass: at least `ms`, and long enough for what is due by then to be woken. */
  pass(ms: number): Promise<void>;
}

/** Conformance of a {@link Waker}. */
export const wakerSuite: Suite<WakerSubject> = {
  name: 'waker',
  cases: [
    {
      name: 'wakes a key at its time, not before, and at once when that is past',
      async run({ waker, now, pass }) {
        const woken: string[] = [];
        await waker.wake('early', now() - 5_000);
        await waker.wake('later', now() + 2_000);
        await waker.start((key) => Promise.resolve(void woken.push(key)));
        await pass(0);
        assert.deepEqual(woken, ['early']);
        await pass(1_000);
        assert.deepEqual(woken, ['early']);
        await pass(1_000);
        assert.deepEqual(woken, ['early', 'later']);
        await waker.stop();
      },
    },
    {
      name: 'keeps the earlier of two times for one key',
      async run({ waker, now, pass }) {
        const woken: number[] = [];
        const start = now();
        await waker.start(() => Promise.resolve(void woken.push(now() - start)));
        await waker.wake('k', start + 3_000);
        await waker.wake('k', start + 1_000);
        await waker.wake('k', start + 2_000);
        await pass(1_000);
        assert.equal(woken.length, 1);
        await waker.stop();
      },
    },
    {
      name: 'never handles one key twice at once, and wakes it again when asked meanwhile',
      async run({ waker, now, pass }) {
        let inside = 0;
        let most = 0;
        let times = 0;
        let leave = (): void => {};
        await waker.start(async () => {
          most = Math.max(most, ++inside);
          times += 1;
          await new Promise<void>((resolve) => (leave = resolve));
          inside -= 1;
        });
        await waker.wake('k', now());
        await pass(0);
        await waker.wake('k', now());
        await waker.wake('k', now());
        await pass(100);
        assert.deepEqual([times, most], [1, 1]);
        leave();
        await pass(100);
        assert.deepEqual([times, most], [2, 1]);
        leave();
        await pass(100);
        assert.equal(times, 2);
        await waker.stop();
      },
    },
    {
      name: 'keeps the earlier of two times that were asked for while the key was handled',
      async run({ waker, now, pass }) {
        let times = 0;
        let leave = (): void => {};
        await waker.start(async () => {
          if (++times === 1) await new Promise<void>((resolve) => (leave = resolve));
        });
        await waker.wake('k', now());
        await pass(0);
        await waker.wake('k', now() + 1_000);
        await waker.wake('k', now() + 3_600_000);
        leave();
        await pass(1_000);
        assert.equal(times, 2);
        await waker.stop();
      },
    },
    {
      name: 'handles other keys meanwhile',
      async run({ waker, now, pass }) {
        const woken: string[] = [];
        let leave = (): void => {};
        await waker.start(async (key) => {
          woken.push(key);
          if (key === 'slow') await new Promise<void>((resolve) => (leave = resolve));
        });
        await waker.wake('slow', now());
        await waker.wake('quick', now() + 10);
        await pass(10);
        assert.deepEqual(woken, ['slow', 'quick']);
        leave();
        await waker.stop();
      },
    },
    {
      name: 'wakes a key again after its handler failed',
      async run({ waker, now, pass }) {
        let times = 0;
        await waker.start(() => (++times < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve()));
        await waker.wake('k', now());
        for (let waited = 0; waited < 120 && times < 3; waited++) await pass(1_000);
        assert.equal(times, 3);
        await waker.stop();
      },
    },
    {
      name: 'waits for what runs when it stops, and wakes nothing afterwards',
      async run({ waker, now, pass }) {
        let done = false;
        let times = 0;
        let leave = (): void => {};
        await waker.start(async () => {
          times += 1;
          await new Promise<void>((resolve) => (leave = resolve));
          done = true;
        });
        await waker.wake('k', now());
        await pass(0);
        await waker.wake('next', now() + 1_000);
        const stopped = waker.stop();
        leave();
        await stopped;
        assert.equal(done, true);
        await pass(5_000);
        assert.equal(times, 1);
      },
    },
  ],
};
