import { newId } from '@dotmac/core';
import { describe, expect, it } from 'vitest';
import { createDoubts } from '../../src/history/doubts.js';
import { memoryHealthStore, uncheckedState, type Settlement } from '../../src/index.js';
import { endpointRecord } from '../support/endpoints.js';

/** A store with an endpoint, and settlements of its nth check; each look waits for `reach.look`. */
async function stage() {
  const store = memoryHealthStore();
  const endpoint = endpointRecord({ id: newId() });
  await store.tenant('acme').insert(endpoint);
  const reach: { look?: Promise<void> } = {};
  const doubts = createDoubts({
    tenant(tenantId) {
      const tenant = store.tenant(tenantId);
      return { ...tenant, get: async (id) => (await reach.look, tenant.get(id)) };
    },
  });
  const settlementOf = (checks: number): Settlement => {
    const chunk = { tenantId: 'acme', endpointId: endpoint.id, ring: 'recent' as const, slot: 0, body: '', added: 2 };
    const states = [{ ...uncheckedState, endpoint, checks, checkedAt: checks }];
    return { states, chunks: [chunk], deltas: [], incidents: [], events: [] };
  };
  const told: string[] = [];
  const note = (what: string) => (settlement: Settlement) => void told.push(`${what} ${settlement.states[0]?.checks}`);
  const resolve = () => doubts.resolve({ kept: note('kept'), lost: note('lost') });
  return { store, endpoint, reach, doubts, settlementOf, told, resolve };
}

describe('a settlement in doubt', () => {
  it('was kept when the stored state has its checks, and lost when it has not', async () => {
    const { store, doubts, settlementOf, told, resolve } = await stage();
    await store.settle(settlementOf(3));
    doubts.add(settlementOf(3));
    doubts.add(settlementOf(4));
    expect([doubts.size, doubts.results]).toEqual([2, 4]);
    await resolve();
    expect(told).toEqual(['kept 3', 'lost 4']);
    expect([doubts.size, doubts.results]).toEqual([0, 0]);
  });

  it('stays in doubt while the store does not say', async () => {
    const { reach, doubts, settlementOf, told, resolve } = await stage();
    doubts.add(settlementOf(1));
    reach.look = Promise.reject(new Error('out of reach'));
    await expect(resolve()).rejects.toThrow('out of reach');
    expect([told, doubts.size]).toEqual([[], 1]);
    delete reach.look;
    await resolve();
    expect(told).toEqual(['lost 1']);
  });

  it('is lost when its endpoint is gone', async () => {
    const { store, endpoint, doubts, settlementOf, told, resolve } = await stage();
    await store.settle(settlementOf(1));
    await store.tenant('acme').remove(endpoint.id);
    doubts.add(settlementOf(1));
    await resolve();
    expect(told).toEqual(['lost 1']);
  });

  it('is nobody’s when it was cleared while it was looked for: whoever monitors now tells of it', async () => {
    const { reach, doubts, settlementOf, told, resolve } = await stage();
    doubts.add(settlementOf(1));
    let answer = (): void => undefined;
    reach.look = new Promise((done) => (answer = done));
    const resolved = resolve();
    doubts.clear();
    doubts.add(settlementOf(2));
    answer();
    await resolved;
    expect(told).toEqual(['lost 2']);
  });
});
