import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { aCustomer } from './samples.js';
import type { LifecycleStoreSubject } from './subject.js';

/** What a store must do when what is known of a customer changes. */
export const profileCases: Suite<LifecycleStoreSubject>['cases'] = [
  {
    name: 'moves a customer to an address that nobody has, and frees the one before',
    async run({ store }) {
      const { customers } = store.tenant('a');
      const [neo, trinity] = [aCustomer('a'), aCustomer('a')];
      for (const customer of [neo, trinity]) await store.transaction((trx) => customers.insert([customer], trx));
      const give = (email: string) => {
        const after = { ...neo, email, phone: '+49 30 1', marketingConsent: !neo.marketingConsent, lastName: 'A' };
        return customers.change({ before: neo, after, history: [], outbox: [] });
      };
      await assert.rejects(give(trinity.email.toUpperCase()), { code: 'CUSTOMER_EXISTS', details: { field: 'email' } });
      assert.deepEqual(await customers.get(neo.id), neo);
      assert.equal(await give('One@Example.com'), true);
      assert.equal((await customers.byEmail('one@example.com'))?.id, neo.id);
      assert.equal(await customers.byEmail(neo.email), undefined);
      const { phone, marketingConsent, lastName } = (await customers.get(neo.id)) ?? assert.fail();
      assert.deepEqual([phone, marketingConsent, lastName], ['+49 30 1', !neo.marketingConsent, 'A']);
      const heir = aCustomer('a', { email: neo.email });
      assert.deepEqual(await store.transaction((trx) => customers.insert([heir], trx)), ['inserted']);
    },
  },
];
