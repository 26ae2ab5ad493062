import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects } from '../support/databases.js';

const policy = { table: 'days', timeColumn: 'day', timeUnit: 'timestamp', retentionDays: 30, maxShare: 1 } as const;
const days = ['2026-04-30', '2026-05-01', '2026-05-02', '2026-05-03'];

for (const { dialect, title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`a date without a time, on ${title}`, () => {
    it.each([
      ['at midnight', Date.UTC(2026, 5, 1)],
      ['within its day', Date.UTC(2026, 5, 1, 12)],
      ['at the end of its day', Date.UTC(2026, 5, 2) - 1],
    ])('goes when all of its day is before the cutoff, %s', async (_, asOf) => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      try {
        const { kysely } = database;
        await sql`create table days (id bigint primary key, day date)`.execute(kysely);
        await sql`create index days_day on days (day)`.execute(kysely);
        for (const [id, day] of days.entries()) await sql`insert into days values (${id}, ${day})`.execute(kysely);
        // In SQLite anything may stand beside it. Its midnight is an instant, which is the cutoff or before it.
        const midnight = dialect === 'sqlite' && asOf % 86_400_000 > 0;
        if (midnight) await sql`insert into days values (9, '2026-05-02 00:00:00')`.execute(kysely);
        const cleanup = await planned(database, policy, asOf);
        expect(cleanup.plan.due).toEqual({ items: midnight ? 3 : 2, exact: true });
        await clean(database, cleanup, { pace: tinyPace(1) });
        const { rows } = await sql<{ id: number }>`select id from days order by id`.execute(kysely);
        expect(rows.map(({ id }) => Number(id))).toEqual([2, 3]);
      } finally {
        await database.close();
        await fresh.drop();
      }
    });
  });

it.skipIf(!dialects.some(({ dialect, present }) => dialect === 'sqlite' && present))(
  'an instant in a text of SQLite is compared to the millisecond',
  async () => {
    const fresh = await dialects.find(({ dialect }) => dialect === 'sqlite')!.fresh();
    const database = databaseFromUrl(fresh.url);
    try {
      await sql`create table days (id integer primary key, day text)`.execute(database.kysely);
      await sql`create index days_day on days (day)`.execute(database.kysely);
      for (let step = 0; step < 40; step++) {
        const cutoff = Date.UTC(1969, 0, 1) + step * 52_161_234_567;
        await sql`delete from days`.execute(database.kysely);
        for (const off of [-1, 0, 1])
          await sql`insert into days values (${off}, ${new Date(cutoff + off).toISOString()})`.execute(database.kysely);
        const cleanup = await planned(database, policy, cutoff + 30 * 86_400_000);
        await clean(database, cleanup);
        const { rows } = await sql<{ id: number }>`select id from days order by id`.execute(database.kysely);
        expect([cutoff, rows.map(({ id }) => id)]).toEqual([cutoff, [0, 1]]);
      }
    } finally {
      await database.close();
      await fresh.drop();
    }
  },
);
