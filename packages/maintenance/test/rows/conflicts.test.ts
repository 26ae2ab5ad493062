import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { lockWaits } from '../../src/databases/pressure.js';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { failuresOf } from '../support/failures.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const old = asOf - 60 * dayMs;

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`a cleanup that meets others, on ${title}`, () => {
    let fresh: FreshDatabase;
    let [cleaning, other]: Database[] = [];
    const policy = { table: 'events', timeColumn: 'at', retentionDays: 30 };
    const ids = async (database = cleaning as Database) =>
      (await sql<{ id: number }>`select id from events order by id`.execute(database.kysely)).rows.map(({ id }) =>
        Number(id),
      );

    beforeAll(async () => {
      fresh = await createFresh();
      [cleaning, other] = [databaseFromUrl(fresh.url, { busyTimeoutMs: 40 }), databaseFromUrl(fresh.url)];
      const { kysely } = cleaning as Database;
      await sql`create table events (id bigint primary key, at bigint, note varchar(20))`.execute(kysely);
      await sql`create index events_at on events (at)`.execute(kysely);
      await sql`create table ballast (id bigint primary key, n bigint)`.execute(kysely);
      for (let i = 1; i <= 200; i++) await sql`insert into ballast values (${i}, 0)`.execute(kysely);
    });
    afterAll(async () => {
      await cleaning?.close();
      await other?.close();
      await fresh.drop();
    });
    const fill = async (count: number) => {
      const { kysely } = cleaning as Database;
      await sql`delete from events`.execute(kysely);
      await sql`insert into events values ${sql.join(Array.from({ length: count }, (_, i) => sql`(${sql.lit(i + 1)}, ${sql.lit(old + i)}, 'old')`))}`.execute(
        kysely,
      );
    };

    /** Resolves when so many wait for a lock in this database: the server may have others, of other tests. */
    const waiting = (count: number) => {
      const { dialect, kysely } = other as Database;
      const ofMariadb = sql<{ n: number }>`select count(*) as n from information_schema.innodb_trx as t
        join information_schema.processlist as p on p.id = t.trx_mysql_thread_id
        where t.trx_state = 'LOCK WAIT' and p.db = database()`;
      const waits = async (): Promise<number> =>
        dialect === 'mysql'
          ? Number((await ofMariadb.execute(kysely)).rows[0]?.n)
          : await lockWaits(other as Database).read(new AbortController().signal);
      // InnoDB renews what it shows when nobody has looked for a tenth of a second.
      return expect.poll(waits, { timeout: 20_000, interval: 300 }).toBe(count);
    };

    it('tries again after a deadlock, with fewer rows', { timeout: 60_000 }, async () => {
      await fill(40);
      const { cleanup, codes } = failuresOf(await planned(cleaning as Database, policy, asOf));
      const { kysely } = other as Database;
      let running: Promise<{ deleted: number; retries: number }> | undefined;
      const begin = (): void => {
        running = clean(cleaning as Database, cleanup, {
          pace: { ...tinyPace(40), leastRows: 5, lockTimeoutMs: 20_000 },
        });
      };
      await kysely.transaction().execute(async (trx) => {
        // Much work is done here already, so that this is not the one that is chosen to go back.
        await sql`update ballast set n = n + 1`.execute(trx);
        await sql`update events set note = 'locked' where id = 30`.execute(trx);
        if (dialect === 'sqlite') {
          // There is one lock: the other waits for it in vain, and comes again.
          begin();
          await expect.poll(() => codes.length).toBeGreaterThan(0);
          return;
        }
        // PostgreSQL sends back whoever looks first.
        if (dialect === 'postgres') await sql`set local deadlock_timeout = '1min'`.execute(trx);
        let asked: Promise<unknown> | undefined;
        await kysely.transaction().execute(async (gate) => {
          // PostgreSQL looks for a deadlock once for each wait: the cleanup must not wait for row 30 before all of it is laid.
          await sql`select id from events where id = 10 for update`.execute(gate);
          begin();
          await waiting(1);
          asked = sql`update events set note = 'locked too' where id = 3`.execute(trx);
          await waiting(2);
        });
        await asked;
      });
      const { deleted, retries } = (await running) as { deleted: number; retries: number };
      expect({ deleted, retried: retries > 0 }).toEqual({ deleted: 40, retried: true });
      expect(codes[0]).toBe({ sqlite: 'SQLITE_BUSY', postgres: '40P01', mysql: '1213' }[dialect]);
      expect(await ids()).toEqual([]);
    });

    it('deletes no row that stopped being due while it waited for it', { timeout: 60_000 }, async () => {
      await fill(10);
      const { cleanup, codes } = failuresOf(await planned(cleaning as Database, policy, asOf));
      let running: Promise<unknown> | undefined;
      await (other as Database).kysely.transaction().execute(async (trx) => {
        await sql`update events set at = ${asOf} where id = 7`.execute(trx);
        running = clean(cleaning as Database, cleanup, { pace: { ...tinyPace(4), lockTimeoutMs: 20_000 } });
        // On SQLite, whose one lock is held, it comes again.
        if (dialect === 'sqlite') await expect.poll(() => codes).toContain('SQLITE_BUSY');
        else await waiting(1);
      });
      await running;
      expect(await ids()).toEqual([7]);
    });

    it('deletes exactly what was due while another inserts', { timeout: 60_000 }, async () => {
      await fill(2_000);
      const cleanup = await planned(cleaning as Database, policy, asOf);
      let over = false;
      const running = clean(cleaning as Database, cleanup, { pace: tinyPace(50) }).finally(() => (over = true));
      let inserted = 0;
      while (!over) {
        inserted += 1;
        await sql`insert into events values (${10_000 + inserted}, ${asOf - dayMs}, 'young')`.execute(
          (other as Database).kysely,
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await running).toMatchObject({ deleted: 2_000, drained: true });
      expect(inserted).toBeGreaterThan(5);
      expect(await ids()).toHaveLength(inserted);
    });

    it('stops after the batch that used up the budget, and goes on from there', async () => {
      await fill(30);
      const cleanup = await planned(cleaning as Database, policy, asOf);
      let [left, place]: [number, unknown] = [12, undefined];
      const first = await clean(cleaning as Database, cleanup, {
        pace: tinyPace(5),
        remaining: () => left,
        onBatch(batch) {
          left -= batch.deleted;
          place = JSON.parse(JSON.stringify(batch.place));
          return Promise.resolve(left > 0);
        },
      });
      expect(first).toMatchObject({ deleted: 12, batches: 3, drained: false });
      const rest = await clean(cleaning as Database, await planned(cleaning as Database, policy, asOf), {
        pace: tinyPace(5),
        from: place as object as never,
      });
      expect(rest).toMatchObject({ deleted: 18, drained: true });
    });
  });
