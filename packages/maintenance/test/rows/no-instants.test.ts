import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { countIngest } from '../../src/databases/rows/count.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects } from '../support/databases.js';
import { write } from '../support/write-odd.js';

const asOf = Date.UTC(2026, 5, 1);

interface Odd {
  type: string;
  /** Values that a column of instants takes and that are none. */
  values: string[];
  unit?: 'ms';
}
const unbounded = ["'-infinity'", "'infinity'", 'null'];
const odd: Record<'sqlite' | 'postgres' | 'mysql', Odd[]> = {
  // See `never-deleted.test.ts`.
  sqlite: [],
  postgres: [
    ...['timestamp', 'timestamptz', 'date'].map((type) => ({ type, values: unbounded })),
    ...['double precision', 'real'].map((type) => ({ type, values: [...unbounded, "'nan'"], unit: 'ms' as const })),
  ],
  mysql: [
    { type: 'datetime', values: ["'0000-00-00 00:00:00'", "'2001-00-00'", "'2001-05-00'", 'null'] },
    { type: 'datetime(6)', values: ["'0000-00-00 00:00:00'", 'null'] },
    { type: 'timestamp null', values: ["'0000-00-00 00:00:00'", 'null'] },
    { type: 'date', values: ["'0000-00-00'", "'2001-00-00'", 'null'] },
  ],
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present || dialect === 'sqlite')(`what is no instant, on ${title}`, () => {
    it.each(odd[dialect])('in a column of $type stays, and all that is old goes', async ({ type, values, unit }) => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      const { kysely } = database;
      try {
        await sql`create table moments (id bigint primary key, at ${sql.raw(type)})`.execute(kysely);
        await sql`create index moments_at on moments (at)`.execute(kysely);
        for (const [index, value] of values.entries())
          await write(database, `insert into moments values (${index}, ${value})`);
        for (let id = 100; id < 110; id++)
          await sql`insert into moments values (${id}, ${unit ? 7 : '2001-01-01'})`.execute(kysely);
        const policy = {
          table: 'moments',
          timeColumn: 'at',
          timeUnit: unit ?? ('timestamp' as const),
          retentionDays: 30,
        };
        const cleanup = await planned(database, policy, asOf);
        expect(cleanup.plan.due).toEqual({ items: 10, exact: true });
        const { dialect: rows, selection, facts } = cleanup.prepared;
        expect(await countIngest(database, rows, selection, facts, asOf)).toMatchObject({ items: 0 });
        expect(await clean(database, cleanup, { pace: tinyPace(3) })).toMatchObject({ deleted: 10, drained: true });
        const { rows: left } = await sql<{ id: number }>`select id from moments order by id`.execute(kysely);
        expect(left.map(({ id }) => Number(id))).toEqual([...values.keys()]);
      } finally {
        await database.close();
        await fresh.drop();
      }
    });
  });

const none: Record<'sqlite' | 'postgres' | 'mysql', Odd[]> = {
  ...odd,
  sqlite: [
    { type: 'integer', values: ['null', "''", "'soon'", "x''", "x'00'"], unit: 'ms' },
    { type: 'text', values: ['null', "'now'", "'12:30'", "'soon'", "'9999-99-99'"] },
  ],
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`what is no instant, on ${title}`, () => {
    it.each(none[dialect])('in a column of $type is none of the newest', async ({ type, values, unit }) => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      const { kysely } = database;
      try {
        const timeUnit = unit ?? ('timestamp' as const);
        for (const keepNewest of [{ count: 3 }, { count: 3, per: 'owner' }]) {
          await sql`drop table if exists moments`.execute(kysely);
          await sql`create table moments (id bigint primary key, owner bigint, at ${sql.raw(type)})`.execute(kysely);
          await sql`create index moments_at on moments (at)`.execute(kysely);
          await sql`create index moments_of on moments (owner, at)`.execute(kysely);
          for (const [index, value] of values.entries())
            await write(database, `insert into moments values (${index + 200}, 1, ${value})`);
          for (let id = 100; id < 110; id++)
            await sql`insert into moments values (${id}, 1, ${unit ? id : '2001-01-01'})`.execute(kysely);
          const policy = { table: 'moments', timeColumn: 'at', timeUnit, retentionDays: 30, keepNewest };
          const cleanup = await planned(database, policy, asOf);
          expect(cleanup.plan.due).toEqual({ items: 7, exact: true });
          expect(await clean(database, cleanup, { pace: tinyPace(3) })).toMatchObject({ deleted: 7, drained: true });
          const { rows: left } = await sql<{ id: number }>`select id from moments order by id`.execute(kysely);
          expect(left.map(({ id }) => Number(id))).toEqual([107, 108, 109, ...values.map((_, index) => index + 200)]);
        }
      } finally {
        await database.close();
        await fresh.drop();
      }
    });
  });

const parted = {
  postgres: {
    none: "'-infinity'",
    statements: [
      'create table parted (id bigint, at timestamptz, primary key (id, at)) partition by range (at)',
      "create table parted_0 partition of parted for values from (minvalue) to ('2001-01-01')",
      "create table parted_1 partition of parted for values from ('2001-01-01') to ('2002-01-01')",
    ],
  },
  mysql: {
    none: "'0000-00-00'",
    statements: [
      'create table parted (id bigint, at datetime not null, primary key (id, at)) partition by range (to_days(at)) ' +
        "(partition parted_0 values less than (to_days('2001-01-01')), partition parted_1 values less than (to_days('2002-01-01')))",
    ],
  },
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    it.skipIf(!present)(`a partition with a row of no instant is not dropped, on ${title}`, async () => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      const { none, statements } = parted[dialect];
      const values = `(1, ${none}), (2, '2000-05-05'), (3, '2001-05-05')`;
      try {
        for (const text of [...statements, `insert into parted values ${values}`]) await write(database, text);
        const maintenance = createMaintenance({
          store: memoryMaintenanceStore(),
          databases: { main: database },
          retention: [
            {
              name: 'parted',
              database: 'main',
              table: 'parted',
              timeColumn: 'at',
              timeUnit: 'timestamp',
              retentionDays: 30,
            },
          ],
          startScheduler: false,
        });
        await maintenance.start();
        const { plans } = maintenance.scope({ tenantId: 'acme' });
        const { id, plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
        expect(plan.targets[0]).toMatchObject({ items: 1, sample: ['parted_1'] });
        expect(plan.warnings.join()).toMatch(/parted_0 stays: of 1 of its rows at is no instant/);
        const { itemsCleaned, details } = await plans.apply(id);
        expect([itemsCleaned, JSON.stringify(details)]).toEqual([1, expect.stringContaining('parted_0 stays')]);
        const { rows } = await sql<{ id: number }>`select id from parted order by id`.execute(database.kysely);
        expect(rows.map((row) => Number(row.id))).toEqual([1, 2]);
        await maintenance.stop();
      } finally {
        await database.close();
        await fresh.drop();
      }
    });
