import { sql, type RawBuilder } from 'kysely';
import type { Clock } from '../clock.js';
import type { Leases } from '../wake/lease.js';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';
import { inTransaction } from './transaction.js';
import { insertedCount, onConflictDoNothing } from './upsert.js';

/**
 * The one clock that expiry is judged by: the database's own, unless one is given (for tests, and for those whose
 * processes share one clock anyway).
 */
export function databaseTime(database: Database, clock: Pick<Clock, 'now'> | undefined): RawBuilder<number> {
  return clock === undefined ? database.traits.now : sql<number>`${sql.lit(clock.now())}`;
}

/** Options of {@link kyselyLeases}. */
export interface KyselyLeasesOptions {
  /** Judge expiry by this clock instead of the database's. */
  clock?: Pick<Clock, 'now'>;
}

/**
 * Leases in the database, for all processes on it. Needs `coreMigrations`. A key's row is never removed, so that its fence keeps
 * increasing: use keys of a bounded number.
 */
export function kyselyLeases(database: Database, { clock }: KyselyLeasesOptions = {}): Leases {
  const kysely = database.withTables<CoreTables>();
  const after = (ttlMs: number): RawBuilder<number> => sql<number>`${databaseTime(database, clock)} + ${sql.lit(Math.trunc(ttlMs))}`;

  const insertNew = async (key: string, owner: string, ttlMs: number): Promise<boolean> => {
    const row = { name: key, owner, fence: 1, until_at: after(ttlMs) };
    const insert = kysely.insertInto('dotmac_leases').values(row);
    return insertedCount(await onConflictDoNothing(database, insert).execute()) === 1;
  };

  return {
    async acquire(key, owner, ttlMs) {
      const fence = await inTransaction<CoreTables, number | 'absent' | 'held'>(database, undefined, async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('dotmac_leases')
          .set((row) => ({ owner, fence: row('fence', '+', 1), until_at: after(ttlMs) }))
          .where('name', '=', key)
          .where((row) =>
            row.or([row('owner', 'is', null), row('owner', '=', owner), row('until_at', '<=', databaseTime(database, clock))]),
          )
          .executeTakeFirst();
        // The update holds the row's lock, so this reads what it wrote.
        const row = await trx.selectFrom('dotmac_leases').select('fence').where('name', '=', key).executeTakeFirst();
        if (!row) return 'absent';
        return numUpdatedRows === 1n ? Number(row.fence) : 'held';
      });
      if (typeof fence === 'number') return { fence };
      if (fence === 'absent' && (await insertNew(key, owner, ttlMs))) return { fence: 1 };
      return null;
    },
    async renew(key, owner, fence, ttlMs) {
      const { numUpdatedRows } = await kysely
        .updateTable('dotmac_leases')
        .set({ until_at: after(ttlMs) })
        .where('name', '=', key)
        .where('owner', '=', owner)
        .where('fence', '=', fence)
        .where('until_at', '>', databaseTime(database, clock))
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async release(key, owner, fence) {
      const { numUpdatedRows } = await kysely
        .updateTable('dotmac_leases')
        .set({ owner: null })
        .where('name', '=', key)
        .where('owner', '=', owner)
        .where('fence', '=', fence)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
  };
}
