import { sql, type RawBuilder } from 'kysely';
import type { Clock } from '../clock.js';
import type { Lease, NamedLeases } from '../wake/lease.js';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';
import { insertedCount, onConflictDoNothing } from './upsert.js';

/**
 * The one clock that expiry is judged by: the database's own, unless one is given (for tests, and for those whose
 * processes share one clock anyway).
 */
export function databaseTime(database: Database, clock: Pick<Clock, 'now'> | undefined): RawBuilder<number> {
  return clock === undefined ? database.traits.now : sql<number>`${sql.lit(clock.now())}`;
}

/** What {@link databaseTime} is now, epoch ms. */
export async function readTime(database: Database, clock: Pick<Clock, 'now'> | undefined): Promise<number> {
  if (clock !== undefined) return clock.now();
  const now = databaseTime(database, clock).as('at');
  return Number((await database.kysely.selectNoFrom(now).executeTakeFirstOrThrow()).at);
}

/** Options of {@link kyselyLeases}. */
export interface KyselyLeasesOptions {
  /** Judge expiry by this clock instead of the database's. */
  clock?: Pick<Clock, 'now'>;
}

/**
 * Leases in the database, for all processes on it. Needs `coreMigrations`. A key's row stays when it is released, so that
 * its fence keeps increasing: use keys of a bounded number, or remove in time those that nobody has had for long.
 */
export function kyselyLeases(database: Database, { clock }: KyselyLeasesOptions = {}): NamedLeases {
  const kysely = database.withTables<CoreTables>();
  const after = (ttlMs: number): RawBuilder<number> =>
    sql<number>`${databaseTime(database, clock)} + ${sql.lit(Math.trunc(ttlMs))}`;

  const insertNew = async (key: string, owner: string, ttlMs: number): Promise<boolean> => {
    const row = { name: key, owner, fence: 1, until_at: after(ttlMs) };
    const insert = kysely.insertInto('dotmac_leases').values(row);
    return insertedCount(await onConflictDoNothing(database, insert).execute()) === 1;
  };

  /** Takes a row that is free, ours or expired, in one statement; null when there is none. */
  const takeOver = async (key: string, owner: string, ttlMs: number): Promise<Lease | null> => {
    const { returning } = database.traits;
    const update = kysely
      .updateTable('dotmac_leases')
      // Without RETURNING, last_insert_id(value) makes the connection remember the value and answer it.
      .set({ owner, fence: returning ? sql`fence + 1` : sql`last_insert_id(fence + 1)`, until_at: after(ttlMs) })
      .where('name', '=', key)
      .where((row) =>
        row.or([
          row('owner', 'is', null),
          row('owner', '=', owner),
          row('until_at', '<=', databaseTime(database, clock)),
        ]),
      );
    const fence = returning
      ? (await update.returning('fence').executeTakeFirst())?.fence
      : (await kysely.executeQuery(update.compile())).insertId;
    return fence === undefined ? null : { fence: Number(fence) };
  };

  return {
    async acquire(key, owner, ttlMs) {
      const taken = await takeOver(key, owner, ttlMs);
      if (taken) return taken;
      return (await insertNew(key, owner, ttlMs)) ? { fence: 1 } : null;
    },
    async renew(key, owner, fence, ttlMs) {
      const { numUpdatedRows } = await kysely
        .updateTable('dotmac_leases')
        .set({ until_at: after(ttlMs) })
        .where('name', '=', key)
        .where('owner', '=', owner)
        .where('fence', '=', fence)
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
    async holder(key) {
      const row = await kysely
        .selectFrom('dotmac_leases')
        .select(['owner', 'fence'])
        .where('name', '=', key)
        .where('until_at', '>', databaseTime(database, clock))
        .executeTakeFirst();
      return row === undefined || row.owner === null ? null : { owner: row.owner, fence: Number(row.fence) };
    },
  };
}
