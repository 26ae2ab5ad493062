import type { StoreTransaction } from '@dotmac/core';
import { executorFor, fromFlag, onConflictDoNothing, type Database } from '@dotmac/core/kysely';
import type { PrivacyStore } from '../store.js';
import type { LifecycleTables } from './tables.js';
import { wipeCustomer } from './wipe.js';

/** Keys and holds in the database, and the end of what is kept of a customer. */
export function kyselyPrivacy(database: Database, tenantId: string): PrivacyStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  // In the snapshot of a host's own transaction, only a locking read sees what others have committed since.
  const locks = database.traits.skipLocked;
  const keyOf = (customerId: string, trx?: StoreTransaction) =>
    on(trx)
      .selectFrom('dotmac_customer_keys')
      .select('sealed_key')
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId);
  return {
    async key(customerId, trx) {
      const row = await keyOf(customerId, trx)
        .$if(locks && trx !== undefined, (query) => query.forUpdate())
        .executeTakeFirst();
      return row?.sealed_key;
    },
    async keepKey(customerId, make, trx) {
      // Not locked: where there is none yet, that would hold up those who bring their own.
      const known = await keyOf(customerId, trx).executeTakeFirst();
      if (known) return known.sealed_key;
      const row = { tenant_id: tenantId, customer_id: customerId, sealed_key: make() };
      await onConflictDoNothing(database, on(trx).insertInto('dotmac_customer_keys').values(row)).execute();
      const kept = await keyOf(customerId, trx)
        .$if(locks, (query) => query.forUpdate())
        .executeTakeFirstOrThrow();
      return kept.sealed_key;
    },
    async holds(customerId, trx) {
      const rows = await on(trx)
        .selectFrom('dotmac_legal_holds')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .$if(locks && trx !== undefined, (query) => query.forUpdate())
        .orderBy('set_at')
        .orderBy('name')
        .execute();
      return rows.map(({ name, note, set_by: setBy, set_at }) => {
        return { customerId, name, note, setBy, setAt: Number(set_at) };
      });
    },
    async setHold({ customerId, name, note, setBy, setAt }, trx) {
      const row = { tenant_id: tenantId, customer_id: customerId, name, note, set_by: setBy, set_at: setAt };
      await on(trx).insertInto('dotmac_legal_holds').values(row).execute();
    },
    async liftHold(customerId, name, trx) {
      const { numDeletedRows } = await on(trx)
        .deleteFrom('dotmac_legal_holds')
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('name', '=', name)
        .executeTakeFirst();
      return numDeletedRows === 1n;
    },
    // Index: the primary key of either; for each operation that is kept.
    async refusals(customerId) {
      const rows = await on()
        .selectFrom('dotmac_bulk_operations as o')
        .innerJoin('dotmac_bulk_failures as f', (join) =>
          join.onRef('f.tenant_id', '=', 'o.tenant_id').onRef('f.operation_id', '=', 'o.id'),
        )
        .select(['o.id', 'o.command', 'o.dry_run', 'o.created_at', 'f.code', 'f.message'])
        .where('o.tenant_id', '=', tenantId)
        .where('f.customer_id', '=', customerId)
        .orderBy('o.id')
        .execute();
      return rows.map(({ id: operationId, command, dry_run, code, message, created_at }) => {
        return { operationId, command, dryRun: fromFlag(dry_run), code, message, askedAt: Number(created_at) };
      });
    },
    wipe: (customerId, erasure, trx) => wipeCustomer({ database, tenantId, customerId, trx }, erasure),
  };
}
