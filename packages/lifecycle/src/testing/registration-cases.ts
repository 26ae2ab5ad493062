import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { aCustomer, aToken, anEvent } from './samples.js';
import type { LifecycleStoreSubject } from './subject.js';

/** What a store must do with many customers that are registered at once. */
export const registrationCases: Suite<LifecycleStoreSubject>['cases'] = [
  {
    name: 'adds many customers as one after another, and says of each which of its names is taken',
    async run({ store }) {
      const { customers } = store.tenant('a');
      const [neo, smith] = [aCustomer('a', { username: 'Neo' }), aCustomer('a', { externalId: 'user-1' })];
      await store.transaction((trx) => customers.insert([neo], trx));
      const asked = [
        smith,
        aCustomer('a', { username: 'NEO' }),
        aCustomer('a', { username: smith.username.toUpperCase() }),
        aCustomer('a', { externalId: 'user-1' }),
        // Her address is that of one who is refused.
        aCustomer('a', { username: 'nEO', email: 'trinity@example.com' }),
        aCustomer('a', { username: 'trinity', email: 'trinity@example.com' }),
        aCustomer('a', { email: 'TRINITY@example.com' }),
        ...Array.from({ length: 250 }, () => aCustomer('a')),
      ];
      const became = await store.transaction((trx) => customers.insert(asked, trx));
      const expected = ['inserted', 'username', 'username', 'external_id', 'username', 'inserted', 'email'];
      assert.deepEqual(became.slice(0, 7), expected);
      assert.deepEqual(new Set(became.slice(7)), new Set(['inserted']));
      for (const [index, customer] of asked.slice(0, 8).entries())
        assert.deepEqual(await customers.get(customer.id), became[index] === 'inserted' ? customer : undefined);
      const again = asked.map((customer) => ({ ...customer, id: newId() }));
      const refused = await store.transaction((trx) => customers.insert(again, trx));
      assert.ok(!refused.includes('inserted'));
      assert.deepEqual(await store.transaction((trx) => customers.insert([], trx)), []);
      assert.deepEqual(await customers.countByStage(), { registration: 253 });
    },
  },
  {
    name: 'keeps the histories and tokens of many at once, each its own',
    async run({ store }) {
      const { history, tokens } = store.tenant('a');
      const ids = Array.from({ length: 250 }, () => newId());
      const entries = ids.map((id) => ({ seq: 1, event: anEvent('a', id, 'registration') }));
      const put = ids.map((id) => aToken(id));
      await store.transaction(async (trx) => {
        await history.append(entries, trx);
        await tokens.put(put, trx);
      });
      for (const index of [0, 199, 200, 249]) {
        const id = ids[index] ?? '';
        assert.deepEqual(await history.list(id, { limit: 9 }), [entries[index]]);
        assert.deepEqual(await tokens.get(id, 'email'), put[index]);
      }
    },
  },
  {
    name: 'reads tokens for many who ask at once, each its own, and none for who has none',
    async run({ store }) {
      const ids = Array.from({ length: 120 }, () => newId());
      const kept = ids.map((id) => ({ a: aToken(id), b: { ...aToken(id), channel: 'phone' as const } }));
      await store.transaction(async (trx) => {
        const of = (tenant: 'a' | 'b') => kept.map((tokens) => tokens[tenant]);
        for (const tenant of ['a', 'b'] as const) await store.tenant(tenant).tokens.put(of(tenant), trx);
      });
      const [mine, theirs] = [store.tenant('a').tokens, store.tenant('b').tokens];
      const found = await Promise.all(
        ids.flatMap((id) => [
          mine.get(id, 'email'),
          mine.get(id, 'phone'),
          theirs.get(id, 'email'),
          theirs.get(id, 'phone'),
        ]),
      );
      assert.deepEqual(
        found,
        kept.flatMap(({ a, b }) => [a, undefined, undefined, b]),
      );
    },
  },
  {
    name: 'names histories without a customer, each tenant’s by themselves, a page at a time',
    async run({ store }) {
      const { customers, history } = store.tenant('a');
      const [kept, ...ids] = Array.from({ length: 4 }, () => newId());
      const entries = [kept, ...ids, ...ids].map((id = '', index) => {
        return { seq: index < 4 ? 1 : 2, event: anEvent('a', id, 'registration') };
      });
      await store.transaction(async (trx) => {
        await history.append(entries, trx);
        await customers.insert([aCustomer('a', { id: kept ?? '' }), aCustomer('a')], trx);
      });
      const lost = [...ids].sort();
      assert.deepEqual(await history.orphans({ limit: 2 }), lost.slice(0, 2));
      assert.deepEqual(await history.orphans({ after: lost[1], limit: 2 }), lost.slice(2));
      assert.deepEqual(await store.tenant('b').history.orphans({ limit: 9 }), []);
    },
  },
  {
    name: 'counts tokens for many addresses as one after another, in a window of each, the same whoever of ten counts',
    async run({ store }) {
      const { tokens } = store.tenant('a');
      const count = (keys: string[], at: number) =>
        store.transaction((trx) => tokens.countIssues(keys, at, 1_000, trx));
      const issued = (how: number[], windowStartedAt: number) => how.map((each) => ({ issued: each, windowStartedAt }));
      assert.deepEqual(await count(['x', 'y', 'x', 'x'], 5), issued([1, 1, 2, 3], 5));
      assert.deepEqual(await count(['x', 'z', 'x'], 500), [...issued([4], 5), ...issued([1], 500), ...issued([5], 5)]);
      assert.deepEqual(await count(['y', 'x', 'x'], 1_005), issued([1, 1, 2], 1_005));
      assert.deepEqual(await count([], 1_005), []);
      // Of x, y and z, only the window of z is over for who began later; the others count on.
      assert.deepEqual([await store.pruneIssues(499, 9), await store.pruneIssues(500, 9)], [0, 1]);
      assert.deepEqual(await count(['z', 'x'], 1_010), [...issued([1], 1_010), ...issued([3], 1_005)]);
      const racers = Array.from({ length: 10 }, (_, index) => count(index % 2 ? ['p', 'q', 'p'] : ['q', 'p', 'p'], 5));
      const each = (await Promise.all(racers)).flatMap((counted, index) =>
        counted.filter((_, at) => (index % 2 ? at !== 1 : at !== 0)),
      );
      const numbers = each.map((it) => it.issued).sort((one, other) => one - other);
      assert.deepEqual(
        numbers,
        Array.from({ length: 20 }, (_, index) => index + 1),
      );
    },
  },
];
