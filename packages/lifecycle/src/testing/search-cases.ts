import assert from 'node:assert/strict';
import type { StoreTransaction } from '@dotmac/core';
import type { SuiteCase } from '@dotmac/core/testing';
import type { Customer } from '../customers/customer.js';
import { lifecycleEvents } from '../events.js';
import { termsOf, type SearchTerm, type TermChange } from '../search/terms.js';
import type { CustomerAsk } from '../search/ask.js';
import type { Place } from '../search/cursor.js';
import type { LifecycleStoreSubject } from './subject.js';
import { aCustomer } from './samples.js';

const day = 86_400_000;
const byTerm = (a: SearchTerm, b: SearchTerm): number => (a.term < b.term ? -1 : 1);
const plain: CustomerAsk = { terms: [], sort: 'created', order: 'asc', limit: 50 };
const block = {
  severity: 'suspend',
  promisedUntil: null,
  note: null,
  parameters: {},
  openedAt: 1,
  openedBy: 'x',
} as const;

/** Customers that differ in everything that they can be found by; `n` days apart. */
function people(tenantId: string): Customer[] {
  const person = (n: number, username: string, change: Partial<Customer>): Customer => {
    const at = Date.UTC(2026, 0, 1) + n * day;
    const names = { username, email: `${username}@example.com`, firstName: 'Ann', lastName: 'Smith' };
    return aCustomer(tenantId, { ...names, createdAt: at, updatedAt: at + 100 * day - n * 2 * day, ...change });
  };
  return [
    person(0, 'Neo', { firstName: 'Thomas', lastName: 'Anderson', attributes: { plan: 'gold' } }),
    person(1, 'trinity', { stage: 'active', externalId: 'user-1', attributes: { plan: 'Gold' } }),
    person(2, 'neon', { stage: 'active', userType: 'business', externalId: 'user-2' }),
    person(3, 'Ünal', { stage: 'suspended', blocks: [{ ...block, reason: 'abuse' }] }),
    person(4, 'morpheus', { stage: 'suspended', blocks: [{ ...block, reason: 'non_payment' }] }),
    person(5, 'nebula', {
      stage: 'suspended',
      blocks: ['abuse', 'non_payment'].map((reason) => ({ ...block, reason })),
    }),
  ];
}

async function seed({ store }: LifecycleStoreSubject): Promise<(ask: Partial<CustomerAsk>) => Promise<string[]>> {
  const { customers } = store.tenant('a');
  for (const tenantId of ['a', 'b'])
    for (const customer of people(tenantId))
      await store.transaction(async (trx) => {
        assert.deepEqual(await store.tenant(tenantId).customers.insert([customer], trx), ['inserted']);
        const add = termsOf(customer, ['plan']);
        await store.tenant(tenantId).customers.changeTerms([{ customer, add, remove: [] }], trx);
      });
  return async (ask) =>
    (await customers.list({ ...plain, ...ask })).found.map(({ customer }) => {
      assert.equal(customer.tenantId, 'a');
      return customer.username;
    });
}

