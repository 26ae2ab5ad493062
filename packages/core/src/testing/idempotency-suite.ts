import assert from 'node:assert/strict';
import type { IdempotencyStore } from '../http/idempotency-store.js';
import type { Suite } from './suite.js';

/** What {@link idempotencySuite} works on. */
export interface IdempotencySubject {
  /** Two over the same storage, as two processes would have; the same one twice where there is but one. */
  stores: readonly [IdempotencyStore, IdempotencyStore];
}

const now = Date.UTC(2026, 0, 1);
const first = {
  tenantId: 'acme',
  key: `POST /things user:1 ${'k'.repeat(255)}`,
  fingerprint: 'f1',
  now,
  leaseMs: 1_000,
  retentionMs: 60_000,
};
const answer = { status: 201, headers: { location: '/things/1' }, body: '{"id":"1","name":"ß 漢 \\u0000"}' };

/** Conformance of an {@link IdempotencyStore}. */
export const idempotencySuite: Suite<IdempotencySubject> = {
  name: 'idempotency store',
  cases: [
    {
      name: 'lets one of fifty racing begins start, new or when the lease of an unanswered one is over',
      async run({ stores }) {
        for (const at of [now, now + 1_000]) {
          const racers = Array.from({ length: 50 }, (_, racer) =>
            stores[racer % 2 === 0 ? 0 : 1].begin({ ...first, now: at }),
          );
          const states = (await Promise.all(racers)).map(({ state }) => state).sort();
          assert.deepEqual(states, [...Array<string>(49).fill('in_flight'), 'started']);
        }
      },
    },
    {
      name: 'replays the first answer as it was, until its retention is over',
      async run({ stores: [store, other] }) {
        await store.begin(first);
        await store.complete({ ...first, answer });
        await store.complete({ ...first, answer: { ...answer, status: 500 } });
        assert.deepEqual(await other.begin({ ...first, now: now + 59_999 }), { state: 'done', answer });
        assert.deepEqual(await other.begin({ ...first, now: now + 60_000, fingerprint: 'f2' }), { state: 'started' });
        assert.deepEqual(await store.begin({ ...first, now: now + 60_001, fingerprint: 'f2' }), { state: 'in_flight' });
      },
    },
    {
      name: 'refuses a key that was used for something else, answered or not',
      async run({ stores: [store] }) {
        await store.begin(first);
        assert.deepEqual(await store.begin({ ...first, fingerprint: 'f2' }), { state: 'mismatch' });
        await store.complete({ ...first, answer });
        assert.deepEqual(await store.begin({ ...first, fingerprint: 'f2' }), { state: 'mismatch' });
      },
    },
    {
      name: 'keeps tenants and keys apart',
      async run({ stores: [store] }) {
        await store.begin(first);
        assert.deepEqual(await store.begin({ ...first, tenantId: 'Acme' }), { state: 'started' });
        assert.deepEqual(await store.begin({ ...first, key: first.key.toUpperCase() }), { state: 'started' });
        assert.deepEqual(await store.begin({ ...first, key: `${first.key} ` }), { state: 'started' });
      },
    },
    {
      name: 'may be tried again after a release, which does not touch an answer',
      async run({ stores: [store] }) {
        await store.begin(first);
        await store.release(first);
        assert.deepEqual(await store.begin(first), { state: 'started' });
        await store.complete({ ...first, answer });
        await store.release(first);
        assert.deepEqual(await store.begin(first), { state: 'done', answer });
      },
    },
    {
      name: 'prunes what is past its retention',
      async run({ stores: [store] }) {
        await store.begin(first);
        await store.begin({ ...first, key: 'long', retentionMs: 120_000 });
        assert.equal(await store.prune(now + 59_999), 0);
        assert.equal(await store.prune(now + 60_000), 1);
        assert.equal(await store.prune(now + 120_000), 1);
      },
    },
  ],
};
