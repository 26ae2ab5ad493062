import type { Clock } from '@dotmac/core';
import {
  databaseTime,
  fromJson,
  insertRows,
  inTransaction,
  onConflictDoNothing,
  toJson,
  type Database,
} from '@dotmac/core/kysely';
import type { DomainEvent } from '@dotmac/core';
import type { Transaction } from 'kysely';
import type { EventLog, PlacedEvent } from '../event-log.js';
import type { HealthEventRow, HealthTables } from './tables.js';

const table = 'dotmac_health_events';
const feeds = 'dotmac_health_event_feeds';
/** There is one order, of all tenants. */
const feed = 'events';
/** Each row of the update looks through all of them. */
const placedAtOnce = 250;
const rowsPerStatement = 100;

type Row = Pick<HealthEventRow, 'position' | 'event'>;

const placed = ({ position, event }: Row): PlacedEvent => ({
  position: Number(position),
  event: fromJson<DomainEvent>(event),
});

/**
 * The events of all tenants in one order that never changes. Positions are given by who reads, under a lock, to what is
 * committed by then: neither the order of ids nor that of insertion is the order of commits, and a writer that gave them
 * would hold up all the others.
 */
export function kyselyEventLog(database: Database, clock: Pick<Clock, 'now'> | undefined): EventLog {
  const kysely = database.withTables<HealthTables>();

  const place = async (trx: Transaction<HealthTables>): Promise<number> => {
    await onConflictDoNothing(database, trx.insertInto(feeds).values({ name: feed, last_position: 0 })).execute();
    const { last_position: last } = await trx
      .selectFrom(feeds)
      .select('last_position')
      .where('name', '=', feed)
      .$if(database.traits.skipLocked, (query) => query.forUpdate())
      .executeTakeFirstOrThrow();
    // Index: (position, seq).
    const waiting = await trx
      .selectFrom(table)
      .select('seq')
      .where('position', 'is', null)
      .$if(database.traits.ordersByNull, (query) => query.orderBy('position'))
      .orderBy('seq')
      .limit(placedAtOnce)
      .execute();
    const [first, ...rest] = waiting.map(({ seq }, index) => ({ seq, position: Number(last) + index + 1 }));
    if (!first) return 0;
    await trx
      .updateTable(table)
      .set((build) => {
        const begun = build.case().when('seq', '=', first.seq).then(build.lit(first.position));
        const all = rest.reduce((text, it) => text.when('seq', '=', it.seq).then(build.lit(it.position)), begun);
        return { position: all.end() };
      })
      .where(
        'seq',
        'in',
        waiting.map(({ seq }) => seq),
      )
      .execute();
    const reached = Number(last) + waiting.length;
    await trx.updateTable(feeds).set({ last_position: reached }).where('name', '=', feed).execute();
    return waiting.length;
  };
  const placeAll = async (): Promise<void> => {
    while ((await inTransaction<HealthTables, number>(database, undefined, place)) === placedAtOnce);
  };
  // Index: (position, seq), for both.
  const after = (position: number, limit: number) =>
    kysely
      .selectFrom(table)
      .select(['position', 'event'])
      .where('position', '>', position)
      .orderBy('position')
      .limit(limit);
  const unplaced = kysely.selectFrom(table).select(['position', 'event']).where('position', 'is', null).limit(1);

  return {
    async logEvents(events, trx) {
      if (events.length === 0) return;
      const rows = events.map((event) => ({
        ...{ event_id: event.id, tenant_id: event.tenantId, event: toJson(event) },
        ...(clock && { logged_at: clock.now() }),
      }));
      const computed = clock ? {} : { computed: { logged_at: databaseTime(database, undefined) } };
      await insertRows(database, { insert: table, rows, ...computed }, trx);
    },
    async lastPosition() {
      await placeAll();
      const row = await kysely
        .selectFrom(feeds)
        .select('last_position')
        .where('name', '=', feed)
        .executeTakeFirstOrThrow();
      return Number(row.last_position);
    },
    async eventsAfter(position, limit) {
      const rows = await kysely
        .selectFrom(after(position, limit).as('placed'))
        .selectAll()
        .unionAll(kysely.selectFrom(unplaced.as('unplaced')).selectAll())
        .execute();
      if (rows.every((row) => row.position !== null))
        return rows.map(placed).sort((one, other) => one.position - other.position);
      await placeAll();
      return (await after(position, limit).execute()).map(placed);
    },
    async tenantEventsFrom(tenantId, eventId, limit) {
      // Index: (tenant_id, event_id).
      const find = () =>
        kysely
          .selectFrom(table)
          .select('position')
          .where('tenant_id', '=', tenantId)
          .where('event_id', '=', eventId)
          .executeTakeFirst();
      if (!(await find())) return undefined;
      await placeAll();
      const found = await find();
      if (!found) return undefined;
      // Index: (tenant_id, position).
      const rows = await after(Number(found.position) - 1, limit)
        .where('tenant_id', '=', tenantId)
        .execute();
      return rows.map(placed);
    },
    // Primary key: the oldest.
    async pruneEvents(before, limit) {
      const oldest = await kysely.selectFrom(table).select(['seq', 'logged_at']).orderBy('seq').limit(limit).execute();
      const seqs = oldest.flatMap(({ seq, logged_at: at }) => (Number(at) < before ? [seq] : []));
      for (let at = 0; at < seqs.length; at += rowsPerStatement)
        await kysely
          .deleteFrom(table)
          .where('seq', 'in', seqs.slice(at, at + rowsPerStatement))
          .execute();
      return seqs.length;
    },
  };
}
