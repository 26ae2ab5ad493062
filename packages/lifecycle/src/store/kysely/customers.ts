import type { Kysely } from 'kysely';
import {
  executorFor,
  insertedCount,
  keptQuery,
  onConflictDoNothing,
  type Database,
  type KyselyOutbox,
} from '@dotmac/core/kysely';
import type { Stage } from '../../customers/stage.js';
import { nameKey } from '../name-key.js';
import type { CustomerStore } from '../store.js';
import { writeChange } from './change.js';
import { customerOf, customerRow, type LifecycleTables } from './tables.js';

const table = 'dotmac_customers';

type Db = Kysely<LifecycleTables>;
interface Which {
  tenantId: string;
  customerId: string;
}

const find = keptQuery((db: Db, { tenantId, customerId }: Which) =>
  db.selectFrom(table).selectAll().where('tenant_id', '=', tenantId).where('id', '=', customerId),
);

const findLocked = keptQuery((db: Db, { tenantId, customerId }: Which, { traits }) =>
  db
    .selectFrom(table)
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', customerId)
    // SQLite has one writer, and a transaction of ours is it from the start.
    .$if(traits.skipLocked, (query) => query.forUpdate()),
);

/** Index: the primary keys of customers, and (tenant_id, customer_id, id) of services. */
const findStanding = keptQuery((db: Db, { tenantId, customerId }: Which) =>
  db
    .selectFrom(table)
    .selectAll()
    .select(({ selectFrom, fn }) =>
      selectFrom('dotmac_services as s')
        .select(fn.countAll().as('count'))
        .whereRef('s.tenant_id', '=', `${table}.tenant_id`)
        .whereRef('s.customer_id', '=', `${table}.id`)
        .where('s.status', 'not in', ['terminated', 'failed'])
        .as('live_services'),
    )
    .where('tenant_id', '=', tenantId)
    .where('id', '=', customerId),
);

/** Customers in the database. */
export function kyselyCustomers(database: Database, outbox: KyselyOutbox, tenantId: string): CustomerStore {
  const on = (trx?: Parameters<CustomerStore['get']>[1]) => executorFor<LifecycleTables>(database, trx);
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
      const [row] = await find(database, { tenantId, customerId }, trx);
      return row && customerOf(row);
    },
    async lock(customerId, trx) {
      const [row] = await findLocked(database, { tenantId, customerId }, trx);
      return row && customerOf(row);
    },
    async standing(customerId) {
      const [row] = await findStanding(database, { tenantId, customerId });
      return row && { customer: customerOf(row), liveServices: Number(row.live_services) };
    },
    change: (change, trx) => writeChange(database, outbox, tenantId, change, trx),
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
