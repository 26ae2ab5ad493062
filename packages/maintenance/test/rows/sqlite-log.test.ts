import { stat } from 'node:fs/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const asOf = Date.UTC(2026, 5, 1);

describe("SQLite's log while rows go", () => {
  let [database, fresh]: [Database, FreshDatabase] = [] as never;
  beforeEach(async () => {
    fresh = await dialects[0].fresh();
    database = databaseFromUrl(fresh.url);
    const { kysely } = database;
    await sql`create table events (id integer primary key, at integer, note text)`.execute(kysely);
    await sql`create index events_note on events (note)`.execute(kysely);
    await sql`insert into events with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
      select i, i, hex(randomblob(100)) from n`.execute(kysely);
    await sql`pragma wal_checkpoint(truncate)`.execute(kysely);
  });
  afterEach(async () => {
    await database.close();
    await fresh.drop();
  });
  const logBytes = async () => (await stat(`${fresh.url.slice('sqlite:'.length)}-wal`)).size;
  const cleanup = () =>
    planned(database, { table: 'events', timeColumn: 'at', retentionDays: 30, allowFullScan: true }, asOf);

  it('begins anew after each batch, and does not grow with their number', async () => {
    // Else what is left in it would be written back at the end of every commit, where nobody else writes meanwhile.
    await sql`pragma wal_autocheckpoint = 0`.execute(database.kysely);
    const sizes: number[] = [];
    const onBatch = async () => (sizes.push(await logBytes()), true);
    const { deleted, batches } = await clean(database, await cleanup(), { pace: tinyPace(500), onBatch });
    expect({ deleted, batches }).toEqual({ deleted: 20_000, batches: 40 });
    expect(sizes[0]).toBeGreaterThan(0);
    expect(sizes.at(-1)).toBeLessThan(2 * (sizes[0] as number));
  });

  it('is left to whoever reads from it, and rows go all the same', async () => {
    const reader = databaseFromUrl(fresh.url);
    await reader.kysely.connection().execute(async (connection) => {
      await sql`begin`.execute(connection);
      await sql`select count(*) from events`.execute(connection);
      const { deleted, drained } = await clean(database, await cleanup(), { pace: tinyPace(2_000) });
      expect({ deleted, drained }).toEqual({ deleted: 20_000, drained: true });
      const { rows } = await sql<{ n: number }>`select count(*) as n from events`.execute(connection);
      expect(rows).toEqual([{ n: 20_000 }]);
      await sql`commit`.execute(connection);
    });
    await reader.close();
  });
});
