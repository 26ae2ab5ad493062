import { sqlite } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, kyselyHealthStore, memoryHealthStore } from '../../src/index.js';
import { linesOf } from '../../src/endpoints/import.js';

describe('the limit of a tenant’s endpoints', () => {
  const draft = (name: string) => ({ name, host: 'gw.example.com', port: 443, serviceType: 'https' as const });
  const stores = [
    ['in memory', () => memoryHealthStore()],
    [
      'on SQLite',
      () => {
        const database = sqlite(':memory:');
        onTestFinished(() => database.close());
        return kyselyHealthStore(database);
      },
    ],
  ] as const;

  it.each(stores)('is not passed by many at once, %s', async (_, makeStore) => {
    const health = createHealth({ store: makeStore(), clock: fakeClock(), monitoring: false, maxEndpoints: 7 });
    await health.start();
    onTestFinished(() => health.stop());
    const of = (tenantId: string) => health.scope({ tenantId, actor: 'user:1' }).endpoints;
    const one = (name: string) =>
      of('acme')
        .register(draft(name))
        .then(() => 'created')
        .catch(({ code }: { code: string }) => code);
    const many = async (name: string) =>
      (await of('acme').registerMany([draft(name), draft(name), draft(name)])).map(
        ({ status, code }) => code ?? status,
      );
    const racing = Array.from({ length: 20 }, (_, index) => [one(`a${index}`), many(`b${index}`)]).flat();
    const other = of('globex').register(draft('other'));
    const outcomes = (await Promise.all(racing)).flat();
    expect(outcomes.filter((it) => it === 'created')).toHaveLength(7);
    expect(new Set(outcomes)).toEqual(new Set(['created', 'ENDPOINT_LIMIT_REACHED']));
    expect((await of('acme').list({ limit: 100 })).items).toHaveLength(7);
    await other;
    const [first] = (await of('acme').list()).items;
    await of('acme').remove(first?.id ?? '');
    expect([await one('again'), await one('too many')]).toEqual(['created', 'ENDPOINT_LIMIT_REACHED']);
  });

  it('counts neither what could not be stored nor what was tried dry', async () => {
    const store = memoryHealthStore();
    let isBroken = true;
    const transaction: typeof store.transaction = (work, join) =>
      isBroken ? Promise.reject(new Error('The store is away')) : store.transaction(work, join);
    const health = createHealth({ store: { ...store, transaction }, monitoring: false, maxEndpoints: 1 });
    const { endpoints } = health.scope({ tenantId: 'acme', actor: 'user:1' });
    await expect(endpoints.register(draft('one'))).rejects.toThrow('away');
    await expect(endpoints.registerMany([draft('one')])).rejects.toThrow('away');
    isBroken = false;
    for await (const { status } of endpoints.import(linesOf([draft('one')]), { dryRun: true }))
      expect(status).toBe('valid');
    expect((await endpoints.register(draft('one'))).name).toBe('one');
  });
});
