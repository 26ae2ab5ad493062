import { sql, type RawBuilder } from 'kysely';
import type { LongestWaits } from '../events/outbox.js';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';

/** Whose entries are brought forward, and the time that they are due by. */
interface Brought extends LongestWaits {
  queue: string;
  now: RawBuilder<number>;
}

/**
 * Brings entries forward that would wait longer than they may; how many. In one statement, so that processes that all see
 * a step of the clock bring each forward once. Index: (queue, parked_at, available_at, seq), as far as what is not due goes.
 */
export async function bringForward(
  database: Database,
  { subscribers, waitsMs, leaseMs, queue, now }: Brought,
): Promise<number> {
  if (subscribers.length === 0) return 0;
  const ms = (value: number) => sql.lit(Math.trunc(value));
  const waits = waitsMs
    .slice(0, -1)
    .map((wait, attempts) => sql`when claim is null and attempts = ${sql.lit(attempts)} then ${ms(wait)}`);
  const beyond = sql`when claim is null then ${ms(waitsMs.at(-1) ?? 0)}`;
  const longest = sql<number>`case ${sql.join([...waits, beyond], sql` `)} else ${ms(leaseMs)} end`;
  const { numUpdatedRows } = await database
    .withTables<CoreTables>()
    .updateTable('dotmac_outbox')
    .set({ available_at: sql<number>`case when claim is null then ${now} else ${now} + ${ms(leaseMs)} end` })
    .where('queue', '=', queue)
    .where('parked_at', 'is', null)
    .where('subscriber', 'in', subscribers)
    .where('available_at', '>', now)
    .where('available_at', '>', sql<number>`${now} + ${longest}`)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}
