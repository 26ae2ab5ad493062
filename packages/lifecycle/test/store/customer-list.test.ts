import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import type { Customer } from '../../src/customers/customer.js';
import type { CustomerAsk, FoundCustomer } from '../../src/search/ask.js';
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

/** How much is read before another way is taken, so that each way is taken by some. */
const reaches = [
  { soon: 1, few: 2, many: 30, most: 40 },
  { soon: 2, few: 5, many: 12, most: 6 },
  { soon: 8, few: 1, many: 3, most: 10 },
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
          await tenant.customers.insert(customer, trx);
          await tenant.customers.changeTerms([{ customer, add: termsOf(customer, ['plan']), remove: [] }], trx);
        }
      });
    }, 60_000);
    afterAll(() => backend.close());

    it.each(reaches)(
      'are the same whichever way is taken: $soon, $few, $many, $most',
      async (reach) => {
        for (const ask of asks) {
          const expected = found(ask, customers, (customer) => termsOf(customer, ['plan']));
          const list = (after?: FoundCustomer) =>
            kyselyCustomerList(database, 'a', { ...ask, after: after?.place }, reach);
          const first = await list();
          expect(shown(first), JSON.stringify(ask)).toEqual(shown(expected.slice(0, 5)));
          const next = await list(first[3]);
          expect(shown(next), JSON.stringify(ask)).toEqual(
            shown(first[3] ? expected.slice(4, 9) : expected.slice(0, 5)),
          );
        }
      },
      120_000,
    );
  });
