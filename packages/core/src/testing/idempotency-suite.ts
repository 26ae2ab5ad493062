import assert from 'node:assert/strict';
import type { IdempotencyStore, StartedRequest } from '../http/idempotency-store.js';
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

async function begun(store: IdempotencyStore, other: Partial<typeof first> = {}): Promise<StartedRequest> {
  const begin = { ...first, ...other };
  const claim = await store.begin(begin);
  assert.ok(claim.state === 'started', claim.state);
  return { tenantId: begin.tenantId, key: begin.key, token: claim.token };
}

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
        const started = await begun(store);
        await store.complete({ ...started, answer });
        await store.complete({ ...started, answer: { ...answer, status: 500 } });
        assert.deepEqual(await other.begin({ ...first, now: now + 59_999 }), { state: 'done', answer });
        await begun(other, { now: now + 60_000, fingerprint: 'f2' });
        assert.deepEqual(await store.begin({ ...first, now: now + 60_001, fingerprint: 'f2' }), { state: 'in_flight' });
      },
    },
    {
      name: 'refuses a key that was used for something else, answered or not',
      async run({ stores: [store] }) {
        const started = await begun(store);
        assert.deepEqual(await store.begin({ ...first, fingerprint: 'f2' }), { state: 'mismatch' });
        await store.complete({ ...started, answer });
        assert.deepEqual(await store.begin({ ...first, fingerprint: 'f2' }), { state: 'mismatch' });
      },
    },
    {
      name: 'keeps tenants and keys apart',
      async run({ stores: [store] }) {
        await begun(store);
        await begun(store, { tenantId: 'Acme' });
        await begun(store, { key: first.key.toUpperCase() });
        await begun(store, { key: `${first.key} ` });
        const others = { tenantId: 'globex', fingerprint: 'f2' };
        await begun(store, others);
        assert.deepEqual(await store.begin({ ...first, ...others }), { state: 'in_flight' });
      },
    },
    {
      name: 'may be tried again after a release, which does not touch an answer',
      async run({ stores: [store] }) {
        await store.release(await begun(store));
        const again = await begun(store);
        await store.complete({ ...again, answer });
        await store.release(again);
        assert.deepEqual(await store.begin(first), { state: 'done', answer });
      },
    },
    {
      name: 'is not taken over while it is renewed',
      async run({ stores: [store, other] }) {
        const started = await begun(store);
        const token = await store.renew({ ...started, now: now + 900, leaseMs: 1_000 });
        assert.ok(token !== null);
        assert.deepEqual(await other.begin({ ...first, now: now + 1_899 }), { state: 'in_flight' });
        await store.complete({ ...started, token, answer });
        assert.deepEqual(await other.begin({ ...first, now: now + 1_900 }), { state: 'done', answer });
      },
    },
    {
      name: 'belongs to who took it over: the one before can neither renew, release nor answer it',
      async run({ stores: [store, other] }) {
        const late = await begun(store);
        const taker = await begun(other, { now: now + 1_000 });
        assert.equal(await store.renew({ ...late, now: now + 1_001, leaseMs: 1_000 }), null);
        await store.release(late);
        await store.complete({ ...late, answer: { ...answer, status: 500 } });
        assert.deepEqual(await other.begin({ ...first, now: now + 1_002 }), { state: 'in_flight' });
        await other.complete({ ...taker, answer });
        assert.deepEqual(await store.begin({ ...first, now: now + 1_003 }), { state: 'done', answer });
      },
    },
    {
      name: 'belongs to who begins it anew once its retention is over, whoever is at it still',
      async run({ stores: [store, other] }) {
        const started = await begun(store);
        const at = now + first.retentionMs;
        const token = await store.renew({ ...started, now: at, leaseMs: 1_000 });
        assert.ok(token !== null);
        const anew = await begun(other, { now: at });
        await store.complete({ ...started, token, answer: { ...answer, status: 500 } });
        await store.release({ ...started, token });
        await other.complete({ ...anew, answer });
        assert.deepEqual(await store.begin({ ...first, now: at }), { state: 'done', answer });
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
        for (let count = 0; count < 501; count++) await store.begin({ ...first, key: `key ${count}` });
        assert.equal(await store.prune(now + 60_000), 501);
      },
    },
  ],
};
