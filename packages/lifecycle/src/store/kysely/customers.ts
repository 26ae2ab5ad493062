import { executorFor, insertedCount, onConflictDoNothing, type Database } from '@dotmac/core/kysely';
import type { Stage } from '../../customers/stage.js';
import { nameKey } from '../name-key.js';
import type { CustomerStore } from '../store.js';
import { customerOf, customerRow, type LifecycleTables } from './tables.js';

const table = 'dotmac_customers';

/** Customers in the database. */
export function kyselyCustomers(database: Database, tenantId: string): CustomerStore {
  const on = (trx?: Parameters<CustomerStore['get']>[1]) => executorFor<LifecycleTables>(database, trx);
  // SQLite has one writer, and a transaction of ours is it from the start.
  const locks = database.traits.skipLocked;

  return {
    async insert(customer, trx) {
      const row = { ...customerRow(customer), tenant_id: tenantId };
      const inserted = await onConflictDoNothing(database, on(trx).insertInto(table).values(row)).execute();
      if (insertedCount(inserted) === 1) return 'inserted';
      // A locking read: in the snapshot of a host's own transaction the other row may not be there yet.
      const holder = await on(trx)
        .selectFrom(table)
        .select('id')
        .where('tenant_id', '=', tenantId)
        .where('username_key', '=', nameKey(customer.username))
        .$if(locks, (query) => query.forUpdate())
        .executeTakeFirst();
      return holder ? 'username' : 'email';
    },
    async get(customerId, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', customerId)
        .executeTakeFirst();
      return row && customerOf(row);
    },
    async lock(customerId, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', customerId)
        .$if(locks, (query) => query.forUpdate())
        .executeTakeFirst();
      return row && customerOf(row);
    },
    async replace(customer, expectedVersion, trx) {
      const { tenant_id: _, id, ...changed } = customerRow(customer);
      const { numUpdatedRows } = await on(trx)
        .updateTable(table)
        .set(changed)
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('version', '=', expectedVersion)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    // Index: (tenant_id, stage, id).
    async countByStage() {
      const rows = await on()
        .selectFrom(table)
        .select(({ fn }) => ['stage', fn.countAll<number>().as('count')])
        .where('tenant_id', '=', tenantId)
        .groupBy('stage')
        .execute();
      return Object.fromEntries(rows.map(({ stage, count }) => [stage, Number(count)])) as Partial<
        Record<Stage, number>
      >;
    },
  };
}
