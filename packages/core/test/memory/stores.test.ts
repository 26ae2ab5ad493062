import { describe, expect, it } from 'vitest';
import { memoryIdempotencyStore } from '../../src/memory/idempotency.js';
import { memoryLeases } from '../../src/memory/leases.js';
import { memoryOutbox } from '../../src/memory/outbox.js';
import { memoryTables } from '../../src/memory/tables.js';
import { fakeClock, idempotencySuite, leaseSuite, outboxSuite, runSuite } from '../../src/testing/index.js';

runSuite(outboxSuite, { describe, it }, () => {
  const clock = fakeClock();
  const outbox = memoryOutbox({ clock });
  const tables = memoryTables({});
  return Promise.resolve({
    subject: { outboxes: [outbox, outbox], clock, transaction: (work) => tables.transaction((_, trx) => work(trx)) },
  });
});

runSuite(leaseSuite, { describe, it }, () => {
  const clock = fakeClock();
  const leases = memoryLeases({ clock });
  return Promise.resolve({ subject: { leases: [leases, leases], clock } });
});

runSuite(idempotencySuite, { describe, it }, () => {
  const store = memoryIdempotencyStore();
  return Promise.resolve({ subject: { stores: [store, store] } });
});

describe('answers in memory', () => {
  it('are no more than may be kept: the oldest goes, and who is at it still goes last', async () => {
    const store = memoryIdempotencyStore({ maxKeys: 3 });
    const begin = (key: string) =>
      store.begin({ tenantId: 'acme', key, fingerprint: 'f', now: 0, leaseMs: 1_000, retentionMs: 60_000 });
    for (const key of ['working', 'first', 'second', 'third']) {
      const begun = await begin(key);
      if (begun.state !== 'started') throw new Error(`${key} is ${begun.state}`);
      const answer = { status: 201, headers: {}, body: key };
      if (key !== 'working') await store.complete({ tenantId: 'acme', key, token: begun.token, answer });
    }
    const states = ['working', 'second', 'third', 'first'].map(async (key) => (await begin(key)).state);
    expect(await Promise.all(states)).toEqual(['in_flight', 'done', 'done', 'started']);
  });
});
