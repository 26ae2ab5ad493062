import type { Transaction } from 'kysely';
import { inTransaction, onConflictDoNothing, type Database } from '@dotmac/core/kysely';
import type { HistoryStore } from '../store.js';
import { entryOf, type EventRow, type LifecycleTables } from './tables.js';

const table = 'dotmac_customer_events';
const feeds = 'dotmac_customer_feeds';
/** Each row of the update looks through all of them. */
const mostAtOnce = 250;

type Place = Pick<EventRow, 'customer_id' | 'seq'>;

/**
 * The events of a tenant in one order that never changes. Positions are given by who reads, under a lock, to what is
 * committed by then: neither the order of ids nor that of times is the order of commits.
 */
export function kyselyFeed(database: Database, tenantId: string): Pick<HistoryStore, 'number' | 'feed'> {
  const kysely = database.withTables<LifecycleTables>();
  // Index: (tenant_id, position, at, customer_id, seq); times of one customer never go back.
  const waiting = (on: typeof kysely, limit: number): Promise<Place[]> =>
    on
      .selectFrom(table)
      .select(['customer_id', 'seq'])
      .where('tenant_id', '=', tenantId)
      .where('position', 'is', null)
      // All null: named so that the index is seen to have this order.
      .orderBy('position')
      .orderBy('at')
      .orderBy('customer_id')
      .orderBy('seq')
      .limit(limit)
      .execute();
  const lastGiven = async (): Promise<number> => {
    const row = await kysely
      .selectFrom(feeds)
      .select('last_position')
      .where('tenant_id', '=', tenantId)
      .executeTakeFirst();
    return Number(row?.last_position ?? 0);
  };
  const give = async (trx: Transaction<LifecycleTables>, limit: number): Promise<{ last: number; given: number }> => {
    const lock = trx.insertInto(feeds).values({ tenant_id: tenantId, last_position: 0 });
    await onConflictDoNothing(database, lock).execute();
    const { last_position } = await trx
      .selectFrom(feeds)
      .select('last_position')
      .where('tenant_id', '=', tenantId)
      .$if(database.traits.skipLocked, (query) => query.forUpdate())
      .executeTakeFirstOrThrow();
    const before = Number(last_position);
    const places = await waiting(trx, Math.min(limit, mostAtOnce));
    if (places.length === 0) return { last: before, given: 0 };
    await position(trx, places, before);
    const last = before + places.length;
    await trx.updateTable(feeds).set({ last_position: last }).where('tenant_id', '=', tenantId).execute();
    return { last, given: places.length };
  };
  const position = async (
    trx: Transaction<LifecycleTables>,
    places: readonly Place[],
    before: number,
  ): Promise<void> => {
    await trx
      .updateTable(table)
      .set((build) => {
        const [first, ...rest] = places.map(({ customer_id, seq }, index) => ({
          is: build.and([build('customer_id', '=', customer_id), build('seq', '=', seq)]),
          value: before + index + 1,
        }));
        const begun = build
          .case()
          .when(first?.is as never)
          .then(build.lit(first?.value ?? 0));
        return {
          position: rest.reduce((all, { is, value }) => all.when(is as never).then(build.lit(value)), begun).end(),
        };
      })
      .where('tenant_id', '=', tenantId)
      .where('customer_id', 'in', [...new Set(places.map(({ customer_id }) => customer_id))])
      .where((build) =>
        build.or(
          places.map(({ customer_id, seq }) =>
            build.and([build('customer_id', '=', customer_id), build('seq', '=', seq)]),
          ),
        ),
      )
      .execute();
  };

  return {
    async number(limit) {
      const found = await waiting(kysely, 1);
      if (found.length === 0) return { last: await lastGiven(), given: 0 };
      return inTransaction<LifecycleTables, { last: number; given: number }>(database, undefined, (trx) =>
        give(trx, limit),
      );
    },
    // Index: (tenant_id, position, at, customer_id, seq).
    async feed(after, limit) {
      const rows = await kysely
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('position', '>', after)
        .orderBy('position')
        .limit(limit)
        .execute();
      return rows.map((row) => ({ ...entryOf(row), position: Number(row.position) }));
    },
  };
}
