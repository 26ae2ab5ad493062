import type { StoreTransaction } from '@dotmac/core';
import { executorFor, insertNewRows, type Database } from '@dotmac/core/kysely';
import type { Customer } from '../../customers/customer.js';
import type { Insertion } from '../store.js';
import { among } from './among.js';
import { customerRow } from './customer-row.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

const table = 'dotmac_customers';

type Name = 'id' | 'username_key' | 'external_id';

/** Adds customers in their order, and finds what those have in the way who could not be added. */
export async function insertCustomers(
  database: Database,
  tenantId: string,
  customers: readonly Customer[],
  trx: StoreTransaction,
): Promise<Insertion[]> {
  const rows = customers.map((customer) => ({ ...customerRow(customer), tenant_id: tenantId }));
  const added = await insertNewRows(database, { insert: table, rows }, trx);
  if (added === rows.length) return rows.map(() => 'inserted');
  /** Those of their values that are somebody's. */
  const held = async (column: Name, of: readonly CustomerRow[]): Promise<ReadonlySet<string | null>> => {
    const values = of.flatMap((row) => row[column] ?? []);
    if (values.length === 0) return new Set();
    const holders = await executorFor<LifecycleTables>(database, trx)
      .selectFrom(table)
      .select(column)
      .where('tenant_id', '=', tenantId)
      .where(among(database, column, values))
      .orderBy('id')
      // A locking read: in the snapshot of a host's own transaction the other row may not be there yet.
      .$if(database.traits.skipLocked, (query) => query.forUpdate())
      .execute();
    return new Set(holders.map((holder) => (holder as Pick<CustomerRow, Name>)[column]));
  };
  // Ids are new: who is there under his own was added.
  const ids = await held('id', added > 0 ? rows : []);
  const left = rows.filter(({ id }) => !ids.has(id));
  const usernames = await held('username_key', left);
  const externalIds = await held('external_id', left);
  return rows.map(({ id, username_key, external_id }) => {
    if (ids.has(id)) return 'inserted';
    if (usernames.has(username_key)) return 'username';
    return externalIds.has(external_id) ? 'external_id' : 'email';
  });
}
