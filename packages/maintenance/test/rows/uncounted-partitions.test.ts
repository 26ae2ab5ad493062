import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import type { RowDialect } from '../../src/databases/rows/dialect.js';
import { dropPartitions } from '../../src/databases/rows/drop-partitions.js';
import { planRows } from '../../src/databases/rows/plan-rows.js';
import type { TimeUnit } from '../../src/policies/time-unit.js';
import { neverAborted, planned } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { write } from '../support/write-odd.js';

const asOf = Date.UTC(2026, 5, 1);

const tables = {
  postgres: {
    none: "'-infinity'",
    timeout: '57014',
    statements: [
      'create table parted (id bigint, at timestamptz, primary key (id, at)) partition by range (at)',
      "create table parted_0 partition of parted for values from (minvalue) to ('2001-01-01')",
      "create table parted_1 partition of parted for values from ('2001-01-01') to ('2002-01-01')",
      'create table counted (id bigint, at bigint, primary key (id, at)) partition by range (at)',
      'create table counted_0 partition of counted for values from (minvalue) to (1000)',
    ],
  },
  mysql: {
    none: "'0000-00-00'",
    timeout: 'ER_STATEMENT_TIMEOUT',
    statements: [
      `create table parted (id bigint, at datetime not null, primary key (id, at)) partition by range (to_days(at))
        (partition parted_0 values less than (to_days('2001-01-01')), partition parted_1 values less than (to_days('2002-01-01')), partition rest values less than maxvalue)`,
      'create table counted (id bigint, at bigint, primary key (id, at)) partition by range (at) (partition counted_0 values less than (1000), partition counted_1 values less than maxvalue)',
    ],
  },
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`partitions too large to be counted, on ${title}`, () => {
      let fresh: FreshDatabase;
      let database: Database;
      const { none, timeout, statements } = tables[dialect];
      const run = (text: string) => sql.raw(text).execute(database.kysely);
      beforeAll(async () => {
        fresh = await createFresh();
        database = databaseFromUrl(fresh.url);
        for (const text of statements) await run(text);
        await write(database, `insert into parted values (1, ${none}), (2, '2000-05-05'), (3, '2001-05-05')`);
        await run('insert into counted values (1, 7), (2, 8)');
      });
      afterAll(async () => {
        await database.close();
        await fresh.drop();
      });
      const policy = { table: 'parted', timeColumn: 'at', timeUnit: 'timestamp' as TimeUnit, retentionDays: 30 };
      const endless: Partial<RowDialect> = {
        read: () => Promise.reject(Object.assign(new Error('took too long'), { code: timeout })),
      };
      const planOf = async (table: Partial<typeof policy>, as: Partial<RowDialect>) => {
        const { prepared } = await planned(database, { ...policy, ...table }, asOf);
        return {
          prepared,
          plan: await planRows({ ...prepared, dialect: { ...prepared.dialect, ...as } }, neverAborted),
        };
      };

      it('are known by statistics, and one that has a row of no instant stays', async () => {
        const { plan } = await planOf(policy, { expectRows: () => Promise.resolve(5_000_000) });
        expect(plan.partitions).toMatchObject([{ partition: { name: 'parted_1' }, rows: 5_000_000 }]);
        expect(plan.due).toEqual({ items: 5_000_000, exact: false });
        expect(plan.spared).toEqual(['The partition parted_0 stays: of some of its rows at is no instant.']);
      });

      it('stay, one by one, when it cannot be read in time whether they have such a row', async () => {
        const { plan } = await planOf(policy, endless);
        // A lower bound tells it by itself on PostgreSQL.
        const names = dialect === 'postgres' ? ['parted_1'] : [];
        expect(plan.partitions.map(({ partition }) => partition.name)).toEqual(names);
        expect(plan.spared[0]).toBe(
          'The partition parted_0 stays: whether at is an instant in each of its rows could not be read in time.',
        );
      });

      it('go without being read when they can have none', async () => {
        const { prepared, plan } = await planOf({ table: 'counted', timeUnit: 'ms' }, endless);
        expect(plan).toMatchObject({ spared: [], due: { exact: false } });
        const dropped = await dropPartitions(prepared, plan, {
          clock: systemClock,
          signal: new AbortController().signal,
          confirm: () => Promise.resolve(),
          mostRows: Infinity,
          progress: { remaining: Infinity, advance: () => Promise.resolve(true) },
        });
        expect(dropped).toMatchObject({ batches: 1, drained: true });
        expect((await run('select * from counted')).rows).toEqual([]);
      });
    });
