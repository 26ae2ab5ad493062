import { sql, type RawBuilder } from 'kysely';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';

/** Whose entries are set aside, and the time that they are due by. */
interface Aside {
  subscribers: readonly string[];
  limit: number;
  queue: string;
  now: () => RawBuilder<number>;
}

/** Each row of the update looks through all of them. */
const mostAtOnce = 250;

/**
 * Puts off entries that are due behind one of their lane that is put off, until that one is due; how many. Looks at those
 * that a claim passes over first. Index: (queue, parked_at, available_at, seq), then (lane, parked_at, seq) for each.
 */
export async function setAside(database: Database, { subscribers, limit, queue, now }: Aside): Promise<number> {
  if (subscribers.length === 0) return 0;
  const kysely = database.withTables<CoreTables>();
  const due = kysely
    .selectFrom('dotmac_outbox')
    .select(['seq', 'lane'])
    .where('queue', '=', queue)
    .where('parked_at', 'is', null)
    .where('available_at', '<=', now())
    .where('subscriber', 'in', subscribers)
    .$if(database.traits.ordersByNull, (query) => query.orderBy('parked_at'))
    .orderBy('available_at')
    .orderBy('seq')
    .limit(limit);
  const rows = await kysely
    .selectFrom(due.as('due'))
    .select('due.seq')
    .select(({ selectFrom }) =>
      selectFrom('dotmac_outbox as earlier')
        .select('earlier.available_at')
        .whereRef('earlier.lane', '=', 'due.lane')
        .where('earlier.parked_at', 'is', null)
        .where('earlier.subscriber', 'in', subscribers)
        .whereRef('earlier.seq', '<', 'due.seq')
        .where('earlier.claim', 'is', null)
        .where('earlier.available_at', '>', now())
        .orderBy('earlier.seq')
        .limit(1)
        .as('until'),
    )
    .execute();
  const waiting = rows.flatMap(({ seq, until }) => (until === null ? [] : [{ seq, until: Number(until) }]));
  let count = 0;
  for (let at = 0; at < waiting.length; at += mostAtOnce) {
    const some = waiting.slice(at, at + mostAtOnce);
    const cases = some.map(({ seq, until }) => sql`when seq = ${seq} then ${sql.lit(until)}`);
    const { numUpdatedRows } = await kysely
      .updateTable('dotmac_outbox')
      .set({ available_at: sql<number>`case ${sql.join(cases, sql` `)} else available_at end` })
      .where(
        'seq',
        'in',
        some.map(({ seq }) => seq),
      )
      .where('claim', 'is', null)
      .where('parked_at', 'is', null)
      .executeTakeFirst();
    count += Number(numUpdatedRows);
  }
  return count;
}
