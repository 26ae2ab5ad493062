import { sql, type Kysely } from 'kysely';

const figure = async (db: Kysely<unknown>, query: ReturnType<typeof sql<{ n: number | null }>>): Promise<number> =>
  Number((await query.execute(db)).rows[0]?.n ?? 0);

/** On a primary that of its slowest standby (to be seen with `pg_monitor`), on a standby its own. Seconds. */
export function lagSeconds(db: Kysely<unknown>): Promise<number> {
  return figure(
    db,
    sql`select case
      when not pg_is_in_recovery() then (select extract(epoch from max(replay_lag)) from pg_catalog.pg_stat_replication)
      when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
      else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())
    end as n`,
  );
}

/** Sessions that wait for a lock. */
export function waitingForLocks(db: Kysely<unknown>): Promise<number> {
  return figure(
    db,
    sql`select count(*) as n from pg_catalog.pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`,
  );
}

/** Sessions of clients that are executing something, other than this one. */
export function busySessions(db: Kysely<unknown>): Promise<number> {
  return figure(
    db,
    sql`select count(*) as n from pg_catalog.pg_stat_activity
      where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
}
