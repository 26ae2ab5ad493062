import { sql, type Kysely } from 'kysely';
import type { Pauses } from '../rows/dialect.js';

/** How long work may take on a connection of its own. */
export interface Unhurried extends Pauses {
  /** How long its statements wait for a lock. Ms. */
  lockTimeoutMs: number;
}

const askAgainMs = 500;

/**
 * Does `work` on a connection of its own, in no transaction, whose statements take as long as they take: VACUUM and REINDEX
 * CONCURRENTLY are like that. The connection's time limits are then as they were. When the signal aborts, the server is told to cancel what it is at, and this rejects with
 * what the statement came to.
 */
export function unhurried<Result>(
  db: Kysely<unknown>,
  { lockTimeoutMs, clock, signal }: Unhurried,
  work: (connection: Kysely<unknown>) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  return db.connection().execute(async (connection) => {
    // The host may have set its own on the connections of its pool.
    const { rows } = await sql<{ pid: number; statements: string; locks: string }>`
      select pg_backend_pid() as pid, current_setting('statement_timeout') as statements,
        current_setting('lock_timeout') as locks`.execute(connection);
    const own = rows[0] as (typeof rows)[number];
    const limit = (statements: string, locks: string): Promise<unknown> =>
      sql`select set_config('statement_timeout', ${statements}, false),
        set_config('lock_timeout', ${locks}, false)`.execute(connection);
    await limit('0', String(lockTimeoutMs));
    const over = new AbortController();
    const cancelled = whenAborted(signal, over.signal, async () => {
      // Between two statements nothing is there to be cancelled: it is told until it is over.
      while (!over.signal.aborted) {
        await sql`select pg_cancel_backend(${own.pid})`.execute(db).catch(() => undefined);
        await clock.sleep(askAgainMs, over.signal).catch(() => undefined);
      }
    });
    try {
      return await work(connection);
    } finally {
      over.abort();
      await cancelled;
      // One that comes late falls on this, and on nobody's statement after it.
      await sql`select 1`.execute(connection).catch(() => undefined);
      await limit(own.statements, own.locks).catch(() => undefined);
    }
  });
}

/** Resolves when `over` has aborted, and `then`, which is begun when `signal` aborts before that, has ended. */
function whenAborted(signal: AbortSignal, over: AbortSignal, then: () => Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      over.removeEventListener('abort', onOver);
      void then().then(resolve);
    };
    const onOver = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    over.addEventListener('abort', onOver, { once: true });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