/** What a store must do for customers to be found. */
export const searchCases: readonly SuiteCase<LifecycleStoreSubject>[] = [
  {
    name: 'finds customers by each filter, and by several together',
    async run(subject) {
      const find = await seed(subject);
      const from = Date.UTC(2026, 0, 2);
      const all = ['Neo', 'trinity', 'neon', 'Ünal', 'morpheus', 'nebula'];
      const asks: [Partial<CustomerAsk>, string[]][] = [
        [{}, all],
        [{ order: 'desc' }, all.toReversed()],
        [{ sort: 'updated' }, all.toReversed()],
        [{ limit: 2 }, all.slice(0, 2)],
        [{ stage: 'active' }, ['trinity', 'neon']],
        [{ userType: 'business' }, ['neon']],
        [{ externalId: 'user-1' }, ['trinity']],
        [{ terms: [{ kind: 'reason', term: 'abuse' }] }, ['Ünal', 'nebula']],
        [{ terms: ['abuse', 'non_payment'].map((term) => ({ kind: 'reason', term })) }, ['nebula']],
        [{ terms: [{ kind: 'attribute', term: 'plan:gold' }], order: 'desc' }, ['trinity', 'Neo']],
        [{ terms: [{ kind: 'reason', term: 'abuse' }], sort: 'updated' }, ['nebula', 'Ünal']],
        [{ createdFrom: from, createdTo: from + 2 * day }, ['trinity', 'neon']],
        [{ createdFrom: from, terms: [{ kind: 'attribute', term: 'plan:gold' }] }, ['trinity']],
        [{ updatedTo: Date.UTC(2026, 0, 1) + 97 * day, sort: 'updated' }, ['nebula', 'morpheus']],
        [{ stage: 'active', userType: 'residential', createdFrom: from }, ['trinity']],
        [{ stage: 'deleted' }, []],
      ];
      for (const [ask, expected] of asks) assert.deepEqual(await find(ask), expected, JSON.stringify(ask));
    },
  },
  {
    name: 'finds customers by the beginning of a name, each once',
    async run(subject) {
      const find = await seed(subject);
      const search = (prefix: string, more: Partial<CustomerAsk> = {}) => find({ prefix, sort: 'search', ...more });
      assert.deepEqual(await search('ne'), ['nebula', 'Neo', 'neon']);
      assert.deepEqual(await search('ne', { order: 'desc' }), ['neon', 'Neo', 'nebula']);
      assert.deepEqual(await search('neo@'), ['Neo']);
      assert.deepEqual(await search('anderson'), ['Neo']);
      assert.deepEqual(await search('thomas and'), ['Neo']);
      assert.deepEqual(await search('ünal'), ['Ünal']);
      assert.deepEqual(await search('smith'), ['trinity', 'neon', 'Ünal', 'morpheus', 'nebula']);
      assert.deepEqual(await search('ne', { stage: 'active' }), ['neon']);
      assert.deepEqual(await search('ne', { terms: [{ kind: 'reason', term: 'abuse' }] }), ['nebula']);
      assert.deepEqual(await search('xyz'), []);
    },
  },
  {
    name: 'goes on after any place of any order',
    async run(subject) {
      await seed(subject);
      const { customers } = subject.store.tenant('a');
      const lists: Partial<CustomerAsk>[] = [
        {},
        { sort: 'updated' },
        { sort: 'search', prefix: 'n' },
        { sort: 'search', prefix: 'smith' },
        { stage: 'suspended' },
        { terms: [{ kind: 'reason', term: 'abuse' }] },
      ];
      for (const list of lists)
        for (const order of ['asc', 'desc'] as const) {
          const ask = { ...plain, ...list, order };
          const { found: whole, next } = await customers.list(ask);
          assert.ok(whole.length > 1);
          assert.equal(next, undefined);
          for (const [index, { place }] of whole.entries()) {
            const rest = { found: whole.slice(index + 1), next: undefined };
            assert.deepEqual(await customers.list({ ...ask, after: place }), rest);
          }
        }
    },
  },
  {
    name: 'gives a page after the other until there is none, and each customer once',
    async run(subject) {
      await seed(subject);
      const { customers } = subject.store.tenant('a');
      const lists: [Partial<CustomerAsk>, number][] = [
        [{}, 6],
        [{ sort: 'search', prefix: 'ne', stage: 'active' }, 1],
        [{ stage: 'suspended', userType: 'residential', sort: 'updated' }, 3],
        [{ stage: 'active', userType: 'residential', terms: [{ kind: 'attribute', term: 'plan:gold' }] }, 1],
        [{ stage: 'deleted', userType: 'business' }, 0],
      ];
      for (const [list, count] of lists) {
        const seen: string[] = [];
        let after: Place | undefined;
        do {
          const page = await customers.list({ ...plain, ...list, limit: 2, after });
          assert.ok(page.found.length <= 2);
          seen.push(...page.found.map(({ customer }) => customer.id));
          after = page.next;
        } while (after);
        assert.deepEqual([seen.length, new Set(seen).size], [count, count], JSON.stringify(list));
      }
    },
  },
  {
    name: 'finds a customer as before by what is added once more, and forgets it at once',
    async run({ store }) {
      const { customers, bulk } = store.tenant('a');
      const [plan, other] = ['plan:gold', 'plan:silver'].map((term) => ({ kind: 'attribute', term }) as const);
      assert.ok(plan && other);
      const terms: TermChange = { add: [plan, other], remove: [] };
      let customer = aCustomer('a');
      await store.transaction(async (trx) => {
        await customers.insert([customer], trx);
        await customers.changeTerms([{ customer, add: [plan], remove: [] }], trx);
      });
      const next = () => ({ before: customer, after: (customer = { ...customer, version: customer.version + 1 }) });
      const data = { from: 'active', to: 'churning', reason: null } as const;
      const of = { tenantId: 'a', actor: 'user:1', subject: customer.id, at: customer.updatedAt, data };
      const event = lifecycleEvents.create('customer.churning', of);
      const ways: ((trx: StoreTransaction) => Promise<unknown>)[] = [
        (trx) => customers.changeTerms([{ customer, ...terms }], trx),
        (trx) => customers.change({ ...next(), history: [], outbox: [], terms }, trx),
        (trx) => bulk.prepare([{ ...next(), event, terms, cleared: [] }])(trx),
      ];
      for (const write of ways) {
        await store.transaction(write);
        const found = (await customers.termsOf([customer.id])).get(customer.id) ?? [];
        assert.deepEqual([...found].sort(byTerm), [plan, other]);
      }
      const gone = { add: [], remove: [plan, other] };
      assert.equal(await customers.change({ ...next(), history: [], outbox: [], terms: gone }), true);
      assert.equal((await customers.termsOf([customer.id])).get(customer.id), undefined);
    },
  },
  {
    name: 'forgets what a customer is not found by any more, and tells an external id that is taken',
    async run(subject) {
      const find = await seed(subject);
      const { store } = subject;
      const { customers } = store.tenant('a');
      const [abuse, late] = (['abuse', 'late'] as const).map((term) => ({ kind: 'reason', term }) as const);
      assert.ok(abuse && late);
      const [first] = (await customers.list({ ...plain, terms: [abuse] })).found;
      const { customer } = first ?? assert.fail();
      await store.transaction((trx) => customers.changeTerms([{ customer, add: [late], remove: [abuse] }], trx));
      assert.deepEqual(await find({ terms: [abuse] }), ['nebula']);
      assert.deepEqual(await find({ terms: [late] }), ['Ünal']);
      assert.deepEqual(await find({ prefix: 'ünal', sort: 'search' }), ['Ünal']);
      const insert = (tenantId: string) => {
        const other = aCustomer(tenantId, { externalId: 'user-1' });
        return store.transaction((trx) => store.tenant(tenantId).customers.insert([other], trx));
      };
      assert.deepEqual(await insert('a'), ['external_id']);
      assert.deepEqual(await insert('c'), ['inserted']);
      const free = aCustomer('a');
      assert.deepEqual(await store.transaction((trx) => customers.insert([free], trx)), ['inserted']);
      const linked = { ...free, externalId: 'user-9' };
      assert.equal(
        await store.transaction((trx) =>
          customers.change({ before: free, after: linked, history: [], outbox: [] }, trx),
        ),
        true,
      );
      assert.deepEqual(await find({ externalId: 'user-9' }), [free.username]);
    },
  },
];
