import { systemClock } from '@dotmac/core';
import { sql, type Kysely } from 'kysely';
import type { BatchLimits } from '../rows/dialect.js';
import { statementLimitOf, type StatementLimit } from './statement-limit.js';

/**
 * Runs `work` on one connection, in UTC (a timestamp is shown in the session's zone, where an hour may happen twice) and
 * within the limits; the session is then as it was.
 * @param limitOf what the server of that version can limit
 */
export function inSession<Result>(
  db: Kysely<unknown>,
  { statementTimeoutMs, lockTimeoutMs }: BatchLimits,
  work: (connection: Kysely<unknown>) => Promise<Result>,
  limitOf: (version: string) => StatementLimit = statementLimitOf,
): Promise<Result> {
  return db.connection().execute(async (connection) => {
    const { rows } = await sql<{ id: number; version: string }>`
      select connection_id() as id, version() as version`.execute(connection);
    const { id, version } = rows[0] as { id: number; version: string };
    const limit = limitOf(version);
    const seconds = Math.max(1, Math.ceil(lockTimeoutMs / 1000));
    const settings: [name: string, value: string | number][] = [
      ['time_zone', '+00:00'],
      ['innodb_lock_wait_timeout', seconds],
      ['lock_wait_timeout', seconds],
    ];
    if (limit.variable !== null) settings.push([limit.variable, statementTimeoutMs / limit.unitMs]);
    const remembered = settings.map(([name]) => sql.raw(`@dm_${name} = @@session.${name}`));
    const changed = settings.map(([name, value]) => sql`session ${sql.raw(name)} = ${sql.lit(value)}`);
    // The host may have set its own on the connections of its pool.
    const restored = settings.map(([name]) => sql.raw(`session ${name} = @dm_${name}`));
    await sql`set ${sql.join([...remembered, ...changed])}`.execute(connection);
    try {
      const within = () => work(connection);
      return await (limit.endsWrites ? within() : killingLate(db, Number(id), statementTimeoutMs, within));
    } finally {
      await sql`set ${sql.join(restored)}`.execute(connection);
    }
  });
}

/**
 * Ends whatever statement the connection is at when the work as a whole takes longer than one statement may, and again as
 * long after that: by KILL QUERY from another connection, which the same user may do. Between two statements it does
 * nothing. What was killed so failed by its time, and is tried again with fewer rows.
 */
async function killingLate<Result>(
  db: Kysely<unknown>,
  id: number,
  limitMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  let [over, killed] = [false, false];
  let killing: Promise<unknown> = Promise.resolve();
  const kill = async (): Promise<void> => {
    killed = true;
    await sql`kill query ${sql.lit(id)}`.execute(db).catch(() => undefined);
    if (!over) wait();
  };
  // Drivers count in the system's time, too.
  const wait = (): void => void (cancel = systemClock.after(limitMs, () => void (killing = kill())));
  let cancel = (): void => {};
  wait();
  try {
    return await work();
  } catch (error) {
    if (!killed || !wasInterrupted(error)) throw error;
    throw Object.assign(new Error('The statement took longer than it may.', { cause: error }), {
      code: 'ER_QUERY_TIMEOUT',
    });
  } finally {
    over = true;
    cancel();
    // What comes too late would fall on the connection's next user.
    await killing;
  }
}

function wasInterrupted(error: unknown): boolean {
  const causes = [error, (error as { cause?: unknown } | null)?.cause];
  return causes.some((it) => (it as { code?: unknown } | null | undefined)?.code === 'ER_QUERY_INTERRUPTED');
}
