import { systemClock, type CancelTimer, type Clock, type WakeHandler, type Waker } from '@dotmac/core';
import { sql, type Kysely } from 'kysely';
import type { AppTables } from './database.js';

/** How often to look for what other processes asked for. */
const pollMs = 1_000;
const retryMs = 1_000;

/**
 * The application's own way to wake work: a table of its own, so that whichever process is there takes what is due. That a
 * process dies with what it took is no harm: dotmac keeps all that matters in its tables, and sweeps them now and then.
 */
export function wakeupTable(database: Kysely<AppTables>, clock: Clock = systemClock): Waker {
  const running = new Map<string, Promise<void>>();
  const timers = new Set<CancelTimer>();
  let handler: WakeHandler | undefined;
  let abort = new AbortController();

  const later = (ms: number, work: () => void): void => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      work();
    });
    timers.add(cancel);
  };
  const wake = async (key: string, at: number): Promise<void> => {
    await sql`insert into wakeups (key, due_at) values (${key}, ${at})
      on conflict (key) do update set due_at = least(wakeups.due_at, excluded.due_at)`.execute(database);
    if (handler) later(Math.max(0, at - clock.now()), look);
  };
  const begin = (key: string, handle: WakeHandler): void => {
    const work = Promise.resolve()
      .then(() => handle(key, abort.signal))
      .catch(() => wake(key, clock.now() + retryMs))
      // What is not written is found by dotmac's sweep of its own tables.
      .catch((error: unknown) => console.error('a wake-up could not be written', error))
      .finally(() => {
        running.delete(key);
        look();
      });
    running.set(key, work);
  };
  /** Takes what is due, save for what is being worked on here: that is taken afterwards. */
  const take = async (): Promise<void> => {
    const due = await database
      .deleteFrom('wakeups')
      .where('due_at', '<=', String(clock.now()))
      .$if(running.size > 0, (query) => query.where('key', 'not in', [...running.keys()]))
      .returning('key')
      .execute();
    for (const { key } of due) if (handler) begin(key, handler);
  };
  const look = (): void => {
    if (handler) take().catch((error: unknown) => console.error('wake-ups could not be taken', error));
  };
  const poll = (): void => {
    look();
    later(pollMs, poll);
  };

  return {
    wake,
    start(given) {
      if (handler) return;
      handler = given;
      abort = new AbortController();
      poll();
    },
    async stop() {
      handler = undefined;
      for (const cancel of timers) cancel();
      timers.clear();
      const grace = clock.after(5_000, () => abort.abort());
      await Promise.allSettled(running.values());
      grace();
    },
  };
}
