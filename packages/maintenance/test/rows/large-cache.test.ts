import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const asOf = Date.UTC(2026, 5, 1);

describe("SQLite's cache while rows go", () => {
  let [database, fresh]: [Database, FreshDatabase] = [] as never;
  beforeEach(async () => {
    fresh = await dialects[0].fresh();
    database = databaseFromUrl(fresh.url);
    await sql`create table events (id integer primary key, at integer)`.execute(database.kysely);
    await sql`insert into events values (1, 1), (2, 2), (3, 3)`.execute(database.kysely);
  });
  afterEach(async () => {
    await database.close();
    await fresh.drop();
  });
  const size = async (): Promise<number | undefined> =>
    (await sql<{ cache_size: number }>`pragma cache_size`.execute(database.kysely)).rows[0]?.cache_size;
  const set = (cacheSize: number) => sql`pragma cache_size = ${sql.lit(cacheSize)}`.execute(database.kysely);
  const cleanup = async (onBatch: () => Promise<boolean>) =>
    clean(
      database,
      await planned(database, { table: 'events', timeColumn: 'at', retentionDays: 30, allowFullScan: true }, asOf),
      { pace: tinyPace(1), onBatch },
    );

  for (const [told, before] of [
    ['KiB', -2_000],
    ['pages', 500],
  ] as const)
    it(`is 64 MB, and then as the application has it, told in ${told}`, async () => {
      await set(before);
      const seen = new Set<unknown>();
      await cleanup(async () => !!seen.add(await size()));
      expect([...seen]).toEqual([-65_536]);
      expect(await size()).toBe(before);
    });

  for (const [told, before] of [
    ['KiB', -200_000],
    ['pages', 100_000],
  ] as const)
    it(`is left alone where it is larger, told in ${told}`, async () => {
      await set(before);
      const seen = new Set<unknown>();
      await cleanup(async () => !!seen.add(await size()));
      expect([...seen, await size()]).toEqual([before, before]);
    });

  it('is that of an attached file for its tables', async () => {
    await sql`attach ${`${fresh.url.replace('sqlite:', '')}-too`} as too`.execute(database.kysely);
    await sql`create table too.old_events (id integer primary key, at integer)`.execute(database.kysely);
    await sql`insert into old_events values (1, 1), (2, 2)`.execute(database.kysely);
    const sizes = async () => {
      const { rows } = await sql<{ cache_size: number }>`pragma too.cache_size`.execute(database.kysely);
      return [await size(), rows[0]?.cache_size];
    };
    const before = await sizes();
    const policy = { schema: 'too', table: 'old_events', timeColumn: 'at', retentionDays: 30, allowFullScan: true };
    const seen: unknown[] = [];
    const onBatch = async () => !!seen.push(await sizes());
    await clean(database, await planned(database, policy, asOf), { pace: tinyPace(9), onBatch });
    expect([seen[0], await sizes()]).toEqual([[before[0], -65_536], before]);
  });

  it('is as it was after a failure', async () => {
    await set(-2_000);
    await expect(cleanup(() => Promise.reject(new Error('taken over')))).rejects.toThrow('taken over');
    expect(await size()).toBe(-2_000);
  });
});
