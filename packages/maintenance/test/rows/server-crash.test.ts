import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { clean, planned, tinyPace } from '../support/clean.js';
import { startable, startPostgres, type OwnServer } from '../support/own-servers.js';

const dayMs = 86_400_000;
const asOf = Date.now();
const old = asOf - 60 * dayMs;
const rows = 400;

describe.skipIf(!startable.postgres)(
  'a PostgreSQL server that crashes while rows go (needs PostgreSQL: npm run services)',
  () => {
    let server: OwnServer;
    let database: Database;
    const open = () => databaseFromUrl(`postgres://postgres@127.0.0.1:${server.port}/postgres`);
    const execute = (text: string) => sql.raw(text).execute(database.kysely);
    const ids = async (table: string) =>
      (await sql<{ id: number }>`select id from ${sql.table(table)} order by id`.execute(database.kysely)).rows.map(
        ({ id }) => Number(id),
      );
    const policy = {
      ...{ table: 'events', timeColumn: 'at', retentionDays: 30, maxShare: 1 },
      archive: { table: 'archived' },
    };

    beforeAll(async () => {
      // What is committed without waiting stays in memory for as long as PostgreSQL lets it: a crash would take it back.
      server = await startPostgres({
        ...{ wal_writer_delay: '10s', wal_writer_flush_after: '1GB', wal_buffers: '16MB', autovacuum: 'off' },
      });
      database = open();
      await execute('create table events (id bigint primary key, at bigint)');
      await execute('create table archived (id bigint, at bigint)');
      await execute('create index events_at on events (at)');
      await execute(`insert into events select it, ${old} + it from generate_series(1, ${rows}) it`);
    }, 120_000);
    afterAll(async () => {
      await database.close();
      await server.stop();
    });

    it('brings nothing back of what was counted, and the next run takes the rest', async () => {
      let batches = 0;
      const crashing = clean(database, await planned(database, policy, asOf), {
        pace: tinyPace(10),
        async onBatch() {
          if (++batches === 20) await server.crash();
          return batches < 20;
        },
      });
      expect(await crashing).toMatchObject({ deleted: 200 });
      await database.close();
      database = open();

      const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
      expect(await ids('archived')).toEqual(from(1, 200));
      expect(await ids('events')).toEqual(from(201, rows));

      await clean(database, await planned(database, policy, asOf));
      expect(await ids('events')).toEqual([]);
      expect(await ids('archived')).toEqual(from(1, rows));
    });
  },
);
