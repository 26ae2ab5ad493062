import { Pool } from 'pg';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, sqlite, type Database } from '@dotmac/core/kysely';
import { available, postgresUrl } from '../../../../test/support/services.js';
import {
  activeSessions,
  eventLoopDelay,
  lockWaits,
  poolWait,
  replicaLag,
  type PressureSignal,
} from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { pausesUntil } from '../support/pausing.js';

describe('work waits for the event loop of its process', () => {
  it('while something else keeps it, and goes on when that is over', { timeout: 60_000 }, async () => {
    let blocking: NodeJS.Timeout | undefined;
    const block = (): void => {
      for (const until = performance.now() + 700; performance.now() < until;);
    };
    await pausesUntil(eventLoopDelay({ pauseAtMs: 500 }), {
      press: () => void (blocking = setInterval(block, 100)),
      relieve: () => clearInterval(blocking),
    });
  });
});

it('the delay of an event loop is known from the first question on', { timeout: 60_000 }, async () => {
  const { read } = eventLoopDelay();
  const first = read(new AbortController().signal);
  for (const until = performance.now() + 700; performance.now() < until;);
  expect(await first).toBeGreaterThan(500);
});

it.each([
  ['replica_lag', replicaLag, { unit: 's', pauseAt: 5 }],
  ['lock_waits', lockWaits, { unit: 'sessions', pauseAt: 5 }],
  ['active_sessions', activeSessions, { unit: 'sessions', pauseAt: 32 }],
])('%s is 0 on SQLite, which has one writer and no replicas', async (name, signalOf, said) => {
  const database = sqlite(':memory:');
  const signal = signalOf(database);
  expect(signal).toMatchObject({ ...said, name });
  expect(signalOf(database, { of: 'main', pauseAt: 7 })).toMatchObject({ ...said, name: `${name}:main`, pauseAt: 7 });
  expect(await signal.read(new AbortController().signal)).toBe(0);
  await database.close();
});

describe.skipIf(!available.postgres)('work waits for a pool (needs PostgreSQL: npm run services)', () => {
  const pool = new Pool({ connectionString: postgresUrl, max: 1 });
  afterAll(() => pool.end());

  it('of which the application has taken all connections and wants more, and goes on when it has one', async () => {
    const taken = await pool.connect();
    let waiting: Promise<{ release(): void }> | undefined;
    await pausesUntil(poolWait(pool), {
      press: () => void (waiting = pool.connect()),
      async relieve() {
        taken.release();
        (await waiting)?.release();
      },
    });
  });

  it('but not for one that is used up while nobody waits', async () => {
    const taken = await pool.connect();
    expect(pool.waitingCount).toBe(0);
    expect(await poolWait(pool).read(new AbortController().signal)).toBe(0);
    taken.release();
  });
});

for (const { title, dialect, present, fresh: createFresh } of dialects.filter((it) => it.dialect !== 'sqlite'))
  describe.skipIf(!present)(`work waits for locks, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      await sql`create table orders (id integer primary key, n integer)`.execute(database.kysely);
      await sql`insert into orders values (1, 0)`.execute(database.kysely);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    it('that sessions of the application wait for, and goes on when they have them', { timeout: 60_000 }, async () => {
      const add = sql`update orders set n = n + 1 where id = 1`;
      let letGo = (): void => {};
      const done = new Promise<void>((resolve) => (letGo = resolve));
      const all: Promise<unknown>[] = [];
      const signal: PressureSignal = lockWaits(database, { pauseAt: 2, resumeAt: 0, of: dialect });
      await pausesUntil(signal, {
        async press() {
          let held = (): void => {};
          const holding = new Promise<void>((resolve) => (held = resolve));
          all.push(
            database.kysely.transaction().execute(async (trx) => {
              await add.execute(trx);
              held();
              await done;
            }),
          );
          await holding;
          all.push(add.execute(database.kysely), add.execute(database.kysely));
        },
        async relieve() {
          letGo();
          await Promise.all(all);
        },
      });
      const { rows } = await sql<{ n: number }>`select n from orders`.execute(database.kysely);
      expect(Number(rows[0]?.n)).toBe(3);
    });

    if (dialect === 'postgres')
      it('also when they are another user’s, whose activity this one may not see', { timeout: 60_000 }, async () => {
        const role = `${new URL(fresh.url).pathname.slice(1)}_app`;
        await sql`create role ${sql.id(role)} login`.execute(database.kysely);
        const url = new URL(fresh.url);
        url.username = role;
        const asApp = databaseFromUrl(url.href);
        const signal = lockWaits(asApp, { pauseAt: 1 });
        const waiting = () => signal.read(new AbortController().signal);
        expect(await waiting()).toBe(0);
        let blocked: Promise<unknown> | undefined;
        await database.kysely.transaction().execute(async (trx) => {
          await sql`update orders set n = 0`.execute(trx);
          blocked = sql`update orders set n = 1`.execute(database.kysely);
          await expect.poll(waiting, { timeout: 20_000 }).toBe(1);
        });
        await blocked;
        await asApp.close();
        await sql`drop role ${sql.id(role)}`.execute(database.kysely);
      });
  });
