import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { boundInTime } from '../../src/databases/mysql/partitions.js';
import { dropPartitions } from '../../src/databases/rows/drop-partitions.js';
import type { TimeUnit } from '../../src/policies/time-unit.js';
import { planned } from '../support/clean.js';
import { dialects } from '../support/databases.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const cutoff = asOf - 30 * dayMs;
/** Ends of days, by which bounds are often given. */
const days = [cutoff - dayMs, cutoff, cutoff + dayMs, asOf];
const native = (ms: number) => new Date(ms).toISOString().replace('T', ' ').slice(0, -1);

const tables: Record<
  'postgres' | 'mysql',
  { what: string; unit: TimeUnit; bounds?: number[]; create(name: string, bounds: number[]): string[] }[]
> = {
  postgres: [
    {
      what: 'milliseconds',
      unit: 'ms',
      create: (name, bounds) => [
        `create table ${name} (id bigint, at bigint, primary key (id, at)) partition by range (at)`,
        ...bounds.map(
          (to, i) =>
            `create table ${name}_${i} partition of ${name} for values from (${i === 0 ? 'minvalue' : bounds[i - 1]}) to (${to})`,
        ),
        `create table ${name}_rest partition of ${name} default`,
      ],
    },
    {
      what: 'timestamptz',
      unit: 'timestamp',
      create: (name, bounds) => [
        `create table ${name} (id bigint, at timestamptz, primary key (id, at)) partition by range (at)`,
        ...bounds.map(
          (to, i) =>
            `create table ${name}_${i} partition of ${name} for values from (${i === 0 ? 'minvalue' : `'${native(bounds[i - 1] as number)}Z'`}) to ('${native(to)}Z')`,
        ),
        `create table ${name}_rest partition of ${name} for values from ('${native(bounds.at(-1) as number)}Z') to (maxvalue)`,
      ],
    },
  ],
  mysql: [
    {
      what: 'milliseconds',
      unit: 'ms',
      create: (name, bounds) => [
        `create table ${name} (id bigint, at bigint, primary key (id, at)) partition by range (at) (${bounds.map((to, i) => `partition p${i} values less than (${to})`).join(', ')}, partition rest values less than maxvalue)`,
      ],
    },
    {
      what: 'datetime',
      unit: 'timestamp',
      create: (name, bounds) => [
        `create table ${name} (id bigint, at datetime(3), primary key (id, at)) partition by range columns (at) (${bounds.map((to, i) => `partition p${i} values less than ('${native(to)}')`).join(', ')}, partition rest values less than (maxvalue))`,
      ],
    },
    ...['datetime(3)', 'datetime', 'date'].map((type) =>
      byFunction(type, 'to_days(at)', (to) => `to_days('${native(to)}')`),
    ),
    byFunction('datetime(3)', 'TO_SECONDS(at)', (to) => `to_seconds('${native(to)}')`),
    byFunction('timestamp', 'UNIX_TIMESTAMP(at)', (to) => `${to / 1_000}`),
    byFunction('timestamp(3)', 'floor(unix_timestamp(at))', (to) => `${to / 1_000}`),
  ],
};

function byFunction(type: string, expression: string, bound: (to: number) => string) {
  return {
    what: `${expression} of a ${type}`,
    unit: 'timestamp' as const,
    bounds: days,
    create: (name: string, bounds: number[]) => [
      `create table ${name} (id bigint, at ${type} not null default '2000-01-01', primary key (id, at)) partition by range (${expression}) (${bounds.map((to, i) => `partition p${i} values less than (${bound(to)})`).join(', ')}, partition rest values less than maxvalue)`,
    ],
  };
}

for (const { title, present, fresh: createFresh, dialect } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`partitions on ${title}`, () => {
      for (const { what, unit, create, bounds = [cutoff - dayMs, cutoff, cutoff + 1, asOf] } of tables[dialect])
        it(`of ${what} go whole when all of their rows are before the cutoff, and only then`, async () => {
          const fresh = await createFresh();
          const database = databaseFromUrl(fresh.url);
          const { kysely } = database;
          for (const statement of create('parted', bounds)) await sql.raw(statement).execute(kysely);
          const zone = dialect === 'postgres' ? 'Z' : '';
          const value = (ms: number) => (unit === 'ms' ? sql.lit(ms) : sql.lit(native(ms) + zone));
          // Whole seconds, for columns that keep no others would round them up.
          const at = [cutoff - 9 * dayMs, cutoff - dayMs - 1_000, cutoff - 1_000, cutoff, asOf - 1_000, asOf + 1_000];
          await sql`insert into parted values ${sql.join(at.map((ms, id) => sql`(${sql.lit(id)}, ${value(ms)})`))}`.execute(
            kysely,
          );
          const policy = { table: 'parted', timeColumn: 'at', timeUnit: unit, retentionDays: 30 };
          const { prepared, plan } = await planned(database, policy, asOf);
          expect(plan.strategy.kind).toBe('partition_drop');
          expect(plan.partitions.map(({ rows }) => rows)).toEqual([2, 1]);
          expect(plan.due).toEqual({ items: 3, exact: true });

          const dropped = (remaining: number, confirm = () => Promise.resolve()) =>
            dropPartitions(prepared, plan, {
              clock: systemClock,
              signal: new AbortController().signal,
              confirm,
              mostRows: Infinity,
              progress: { remaining, advance: () => Promise.resolve(true) },
            });
          const left = async () =>
            (await sql<{ id: number }>`select id from parted order by id`.execute(kysely)).rows.map(({ id }) =>
              Number(id),
            );
          // Nothing goes when the lease is lost, or the budget would not take the whole of it.
          await expect(dropped(Infinity, () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
          expect(await dropped(1)).toMatchObject({ deleted: 0, drained: false });
          expect(await left()).toEqual([0, 1, 2, 3, 4, 5]);
          expect(await dropped(Infinity)).toMatchObject({ deleted: 3, batches: 2, drained: true });
          expect(await left()).toEqual([3, 4, 5]);
          // What narrows the policy needs rows to be read.
          const narrowed = await planned(
            database,
            { ...policy, allowFullScan: true, where: (eb) => eb('id', '>', 0) },
            asOf,
          );
          expect(narrowed.plan.strategy.kind).toBe('key_keyset');
          await database.close();
          await fresh.drop();
        });
    });

describe('partitions by a function on MariaDB and MySQL', () => {
  it.each(['`at`', 'year(`at`)', 'to_days(`at`)', 'TO_SECONDS(`at`)', 'floor(unix_timestamp(`at`))'])(
    'follow each other in time by %s',
    (expression) => expect(boundInTime(expression, 'at')).toBeDefined(),
  );
  it.each(['month(`at`)', 'yearweek(`at`,0)', 'to_days(`at`) + 1', '-`at`', 'to_days(`until`)', '?', 'to_days(?)', ''])(
    'are not taken for such by %s',
    (expression) => expect(boundInTime(expression, 'at')).toBeUndefined(),
  );
});
