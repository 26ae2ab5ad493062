import { sql, type RawBuilder, type Transaction } from 'kysely';
import { inTransaction, onConflictDoNothing, type Database } from '@dotmac/core/kysely';
import type { HistoryStore } from '../store.js';
import { entryOf } from './event-row.js';
import type { EventRow, LifecycleTables } from './tables.js';

const table = 'dotmac_customer_events';
const feeds = 'dotmac_customer_feeds';
/** A statement that numbers so many is short: nobody waits long for the lock. */
const mostAtOnce = 5_000;

type Place = Pick<EventRow, 'customer_id' | 'seq'>;

/**
 * The events of a tenant in one order that never changes. Positions are given by who reads, under a lock, to what is
 * committed by then: neither the order of ids nor that of times is the order of commits.
 */
export function kyselyFeed(database: Database, tenantId: string): Pick<HistoryStore, 'number' | 'feed'> {
  const kysely = database.withTables<LifecycleTables>();
  // Index: (tenant_id, position, at, customer_id, seq); times of one customer never go back.
  const waiting = (on: typeof kysely, limit: number) =>
    on
      .selectFrom(table)
      .select(['customer_id', 'seq', 'at'])
      .where('tenant_id', '=', tenantId)
      .where('position', 'is', null)
      .$if(database.traits.ordersByNull, (query) => query.orderBy('position'))
      .orderBy('at')
      .orderBy('customer_id')
      .orderBy('seq')
      .limit(limit);
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
    const given = await position(trx, waiting(trx, Math.min(limit, mostAtOnce)), before);
    if (given === 0) return { last: before, given };
    const last = before + given;
    await trx.updateTable(feeds).set({ last_position: last }).where('tenant_id', '=', tenantId).execute();
    return { last, given };
  };
  /** Numbers what waits in one statement, however much it is. @returns how much it was */
  const position = async (
    trx: Transaction<LifecycleTables>,
    places: ReturnType<typeof waiting>,
    before: number,
  ): Promise<number> => {
    const events = sql`${sql.table(table)} as e`;
    const set = sql`set position = ${before} + n.place`;
    const own = sql`e.tenant_id = ${tenantId} and e.customer_id = n.customer_id and e.seq = n.seq`;
    const statement =
      database.dialect === 'mysql'
        ? sql`update ${readBefore(await places.execute())} straight_join ${events} on ${own} ${set}`
        : sql`update ${events} ${set} from (
            select customer_id, seq, row_number() over (order by at, customer_id, seq) as place
            from ${places} as waiting
          ) as n where ${own}`;
    const { numAffectedRows = 0n } = await statement.execute(trx);
    return Number(numAffectedRows);
  };
  /** MySQL waits for what is not committed where a change reads it: there it is read before. */
  const readBefore = (places: readonly Place[]): RawBuilder<unknown> => {
    const rows = JSON.stringify(places.map(({ customer_id, seq }) => [customer_id, seq]));
    return sql`(select * from json_table(${rows}, '$[*]' columns (
      place for ordinality, customer_id ${database.traits.types.id} path '$[0]', seq integer path '$[1]'
    )) as given) as n`;
  };

  return {
    async number(limit) {
      const found = await waiting(kysely, 1).execute();
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
