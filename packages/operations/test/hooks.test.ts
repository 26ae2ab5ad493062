import { sqlite } from '@dotmac/core/kysely';
import type { LifecycleHooks } from '@dotmac/lifecycle';
import type { Transaction } from 'kysely';
import { expect, it } from 'vitest';
import { createOperations } from '../src/index.js';

interface AppTables {
  accounts: { customer_id: string };
}

it('gives hooks the transaction of the application’s own tables', async () => {
  const database = sqlite(':memory:');
  const ours = database.withTables<AppTables>();
  await ours.schema.createTable('accounts').addColumn('customer_id', 'text').execute();
  const ops = createOperations<Transaction<AppTables>>({
    database,
    lifecycle: {
      hooks: {
        'customer.register': {
          async inTransaction({ state, trx }) {
            await trx.insertInto('accounts').values({ customer_id: state.id }).execute();
          },
        },
      },
    },
  });
  await ops.start();
  const person = { username: 'neo', email: 'neo@example.com', firstName: 'Thomas', lastName: 'Anderson' };
  const { customers } = ops.scope({ tenantId: 'acme', actor: 'test' }).lifecycle;
  const { id } = await customers.register({ ...person, userType: 'residential' });
  expect(await ours.selectFrom('accounts').selectAll().execute()).toEqual([{ customer_id: id }]);
  await ops.stop();
  await database.close();
});

it('knows the application’s tables by hooks that were written beside it', () => {
  const hooks: LifecycleHooks<Transaction<AppTables>> = {};
  const ops = createOperations({ database: sqlite(':memory:'), lifecycle: { hooks } });
  expect(ops.name).toBe('operations');
});
