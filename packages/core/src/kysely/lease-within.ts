import type { Transaction } from 'kysely';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';
import { databaseTime, type KyselyLeasesOptions } from './lease-store.js';

/**
 * Makes what looks whether a lease is held, in a transaction of the database that keeps it, and holds on to it until
 * the transaction ends: what is written there is written by its holder, however long that was asleep. Undefined for a
 * transaction of another database. Reads the row by its primary key, and locks it.
 *
 * @example
 * const isHeld = leaseWithin(database);
 * if (!(await isHeld({ database, trx }, key, fence))) throw coreErrors.LEASE_LOST({ key });
 */
export function leaseWithin(own: Database, { clock }: KyselyLeasesOptions = {}) {
  return async (
    { database, trx }: { database: Database; trx: unknown },
    key: string,
    fence: number,
  ): Promise<boolean | undefined> => {
    if (database !== own) return undefined;
    const query = (trx as Transaction<CoreTables>)
      .selectFrom('dotmac_leases')
      .select('fence')
      .where('name', '=', key)
      .where('fence', '=', fence)
      .where('owner', 'is not', null)
      .where('until_at', '>', databaseTime(own, clock));
    // SQLite has one writer, and this is in its transaction. MariaDB knows no FOR SHARE.
    const row = await (own.dialect === 'sqlite' ? query : query.forUpdate()).executeTakeFirst();
    return row !== undefined;
  };
}
