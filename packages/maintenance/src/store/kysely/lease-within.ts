import { sql, type Transaction } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { MaintenanceStore } from '../store.js';
import type { KyselyMaintenanceStoreOptions } from './kysely-store.js';
import type { MaintenanceTables } from './tables.js';

/** Looks at a lease in a transaction of the database that keeps it, and holds on to it there. By the primary key. */
export function leaseWithin(own: Database, { clock }: KyselyMaintenanceStoreOptions): MaintenanceStore['holdsLease'] {
  return async ({ database, trx }, key, fence) => {
    if (database !== own) return undefined;
    const query = (trx as Transaction<MaintenanceTables>)
      .selectFrom('dotmac_leases')
      .select('fence')
      .where('name', '=', key)
      .where('fence', '=', fence)
      .where('owner', 'is not', null)
      .where('until_at', '>', clock === undefined ? own.traits.now : sql<number>`${sql.lit(clock.now())}`);
    // SQLite has one writer, and this is in its transaction. MariaDB knows no FOR SHARE.
    const row = await (own.dialect === 'sqlite' ? query : query.forUpdate()).executeTakeFirst();
    return row !== undefined;
  };
}
