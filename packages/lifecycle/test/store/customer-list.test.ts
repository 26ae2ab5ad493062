import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import type { Customer } from '../../src/customers/customer.js';
import type { CustomerAsk, FoundCustomer } from '../../src/search/ask.js';
import type { Place } from '../../src/search/cursor.js';
import { termsOf } from '../../src/search/terms.js';
import { kyselyCustomerList } from '../../src/store/kysely/customer-list.js';
import { found } from '../../src/store/memory/customer-list.js';
import { aCustomer } from '../../src/testing/samples.js';
import { backends, type Backend } from '../support/backends.js';

/** Sixty customers: conditions leave many, few or nobody of them, alone and together, and several have equal times. */
const customers: Customer[] = Array.from({ length: 60 }, (_, n) =>
  aCustomer('a', {
    username: `${n % 3 === 0 ? 'neo' : 'user'}${n}`,
    email: `neo${n}@example.com`,
    firstName: n % 4 === 0 ? 'Neo' : 'Ann',
    lastName: `Name${n % 7}`,
    externalId: `host-${n}`,
    stage: n % 20 === 0 ? 'churning' : n % 2 === 0 ? 'active' : 'registration',
    userType: n % 5 === 0 ? 'business' : 'residential',
    attributes: { plan: n % 6 === 1 ? 'gold' : 'basic' },
    createdAt: 1_000 + Math.floor(n / 3),
    updatedAt: 2_000 + ((n * 17) % 60),
  }),
);

type Filter = Partial<Omit<CustomerAsk, 'sort' | 'order' | 'limit' | 'after'>>;
const plan = (value: string) => ({ terms: [{ kind: 'attribute', term: `plan:${value}` } as const] });
const byName: Filter[] = [{}, ...['neo', 'name3', 'xyz'].map((prefix) => ({ prefix }))];
const byColumns: Filter[] = [
  {},
  ...(['active', 'churning', 'deleted'] as const).map((stage) => ({ stage })),
  { userType: 'business' },
  { stage: 'registration', userType: 'business' },
  { externalId: 'host-7' },
];
const byTerm: Filter[] = [{}, plan('basic'), plan('gold')];
const byTime: Filter[] = [{}, { createdFrom: 1_004, createdTo: 1_012 }, { updatedFrom: 2_010, updatedTo: 2_040 }];

/** Every condition with every other, in every order it can be asked for in. */
const asks: CustomerAsk[] = byName.flatMap((name) =>
  byColumns.flatMap((columns) =>
    byTerm.flatMap((term) =>
      byTime.flatMap((time) =>
        (name.prefix === undefined ? (['created', 'updated'] as const) : (['search'] as const)).flatMap((sort) =>
          (['asc', 'desc'] as const).map((order) => {
            return { terms: [], ...name, ...columns, ...term, ...time, sort, order, limit: 4 };
          }),
        ),
      ),
    ),
  ),
);

/** How much is looked at for a page, so that each way is taken by some, and pages end before they are full. */
const reaches = [
  { few: 3, many: 5 },
  { few: 7, many: 12 },
  { few: 25, many: 40 },
];

const shown = (list: readonly FoundCustomer[]) => list.map(({ customer, place }) => [customer.username, ...place]);

for (const { title, create } of backends.filter(({ title, present }) => present && title !== 'memory'))
  describe(`lists of customers on ${title}`, () => {
    let backend: Backend;
    let database: Database;
    beforeAll(async () => {
      backend = await create();
      if (!backend.database) throw new Error('There is no database.');
      database = backend.database;
      const { store } = backend;
      const tenant = store.tenant('a');
      await store.transaction(async (trx) => {
        for (const customer of customers) {
          await tenant.customers.insert([customer], trx);
          await tenant.customers.changeTerms([{ customer, add: termsOf(customer, ['plan']), remove: [] }], trx);
        }
      });
    }, 60_000);
    afterAll(() => backend.close());

    it.each(reaches)(
      'are the same a page after the other, however little is looked at for each: $few, $many',
      async (reach) => {
        for (const ask of asks) {
          const expected = found(ask, customers, (customer) => termsOf(customer, ['plan']));
          const seen: FoundCustomer[] = [];
          let after: Place | undefined;
          do {
            const page = await kyselyCustomerList(database, 'a', { ...ask, after }, reach);
            expect(page.found.length).toBeLessThanOrEqual(ask.limit);
            // Every page goes on from where the one before ended.
            expect(page.next, JSON.stringify(ask)).not.toEqual(after ?? []);
            seen.push(...page.found);
            after = page.next;
          } while (after);
          expect(shown(seen), JSON.stringify(ask)).toEqual(shown(expected));
        }
      },
      240_000,
    );

    it('are whole where one condition leaves few, and end early where none does', async () => {
      const ask: CustomerAsk = {
        terms: [],
        stage: 'active',
        userType: 'business',
        sort: 'updated',
        order: 'asc',
        limit: 4,
      };
      const few = await kyselyCustomerList(database, 'a', ask, { few: 1, many: 12 });
      expect([few.found.length, few.next]).toEqual([3, undefined]);
      const early = await kyselyCustomerList(database, 'a', ask, { few: 12, many: 1 });
      expect([early.found.length, early.next?.[0]]).toEqual([0, 2_000]);
    });
  });
