import { sql, type Kysely } from 'kysely';

const figure = async (db: Kysely<unknown>, query: ReturnType<typeof sql<{ n: number | null }>>): Promise<number> =>
  Number((await query.execute(db)).rows[0]?.n ?? 0);

/**
 * On a primary that of its slowest standby, on a standby its own: Infinity while nothing streams to it, for all that it has
 * got is replayed then, however old. Seconds.
 * @throws on a primary with standbys of which this user may not see how they are: that takes `pg_monitor`; where a standby is
 * behind, and has replayed nothing so far by which it could be said how far
 */
export async function lagSeconds(db: Kysely<unknown>): Promise<number> {
  const first = await lagNow(db);
  if (!first.unmeasured) return first.seconds;
  // Whoever was idle has no lag until it has replayed what came next: a moment.
  await sql`select pg_sleep(0.2)`.execute(db);
  const second = await lagNow(db);
  if (!second.unmeasured) return second.seconds;
  throw new Error('a standby is behind, and has replayed nothing by which it could be said how far');
}

async function lagNow(db: Kysely<unknown>): Promise<{ seconds: number; unmeasured: boolean }> {
  const { rows } = await sql<{ n: number | null; hidden: boolean; unmeasured: boolean }>`
    select case
      when not pg_is_in_recovery() then (select extract(epoch from max(replay_lag)) from pg_catalog.pg_stat_replication)
      when pg_last_wal_receive_lsn() is not null and not exists (select 1 from pg_catalog.pg_stat_wal_receiver) then 'Infinity'
      when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
      else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
    end as n,
    exists (select 1 from pg_catalog.pg_stat_replication where state is null) as hidden,
    -- Who is up with it has no lag after a while; who takes a backup, or only keeps the log, replays nothing.
    exists (select 1 from pg_catalog.pg_stat_replication where replay_lag is null
      and (replay_lsn < sent_lsn or (replay_lsn is null and state in ('startup', 'catchup'))))
      or (pg_is_in_recovery() and pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
        and pg_last_xact_replay_timestamp() is null) as unmeasured`.execute(db);
  const [{ n, hidden, unmeasured } = { n: null, hidden: false, unmeasured: false }] = rows;
  if (hidden) throw new Error('the user may not see how far standbys are behind: that takes pg_monitor');
  return { seconds: Number(n ?? 0), unmeasured };
}

/** Sessions that wait for a lock. Everybody may see that in `pg_locks`; what others wait for in their activity, not everybody. */
export function waitingForLocks(db: Kysely<unknown>): Promise<number> {
  return figure(
    db,
    sql`select count(*) as n from pg_catalog.pg_stat_activity as a where datname = current_database()
      and exists (select 1 from pg_catalog.pg_locks as l where l.pid = a.pid and not l.granted)`,
  );
}

/** Sessions of clients that are executing something, other than this one; without `pg_monitor` those of this user alone. */
export function busySessions(db: Kysely<unknown>): Promise<number> {
  return figure(
    db,
    sql`select count(*) as n from pg_catalog.pg_stat_activity
      where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
}
