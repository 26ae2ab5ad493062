import { describe, expect, it } from 'vitest';
import { memoryIdempotencyStore } from '../../src/memory/idempotency.js';

describe('answers kept in memory', () => {
  it('make room for each other: nobody loses an answer for the many of another tenant', async () => {
    const store = memoryIdempotencyStore({ maxKeys: 5 });
    const answer = { status: 201, headers: {}, body: '{}' };
    const ask = (tenantId: string, key: string) =>
      store.begin({ tenantId, key, fingerprint: 'f', now: 1, leaseMs: 1_000, retentionMs: 10_000 });
    const keep = async (tenantId: string, key: string): Promise<void> => {
      const begun = await ask(tenantId, key);
      if (begun.state === 'started') await store.complete({ tenantId, key, token: begun.token, answer });
    };
    await keep('small', 'a');
    expect((await ask('small', 'under way')).state).toBe('started');
    for (let key = 0; key < 20; key++) await keep('crowd', String(key));
    expect((await ask('small', 'a')).state).toBe('done');
    expect((await ask('small', 'under way')).state).toBe('in_flight');
    expect((await ask('crowd', '19')).state).toBe('done');
    expect(await store.prune(20_000)).toBe(5);
  });
});
