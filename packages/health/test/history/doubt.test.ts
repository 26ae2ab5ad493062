import { newId } from '@dotmac/core';
import { describe, expect, it } from 'vitest';
import { createDoubt, type Receipted } from '../../src/history/doubt.js';
import { memoryHealthStore } from '../../src/index.js';

/** A store, and the nth settlement of a process; each look waits for `reach.look`. */
function stage() {
  const store = memoryHealthStore();
  const process = newId();
  const reach: { look?: Promise<void> } = {};
  const doubt = createDoubt({ lastSettled: async (of) => (await reach.look, store.lastSettled(of)) });
  const settlementOf = (number: number): Receipted => {
    const chunk = { tenantId: 'acme', endpointId: newId(), ring: 'recent' as const, slot: 0, body: '', added: 2 };
    const nothing = { states: [], deltas: [], incidents: [], events: [], handed: [] };
    return { ...nothing, chunks: [chunk], receipt: { process, number } };
  };
  const told: string[] = [];
  const note =
    (what: string) =>
    ({ receipt }: Partial<Receipted>): void =>
      void told.push(`${what} ${receipt?.number}`);
  const resolve = () => doubt.resolve({ kept: note('kept'), lost: note('lost') });
  return { store, reach, doubt, settlementOf, told, resolve };
}

describe('a settlement in doubt', () => {
  it('was kept when the store has its receipt, and lost when it has not', async () => {
    const { store, doubt, settlementOf, told, resolve } = stage();
    await store.settle(settlementOf(3));
    doubt.raise(settlementOf(3));
    expect([doubt.isRaised, doubt.results]).toEqual([true, 2]);
    await resolve();
    expect([doubt.isRaised, doubt.results]).toEqual([false, 0]);
    doubt.raise(settlementOf(4));
    await resolve();
    await resolve();
    expect(told).toEqual(['kept 3', 'lost 4']);
  });

  it('was not kept because another process settled as often', async () => {
    const { store, doubt, settlementOf, told, resolve } = stage();
    await store.settle({ ...settlementOf(5), receipt: { process: newId(), number: 5 } });
    doubt.raise(settlementOf(1));
    await resolve();
    expect(told).toEqual(['lost 1']);
  });

  it('stays in doubt while the store does not say', async () => {
    const { reach, doubt, settlementOf, told, resolve } = stage();
    doubt.raise(settlementOf(1));
    reach.look = Promise.reject(new Error('out of reach'));
    await expect(resolve()).rejects.toThrow('out of reach');
    expect([told, doubt.isRaised]).toEqual([[], true]);
    delete reach.look;
    await resolve();
    expect(told).toEqual(['lost 1']);
  });

  it('is nobody’s when it was cleared while it was looked for: whoever monitors now tells of it', async () => {
    const { reach, doubt, settlementOf, told, resolve } = stage();
    doubt.raise(settlementOf(1));
    let answer = (): void => undefined;
    reach.look = new Promise((done) => (answer = done));
    const resolved = resolve();
    doubt.clear();
    doubt.raise(settlementOf(2));
    answer();
    await resolved;
    await resolve();
    expect(told).toEqual(['lost 2']);
  });
});
