import assert from 'node:assert/strict';
import type { NamedLeases } from '../wake/lease.js';
import type { FakeClock } from './fake-clock.js';
import type { Suite } from './suite.js';

/** What {@link leaseSuite} works on. */
export interface LeaseSubject {
  /** Two over the same storage, as two processes would have; the same one twice where there is but one. */
  leases: readonly [NamedLeases, NamedLeases];
  /** The clock that both judge by. */
  clock: FakeClock;
}

const ttlMs = 1_000;

/** Conformance of {@link NamedLeases}. */
export const leaseSuite: Suite<LeaseSubject> = {
  name: 'leases',
  cases: [
    {
      name: 'gives one of fifty racers the lease, new or expired',
      async run({ leases, clock }) {
        for (const fence of [1, 2]) {
          const racers = Array.from({ length: 50 }, (_, racer) =>
            leases[racer % 2 === 0 ? 0 : 1].acquire('k', `o${fence}-${racer}`, ttlMs),
          );
          const won = (await Promise.all(racers)).filter((lease) => lease !== null);
          assert.deepEqual(won, [{ fence }]);
          await clock.advance(ttlMs);
        }
      },
    },
    {
      name: 'keeps others out until it is released or expires, by a fence that only grows',
      async run({ leases: [a, b], clock }) {
        const first = await a.acquire('k', 'a', ttlMs);
        assert.ok(first);
        assert.equal(await b.acquire('k', 'b', ttlMs), null);
        assert.ok(await b.acquire('other', 'b', ttlMs));
        assert.equal(await a.release('k', 'a', first.fence), true);
        const second = await b.acquire('k', 'b', ttlMs);
        await clock.advance(ttlMs - 1);
        assert.equal(await a.acquire('k', 'a', ttlMs), null);
        await clock.advance(1);
        const third = await a.acquire('k', 'a', ttlMs);
        const own = await a.acquire('k', 'a', ttlMs);
        const fences = [first, second, third, own].map((lease) => lease?.fence ?? 0);
        assert.ok(
          fences.every((fence, index) => index === 0 || fence > (fences[index - 1] ?? 0)),
          String(fences),
        );
      },
    },
    {
      name: 'renews what is held and nothing else',
      async run({ leases: [a, b], clock }) {
        const lease = await a.acquire('k', 'a', ttlMs);
        assert.ok(lease);
        await clock.advance(600);
        assert.equal(await a.renew('k', 'a', lease.fence, ttlMs), true);
        await clock.advance(600);
        assert.equal(await b.acquire('k', 'b', ttlMs), null);
        assert.equal(await b.renew('k', 'b', lease.fence, ttlMs), false);
        assert.equal(await a.renew('k', 'a', lease.fence + 1, ttlMs), false);
        assert.equal(await a.renew('unheard of', 'a', 1, ttlMs), false);
        await a.release('k', 'a', lease.fence);
        assert.equal(await a.renew('k', 'a', lease.fence, ttlMs), false);
      },
    },
    {
      name: 'renews what has expired as long as nobody took it, and keeps others out again',
      async run({ leases: [a, b], clock }) {
        const lease = await a.acquire('k', 'a', ttlMs);
        assert.ok(lease);
        await clock.advance(5 * ttlMs);
        assert.equal(await a.renew('k', 'a', lease.fence, ttlMs), true);
        assert.deepEqual(await b.holder('k'), { owner: 'a', fence: lease.fence });
        assert.equal(await b.acquire('k', 'b', ttlMs), null);
        await clock.advance(ttlMs);
        assert.ok(await b.acquire('k', 'b', ttlMs));
        assert.equal(await a.renew('k', 'a', lease.fence, ttlMs), false);
      },
    },
    {
      name: 'lets a late holder neither renew nor release what another has taken',
      async run({ leases: [a, b], clock }) {
        const late = await a.acquire('k', 'a', ttlMs);
        await clock.advance(ttlMs);
        const now = await b.acquire('k', 'b', ttlMs);
        assert.ok(late && now);
        assert.equal(await a.renew('k', 'a', late.fence, ttlMs), false);
        assert.equal(await a.release('k', 'a', late.fence), false);
        assert.equal(await a.acquire('k', 'a', ttlMs), null);
        assert.equal(await b.release('k', 'b', now.fence), true);
        assert.equal(await b.renew('k', 'b', now.fence, ttlMs), false);
      },
    },
    {
      name: 'knows a holder by its last fence alone',
      async run({ leases: [a, b] }) {
        const before = await a.acquire('k', 'a', ttlMs);
        const now = await a.acquire('k', 'a', ttlMs);
        assert.ok(before && now);
        assert.equal(await a.renew('k', 'a', before.fence, ttlMs), false);
        assert.equal(await a.release('k', 'a', before.fence), false);
        assert.equal(await b.release('k', 'b', now.fence), false);
        assert.equal(await b.acquire('k', 'b', ttlMs), null);
        assert.equal(await a.release('k', 'a', now.fence), true);
      },
    },
    {
      name: 'says to everybody who has it, and that nobody does once it is released or over',
      async run({ leases: [a, b], clock }) {
        assert.equal(await b.holder('k'), null);
        const first = await a.acquire('k', 'a', ttlMs);
        assert.deepEqual(await b.holder('k'), { owner: 'a', fence: 1 });
        assert.ok(first);
        await a.release('k', 'a', first.fence);
        assert.equal(await b.holder('k'), null);
        await b.acquire('k', 'b', ttlMs);
        assert.deepEqual(await a.holder('k'), { owner: 'b', fence: 2 });
        await clock.advance(ttlMs);
        assert.equal(await a.holder('k'), null);
      },
    },
  ],
};
