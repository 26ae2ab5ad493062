import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { boundInTime } from '../../src/databases/mysql/partitions.js';
import { dropPartitions } from '../../src/databases/rows/drop-partitions.js';
import type { TimeUnit } from '../../src/policies/time-unit.js';
import { clean, planned, tinyPace } from '../support/clean.js';
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

/** What a DELETE is told to, and what it is not. */
const triggers: Record<
  'postgres' | 'mysql',
  { others: string[]; told: { make: string[]; drop: string; sees?: number }[] }
> = {
  postgres: {
    others: [
      `create function note() returns trigger language plpgsql as 'begin insert into gone values (old.id); return old; end'`,
      `create function forbid() returns trigger language plpgsql as 'begin raise ''not from here''; end'`,
      'create trigger off before delete on parted for each row execute function forbid()',
      'create trigger on_change after update on parted for each row execute function note()',
      'alter table parted disable trigger off',
    ],
    told: [
      {
        make: ['create trigger audit after delete on parted for each row execute function note()'],
        drop: 'drop trigger audit on parted',
        sees: 2,
      },
      {
        make: ['create trigger audit after update or delete on parted_0 for each row execute function note()'],
        drop: 'drop trigger audit on parted_0',
        sees: 2,
      },
      {
        make: ['create trigger audit before delete on parted execute function forbid()'],
        drop: 'drop trigger audit on parted',
      },
    ],
  },
  mysql: {
    others: ['create trigger on_change after update on parted for each row insert into gone values (old.id)'],
    told: [
      {
        make: ['create trigger audit after delete on parted for each row insert into gone values (old.id)'],
        drop: 'drop trigger audit',
        sees: 2,
      },
      {
        make: [
          "create trigger audit before delete on parted for each row signal sqlstate '45000' set message_text = 'not from here'",
        ],
        drop: 'drop trigger audit',
      },
    ],
  },
};

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

      it('do not go whole where a trigger is to see each row that goes, or forbids that', async () => {
        const fresh = await createFresh();
        const database = databaseFromUrl(fresh.url);
        onTestFinished(async () => {
          await database.close();
          await fresh.drop();
        });
        const run = (text: string) => sql.raw(text).execute(database.kysely);
        const [{ create }] = tables[dialect] as [(typeof tables)['mysql'][number]];
        for (const text of create('parted', [cutoff, asOf])) await run(text);
        await run('create table gone (id bigint)');
        await run(`insert into parted values (1, ${cutoff - 2}), (2, ${cutoff - 1}), (3, ${asOf})`);
        const policy = { table: 'parted', timeColumn: 'at', retentionDays: 30, allowFullScan: true };
        const kind = async () => (await planned(database, policy, asOf)).plan.strategy.kind;
        for (const text of triggers[dialect].others) await run(text);
        expect(await kind()).toBe('partition_drop');
        for (const { make, drop, sees } of triggers[dialect].told) {
          for (const text of make) await run(text);
          const found = await planned(database, policy, asOf);
          expect(found.plan).toMatchObject({
            strategy: { kind: 'key_keyset', why: expect.stringContaining('the trigger audit') as string },
            due: { items: 2 },
          });
          const { rows } = await sql`select id from gone`.execute(database.kysely);
          const cleaned = clean(database, found, { pace: tinyPace(10) });
          if (sees) expect(await cleaned).toMatchObject({ deleted: 2 });
          else await expect(cleaned).rejects.toThrow('not from here');
          expect((await sql`select id from gone`.execute(database.kysely)).rows).toHaveLength(
            rows.length + (sees ?? 0),
          );
          await run(drop);
          await run(`delete from parted where at < ${asOf}`);
          await run(`insert into parted values (1, ${cutoff - 2}), (2, ${cutoff - 1})`);
        }
        expect(await kind()).toBe('partition_drop');
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
