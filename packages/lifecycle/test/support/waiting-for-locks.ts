import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';

/** How many statements in a test's own database are at the server, and wait for what another transaction holds. */
export async function waitingForLocks(database: Database): Promise<number> {
  const on = database.kysely;
  if (database.dialect === 'postgres') {
    const { rows } = await sql`
      select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    `.execute(on);
    return rows.length;
  }
  // Not information_schema.innodb_trx: asked again within 100 ms, by anybody, it says what it said before.
  const { rows: status } = await sql<{ Status: string }>`show engine innodb status`.execute(on);
  const waiters = [...(status[0]?.Status ?? '').matchAll(/^LOCK WAIT [^]*? thread id (\d+),/gm)].map(([, id]) => id);
  const { rows: own } = await sql<{ id: number | string }>`
    select id from information_schema.processlist where db = database()
  `.execute(on);
  const ids = new Set(own.map(({ id }) => String(id)));
  return waiters.filter((id) => id !== undefined && ids.has(id)).length;
}
