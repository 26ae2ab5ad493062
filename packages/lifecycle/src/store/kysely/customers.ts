import type { Kysely } from 'kysely';
import { executorFor, keptQuery, type Database, type KyselyOutbox } from '@dotmac/core/kysely';
import type { Stage } from '../../customers/stage.js';
import type { SearchTerm, TermKind } from '../../search/terms.js';
import { nameKey } from '../name-key.js';
import type { CustomerStore } from '../store.js';
import { writeChange } from './change.js';
import { kyselyCustomerList } from './customer-list.js';
import { insertCustomers } from './customer-insertions.js';
import { prepareTerms } from './customer-terms.js';
import type { Standings } from './standings.js';
import { customerOf } from './customer-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_customers';
const terms = 'dotmac_customer_terms';

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

/** Customers in the database. */
export function kyselyCustomers(
  database: Database,
  outbox: KyselyOutbox,
  standings: Standings,
  tenantId: string,
): CustomerStore {
  const on = (trx?: Parameters<CustomerStore['get']>[1]) => executorFor<LifecycleTables>(database, trx);
  const locks = database.traits.skipLocked;

  return {
    insert: (customers, trx) => insertCustomers(database, tenantId, customers, trx),
    async get(customerId, trx) {
      const [row] = await find(database, { tenantId, customerId }, trx);
      return row && customerOf(row);
    },
    async lock(customerId, trx) {
      const [row] = await findLocked(database, { tenantId, customerId }, trx);
      return row && customerOf(row);
    },
    standing: (customerId) => standings({ tenantId, customerId }),
    change: (change, trx) => writeChange(database, outbox, tenantId, change, trx),
    async byEmail(email, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('email_key', '=', nameKey(email))
        .executeTakeFirst();
      return row && customerOf(row);
    },
    async byExternalId(externalId, trx) {
      const row = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('external_id', '=', externalId)
        .$if(locks && trx !== undefined, (query) => query.forUpdate())
        .executeTakeFirst();
      return row && customerOf(row);
    },
    changeTerms: (changes, trx) => prepareTerms(database, tenantId, changes)(trx),
    // Index: the primary key.
    async scan(after, limit) {
      const rows = await on()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .$if(after !== undefined, (query) => query.where('id', '>', after as string))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(customerOf);
    },
    // Index: (tenant_id, customer_id, kind, term).
    async termsOf(customerIds, trx) {
      const found = new Map<string, SearchTerm[]>();
      if (customerIds.length === 0) return found;
      const rows = await on(trx)
        .selectFrom(terms)
        .select(['customer_id', 'kind', 'term'])
        .where('tenant_id', '=', tenantId)
        .where('customer_id', 'in', customerIds)
        .execute();
      for (const { customer_id, kind, term } of rows)
        found.set(customer_id, [...(found.get(customer_id) ?? []), { kind: kind as TermKind, term }]);
      return found;
    },
    list: (ask) => kyselyCustomerList(database, tenantId, ask),
    // Index: (tenant_id, stage, created_at, id, user_type, updated_at).
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
