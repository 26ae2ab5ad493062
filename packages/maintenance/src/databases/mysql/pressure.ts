import { sql, type Kysely } from 'kysely';

const figure = async (db: Kysely<unknown>, query: ReturnType<typeof sql<{ n: number }>>): Promise<number> =>
  Number((await query.execute(db)).rows[0]?.n ?? 0);

/** Of a replica (a source does not know): Infinity while it is not replicating, 0 for what is no replica. Seconds. */
export async function lagSeconds(db: Kysely<unknown>): Promise<number> {
  const { rows } = await sql<Record<string, unknown>>`show replica status`.execute(db);
  const [status] = rows;
  if (!status) return 0;
  const seconds = status['Seconds_Behind_Source'] ?? status['Seconds_Behind_Master'];
  return seconds === null || seconds === undefined ? Infinity : Number(seconds);
}

/** Transactions that wait for a lock. Needs the privilege PROCESS. */
export function waitingForLocks(db: Kysely<unknown>): Promise<number> {
  return figure(db, sql`select count(*) as n from information_schema.innodb_trx where trx_state = 'LOCK WAIT'`);
}

/**
 * Sessions that are executing something, other than this one; those of the server itself, and of what follows its log, always seem to.
 * Needs the privilege PROCESS.
 */
export function busySessions(db: Kysely<unknown>): Promise<number> {
  return figure(
    db,
    sql`select count(*) as n from information_schema.processlist
      where command not in ('Sleep', 'Daemon') and command not like 'Binlog Dump%' and user <> 'system user'
        and id <> connection_id()`,
  );
}
