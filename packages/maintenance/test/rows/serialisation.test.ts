import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import type { RowDialect } from '../../src/databases/rows/dialect.js';
import { createMaintenance, kyselyMaintenanceStore } from '../../src/index.js';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { failuresOf } from '../support/failures.js';

const dayMs = 86_400_000;
const asOf = Date.now();
const old = asOf - 60 * dayMs;
const postgres = dialects.find(({ dialect }) => dialect === 'postgres');

describe.skipIf(!postgres?.present)(
  'a cleanup of a PostgreSQL database whose transactions are serializable (needs PostgreSQL: npm run services)',
  () => {
    let fresh: FreshDatabase;
    let [cleaning, other]: Database[] = [];
    const policy = { table: 'events', timeColumn: 'at', retentionDays: 30, maxShare: 1 };
    const execute = (text: string, on = other as Database) => sql.raw(text).execute(on.kysely);
    const ids = async () =>
      (await sql<{ id: number }>`select id from events order by id`.execute((other as Database).kysely)).rows.map(
        ({ id }) => Number(id),
      );

    beforeAll(async () => {
      fresh = await (postgres as NonNullable<typeof postgres>).fresh();
      other = databaseFromUrl(fresh.url);
      await execute(
        `alter database ${new URL(fresh.url).pathname.slice(1)} set default_transaction_isolation = 'serializable'`,
      );
      await other.close();
      [cleaning, other] = [databaseFromUrl(fresh.url), databaseFromUrl(fresh.url)];
      await execute('create table events (id bigint primary key, at bigint, note varchar(20))');
      await execute('create index events_at on events (at)');
    });
    afterEach(() => execute('truncate events'));
    afterAll(async () => {
      await cleaning?.close();
      await other?.close();
      await fresh.drop();
    });
    const fill = (count: number) =>
      execute(`insert into events select it, ${old} + it, 'old' from generate_series(1, ${count}) it`);

    it('tries again when another has changed a row that it saw, and that no longer is as it saw it', async () => {
      await fill(40);
      const cleanup = await planned(cleaning as Database, policy, asOf);
      let met = false;
      const failures = failuresOf(
        cleanup,
        (real): RowDialect['transaction'] =>
          (db, limits, work) =>
            real.transaction(db, limits, async (trx) => {
              // The first statement of the transaction has been: it sees what was before this.
              if (!met) await execute(`update events set note = 'touched' where id = 7`);
              met = true;
              return work(trx);
            }),
      );
      const done = await clean(cleaning as Database, failures.cleanup, { pace: { ...tinyPace(40), leastRows: 5 } });
      expect(failures.codes).toEqual(['40001']);
      expect(done).toMatchObject({ deleted: 40, retries: 1, drained: true });
      expect(await ids()).toEqual([]);
    });

    it('tries again when the commit fails, and counts what went once', async () => {
      await fill(40);
      const cleanup = await planned(cleaning as Database, policy, asOf);
      const failures = failuresOf(cleanup);
      let met = false;
      const batches: number[] = [];
      const done = await clean(cleaning as Database, failures.cleanup, {
        pace: { ...tinyPace(40), leastRows: 5 },
        // The rows are deleted here, and that is not yet committed.
        async confirm() {
          if (met) return;
          met = true;
          await (other as Database).kysely.transaction().execute(async (trx) => {
            await sql`select count(*) from events`.execute(trx);
            await sql`insert into events values (41, ${sql.lit(old)}, 'late')`.execute(trx);
          });
        },
        onBatch: ({ deleted }) => (batches.push(deleted), Promise.resolve(true)),
      });
      expect(failures.codes).toEqual(['40001']);
      expect(done.retries).toBe(1);
      expect(batches.reduce((sum, it) => sum + it, 0)).toBe(done.deleted);
      expect(done.deleted + (await ids()).length).toBe(41);
    });

    it('gives up a batch that somebody is in the way of at every try, says so, and keeps what went before', async () => {
      await fill(40);
      const cleanup = await planned(cleaning as Database, policy, asOf);
      const failures = failuresOf(
        cleanup,
        (real): RowDialect['transaction'] =>
          (db, limits, work) =>
            real.transaction(db, limits, async (trx) => {
              await execute('update events set at = at + 1 where id = 30');
              return work(trx);
            }),
      );
      const gone: number[] = [];
      const cleaned = clean(cleaning as Database, failures.cleanup, {
        pace: tinyPace(10),
        onBatch: ({ deleted }) => (gone.push(deleted), Promise.resolve(true)),
      });
      await expect(cleaned).rejects.toMatchObject({ code: 'TABLE_CONTENDED', cause: { code: '40001' } });
      expect([failures.codes.length, gone]).toEqual([6, [10, 10]]);
      expect(await ids()).toHaveLength(20);
    });

    it(
      'is done with all of it, and its own tables, while others write what it reads',
      { timeout: 120_000 },
      async () => {
        await fill(3_000);
        const maintenance = createMaintenance({
          store: kyselyMaintenanceStore(cleaning as Database),
          databases: { main: cleaning as Database },
          retention: [{ name: 'events', database: 'main', ...policy }],
          startScheduler: false,
        });
        await maintenance.start();
        let over = false;
        /** How often a row was touched: no batch is tried more than six times, and whoever is in its way must let go. */
        const touched = new Map<number, number>();
        const touch = async (trx: Kysely<unknown>): Promise<number | undefined> => {
          const { rows } = await sql<{ id: number }>`select id from events order by at limit 1`.execute(trx);
          const id = rows[0] && Number(rows[0].id);
          if (id === undefined || (touched.get(id) ?? 0) >= 3) return undefined;
          await sql`update events set note = 'touched' where id = ${id}`.execute(trx);
          return id;
        };
        const meddle = async (): Promise<void> => {
          while (!over) {
            await (other as Database).kysely
              .transaction()
              .execute(touch)
              .then(
                (id) => id !== undefined && touched.set(id, (touched.get(id) ?? 0) + 1),
                (error: unknown) => expect((error as { code?: string }).code).toBe('40001'),
              );
            await sleep(30);
          }
        };
        const meddling = Promise.all([meddle(), meddle()]);
        await expect.poll(() => touched.size).toBe(1);
        touched.clear();
        const running = maintenance
          .scope({ tenantId: 'acme' })
          .runs.run('database_cleanup', {})
          .finally(() => (over = true));
        expect(await running).toMatchObject({ status: 'completed', itemsCleaned: 3_000, errorMessage: null });
        await meddling;
        expect(await ids()).toEqual([]);
        await maintenance.stop();
      },
    );
  },
);
