import { sql, type Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { rowDialect } from '../../src/databases/row-dialects.js';
import { besideOthers } from '../../src/databases/rows/beside-others.js';
import { activeSessions } from '../../src/index.js';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { startable, startMariadb, startPostgres, type OwnServer } from '../support/own-servers.js';

const never = new AbortController().signal;

/** A pace of 8,000 rows, 1,000 of them beside others, on a clock that only rests move on. */
function watching(written?: () => Promise<string>) {
  const clock = fakeClock();
  const log = { commits: 0 };
  const others = { pace: { mostRows: 1_000 }, written: written ?? (() => Promise.resolve(String(log.commits))) };
  const dialect = { pace: tinyPace(8_000), besideOthers: others };
  const company = besideOthers(dialect, undefined as unknown as Kysely<unknown>, clock, { table: 'accounts' });
  return {
    mostRows: () => company.pace.mostRows,
    /** Rests for so long, in which others commit so often. */
    async rest(ms: number, commits = 0) {
      const rested = company.rest(ms, never);
      await clock.advance(0);
      log.commits += commits;
      await clock.advance(ms);
      await rested;
    },
    company,
  };
}

describe('the pace of batches', () => {
  it('is considerate at first, until a quarter of a second went by in which nobody wrote', async () => {
    const { mostRows, rest } = watching();
    expect(mostRows()).toBe(1_000);
    await rest(249);
    expect(mostRows()).toBe(1_000);
    await rest(1);
    expect(mostRows()).toBe(8_000);
  });

  it('is considerate again from the second time within a second that somebody writes', async () => {
    const { mostRows, rest } = watching();
    await rest(1_000);
    await rest(5, 1);
    expect(mostRows()).toBe(8_000);
    await rest(900);
    await rest(5, 1);
    expect(mostRows()).toBe(1_000);
  });

  it('stays so as long as somebody goes on writing, and a second more', async () => {
    const { mostRows, rest } = watching();
    for (let i = 0; i < 20; i++) await rest(500, 3);
    expect(mostRows()).toBe(1_000);
    await rest(999);
    expect(mostRows()).toBe(1_000);
    await rest(1);
    expect(mostRows()).toBe(8_000);
  });

  it('takes nobody for somebody who writes once in a while, as who renews a lease', async () => {
    const { mostRows, rest } = watching();
    await rest(1_000);
    for (let i = 0; i < 20; i++) {
      await rest(5, 1);
      await rest(1_000);
      expect(mostRows()).toBe(8_000);
    }
  });

  it('is considerate throughout where the database does not tell, and asks it once', async () => {
    let asked = 0;
    const { mostRows, rest } = watching(() => Promise.reject(new Error(`permission denied ${(asked += 1)}`)));
    for (let i = 0; i < 10; i++) await rest(1_000);
    expect(mostRows()).toBe(1_000);
    expect(asked).toBe(1);
  });

  it('rejects a rest as soon as the work is to end', async () => {
    const { company } = watching();
    const stop = new AbortController();
    const rested = company.rest(60_000, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(rested).rejects.toThrow('stopped');
  });
});

describe('beside an application on SQLite', () => {
  let [database, fresh]: [Database, FreshDatabase] = [] as never;
  beforeEach(async () => {
    fresh = await dialects[0].fresh();
    database = databaseFromUrl(fresh.url);
    await sql`create table accounts (id integer primary key, balance integer)`.execute(database.kysely);
    await sql`insert into accounts values (1, 0), (2, 0)`.execute(database.kysely);
  });
  afterEach(async () => {
    await database.close();
    await fresh.drop();
  });
  const write = ({ kysely }: Database) => sql`update accounts set balance = balance + 1`.execute(kysely);
  /** Twenty batches of ours, after each of which `meanwhile` is done: whether they were considerate, each. */
  const paces = async (meanwhile: () => Promise<unknown>, schema?: string) => {
    const clock = fakeClock();
    const dialect = rowDialect(database);
    const company = besideOthers(dialect, database.kysely, clock, { table: 'accounts', schema });
    const considerate: boolean[] = [];
    for (let batch = 0; batch < 20; batch++) {
      await write(database);
      considerate.push(company.pace.mostMs === dialect.besideOthers?.pace.mostMs);
      await meanwhile();
      let hasRested = false;
      const rested = company.rest(100, never).then(() => (hasRested = true));
      while (!hasRested) await clock.advance(10);
      await rested;
    }
    return considerate;
  };

  it('batches are longer, and rest less, when nobody writes but they', async () => {
    const considerate = await paces(() => Promise.resolve());
    expect(considerate.slice(0, 2)).toEqual([true, true]);
    expect(considerate.slice(3)).toEqual(Array.from({ length: 17 }, () => false));
  });

  it('they are considerate while it writes, in a rest or between two of them', async () => {
    const application = databaseFromUrl(fresh.url);
    expect(await paces(() => write(application))).not.toContain(false);
    await application.close();
  });

  it('who writes to an attached file is in the way of its tables alone', async () => {
    const url = `${fresh.url}-too`;
    const application = databaseFromUrl(url);
    await sql`create table accounts (id integer primary key, balance integer)`.execute(application.kysely);
    await sql`insert into accounts values (1, 0)`.execute(application.kysely);
    await sql`attach ${url.replace('sqlite:', '')} as too`.execute(database.kysely);
    expect(await paces(() => write(application), 'too')).not.toContain(false);
    expect((await paces(() => write(application))).slice(3)).not.toContain(true);
    await application.close();
  });
});

const old = Date.now() - 60 * 86_400_000;

/** Servers of their own: on one that is shared somebody always writes. */
const servers = [
  {
    title: 'PostgreSQL',
    present: startable.postgres,
    start: () => startPostgres({ autovacuum: 'off' }),
    url: (port: number, name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`,
    own: 'postgres',
    rows: `select i, ${old} + i from generate_series(1, 30000) i`,
    locks: {
      take: 'select pg_advisory_lock(1)',
      release: 'select pg_advisory_unlock(1)',
      wait: 'select pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1)',
    },
  },
  {
    title: 'MariaDB',
    present: startable.mariadb,
    start: () => startMariadb(['--innodb-flush-log-at-trx-commit=0']),
    url: (port: number, name: string) => `mysql://root@127.0.0.1:${port}/${name}`,
    own: 'mysql',
    rows: `select seq, ${old} + seq from seq_1_to_30000`,
    locks: {
      take: "select get_lock('held', 60)",
      release: "select release_lock('held')",
      wait: "select get_lock('held', 60), release_lock('held')",
    },
  },
];

for (const { title, present, start, url, own, rows, locks } of servers)
  describe.skipIf(!present)(`beside an application on ${title}`, () => {
    let server: OwnServer;
    let database: Database;
    let application: Database;
    const run = (statement: string, on = database) => sql.raw(statement).execute(on.kysely);

    beforeAll(async () => {
      server = await start();
      const first = databaseFromUrl(url(server.port, own));
      await run('create database tested', first);
      await first.close();
      [database, application] = [0, 1].map(() => databaseFromUrl(url(server.port, 'tested'))) as [Database, Database];
      await run('create table events (id bigint primary key, at bigint)');
      await run('create index events_at on events (at)');
      await run('create table accounts (id bigint primary key, balance bigint)');
      await run('insert into accounts values (1, 0)');
    }, 120_000);
    afterAll(async () => {
      await application.close();
      await database.close();
      await server.stop();
    });
    beforeEach(async () => {
      await run('delete from events');
      await run(`insert into events ${rows}`);
    });

    /** Deletes it all on a clock on which nothing but rests takes time; `meanwhile` is done in each of these. */
    const sizes = async (meanwhile: () => Promise<unknown>) => {
      let elapsedMs = 0;
      const clock: Clock = {
        ...systemClock,
        monotonic: () => elapsedMs,
        async sleep() {
          elapsedMs += 200;
          await meanwhile();
        },
      };
      const policy = { table: 'events', timeColumn: 'at', retentionDays: 30 };
      const batches: number[] = [];
      const result = await clean(database, await planned(database, policy, Date.now()), {
        clock,
        pace: undefined,
        onBatch: ({ deleted }) => Promise.resolve(batches.push(deleted) > 0),
      });
      expect(result.deleted).toBe(30_000);
      return batches;
    };

    it('its sessions count as active while they execute something, and no others do', async () => {
      const active = () => expect.poll(() => activeSessions(database).read(never), { timeout: 20_000 });
      await active().toBe(0);
      await application.kysely.transaction().execute(async (trx) => {
        await sql.raw(locks.take).execute(trx);
        // Who waits for a lock is executing; who has it, within a transaction, is not.
        await active().toBe(0);
        const waiting = [1, 2, 3].map(() => run(locks.wait, application));
        await active().toBe(3);
        await sql.raw(locks.release).execute(trx);
        await Promise.all(waiting);
      });
      await active().toBe(0);
    });

    it('batches are small while it writes', async () => {
      const most = rowDialect(database).besideOthers?.pace.mostRows ?? 0;
      const batches = await sizes(() => run('update accounts set balance = balance + 1', application));
      expect(most).toBeGreaterThan(0);
      expect(Math.max(...batches)).toBeLessThanOrEqual(most);
    });

    it('batches are large when nobody does', async () => {
      const { besideOthers: others, pace } = rowDialect(database);
      const batches = await sizes(() => Promise.resolve());
      expect(Math.max(...batches)).toBe(pace.mostRows);
      expect(pace.mostRows).toBeGreaterThan(others?.pace.mostRows ?? Infinity);
    });
  });
