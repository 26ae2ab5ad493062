import fc from 'fast-check';
import { sql, type RawBuilder } from 'kysely';
import { describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { countIngest } from '../../src/databases/rows/count.js';
import type { KeepNewest } from '../../src/databases/rows/selection.js';
import type { TimeUnit } from '../../src/policies/time-unit.js';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects } from '../support/databases.js';
import { suiteDatabase } from '../support/suite-database.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const cutoff = asOf - 30 * dayMs;
const table = 'Mixed "Case` Rows';
const [time, state, group] = ['Made At', 'the state', 'of Group'];

interface Row {
  /** Days after the cutoff; null has no time. */
  at: number | null;
  state: 'ended' | 'open' | null;
  group: number | null;
}

type Key = (index: number) => RawBuilder<unknown>[];
interface Keys {
  what: string;
  columns: Record<'sqlite' | 'postgres' | 'mysql', [name: string, type: string][]>;
  of: Record<'sqlite' | 'postgres' | 'mysql', Key>;
  /** How a table of SQLite ends that has no rowid, and so is walked by its key as those of other databases are. */
  ending?: 'without rowid';
}

const big = 9_007_199_254_740_993n;
const uuid = (index: number): string =>
  `${(index * 2_654_435_761).toString(16).padStart(8, '0').slice(-8)}-0000-4000-8000-000000000000`;
const inAll = <Value>(value: Value) => ({ sqlite: value, postgres: value, mysql: value });
const keys: Keys[] = [
  {
    what: 'whole numbers beyond 2^53, with gaps',
    columns: inAll([['Key', 'bigint']]),
    of: inAll((index) => [sql.raw(String(big + BigInt(index) * (index % 3 === 0 ? 1_000_003n : 1n)))]),
  },
  {
    what: 'composite keys',
    columns: {
      ...inAll([
        ['A b', 'varchar(20)'],
        ['c', 'bigint'],
      ] as [string, string][]),
    },
    of: inAll((index) => [sql.lit(`it's ${index % 4}`), sql.lit(Math.floor(index / 4))]),
  },
  {
    what: 'uuids',
    columns: { sqlite: [['id', 'text']], postgres: [['id', 'uuid']], mysql: [['id', 'char(36)']] },
    of: inAll((index) => [sql.lit(uuid(index))]),
  },
  {
    what: 'bits',
    columns: { sqlite: [['id', 'blob']], postgres: [['id', 'bit(16)']], mysql: [['id', 'bit(16)']] },
    of: {
      sqlite: (index) => [sql.raw(`x'${index.toString(16).padStart(4, '0')}'`)],
      postgres: (index) => [sql.raw(`b'${index.toString(2).padStart(16, '0')}'`)],
      mysql: (index) => [sql.raw(`b'${index.toString(2).padStart(16, '0')}'`)],
    },
  },
  {
    what: 'decimals that are one number when they are floating',
    columns: inAll([['Key', 'decimal(20, 0)']]),
    of: inAll((index) => [sql.raw(String(big + BigInt(index)))]),
  },
];

const withoutRowid = keys.map((it): Keys => ({ ...it, what: `${it.what}, and no rowid`, ending: 'without rowid' }));

const iso = (ms: number): string => new Date(ms).toISOString();
const naive = (ms: number): string => iso(ms).replace('T', ' ').slice(0, -1);
const times: Record<'sqlite' | 'postgres' | 'mysql', { unit: TimeUnit; type: string; of: (ms: number) => unknown }[]> =
  {
    sqlite: [
      { unit: 'ms', type: 'integer', of: (ms) => ms },
      { unit: 's', type: 'integer', of: (ms) => ms / 1000 },
      { unit: 'timestamp', type: 'text', of: (ms) => (ms % (2 * dayMs) ? naive(ms) : iso(ms)) },
    ],
    postgres: [
      { unit: 'ms', type: 'bigint', of: (ms) => ms },
      { unit: 'timestamp', type: 'timestamp', of: naive },
      { unit: 'timestamp', type: 'timestamptz', of: iso },
    ],
    mysql: [
      { unit: 's', type: 'int unsigned', of: (ms) => ms / 1000 },
      { unit: 'timestamp', type: 'datetime(3)', of: naive },
      { unit: 'timestamp', type: 'timestamp(3) null', of: naive },
    ],
  };

const row = fc.record<Row>({
  // Many fall on the cutoff, and on each other.
  at: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -3, max: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom(null, 40) },
  ),
  state: fc.constantFrom('ended' as const, 'ended' as const, 'open' as const, null),
  group: fc.constantFrom(1, 2, null),
});
const scenario = fc.record({
  rows: fc.array(row, { maxLength: 40 }),
  byState: fc.boolean(),
  keep: fc.constantFrom(
    undefined,
    undefined,
    { count: 1 },
    { count: 3 },
    { count: 1, per: group },
    { count: 2, per: group },
  ),
  batch: fc.integer({ min: 1, max: 7 }),
  indexed: fc.boolean(),
});

/** Which rows may go, said without SQL. Rows of one instant count by their place in `order`, the order of their keys. */
function mayGo(
  rows: readonly Row[],
  order: readonly number[],
  byState: boolean,
  keep: KeepNewest | undefined,
): Set<number> {
  const placed = order.filter((index) => rows[index]?.at !== null);
  const sorted = placed.sort((a, b) => (rows[a]?.at ?? 0) - (rows[b]?.at ?? 0) || order.indexOf(a) - order.indexOf(b));
  const gone = new Set<number>();
  for (const index of sorted) {
    const { at, state: its, group: of } = rows[index] as Row;
    if (at === null || at >= 0 || (byState && its !== 'ended')) continue;
    const peers = keep?.per === undefined ? sorted : sorted.filter((it) => rows[it]?.group === of);
    const newer = peers.length - 1 - peers.indexOf(index);
    if (keep && (newer < keep.count || (keep.per !== undefined && of === null))) continue;
    gone.add(index);
  }
  return gone;
}

it.each(['integer', 'real', 'numeric', 'bigint'])(
  'what is no number stays in a column of SQLite declared %s, and does not count as new',
  async (type) => {
    const database = databaseFromUrl('sqlite::memory:');
    const { kysely } = database;
    await sql`create table mixed (id integer primary key, at ${sql.raw(type)})`.execute(kysely);
    await sql`create index mixed_at on mixed (at)`.execute(kysely);
    const odd = sql.raw(`(null), (''), ('soon'), ('2001-01-01'), ('-'), (x''), (x'00'), (x'31')`);
    await sql`insert into mixed (at) values ${odd}, (0), (-1), (1.5), ('7'), (${asOf - dayMs / 2})`.execute(kysely);
    const cleanup = await planned(database, { table: 'mixed', timeColumn: 'at', retentionDays: 30 }, asOf);
    expect(cleanup.plan.due.items).toBe(4);
    const { dialect, selection, facts } = cleanup.prepared;
    expect((await countIngest(database, dialect, selection, facts, asOf)).items).toBe(1);
    expect((await clean(database, cleanup)).deleted).toBe(4);
    const { rows } = await sql`select 1 from mixed where id <= 8 or at > 0`.execute(kysely);
    expect(rows).toHaveLength(9);
    await database.close();
  },
);

it('those of a temporary table of SQLite stay that hides the table of which its policy names the schema', async () => {
  const database = databaseFromUrl('sqlite::memory:');
  for (const schema of ['main', 'temp']) {
    await sql`create table ${sql.id(schema, 'hidden')} (id integer primary key, at integer)`.execute(database.kysely);
    await sql`insert into ${sql.id(schema, 'hidden')} values (1, 0)`.execute(database.kysely);
  }
  const policy = { schema: 'main', table: 'hidden', timeColumn: 'at', retentionDays: 30, allowFullScan: true };
  expect(await clean(database, await planned(database, policy, asOf))).toMatchObject({ deleted: 1 });
  const left = async (schema: string) =>
    (await sql`select 1 from ${sql.id(schema, 'hidden')}`.execute(database.kysely)).rows;
  expect(await left('main')).toHaveLength(0);
  expect(await left('temp')).toHaveLength(1);
  await database.close();
});

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`rows that may not go, on ${title}`, () => {
    let database: Database;
    suiteDatabase(createFresh, (opened) => (database = opened));

    const all = dialect === 'sqlite' ? [...keys, ...withoutRowid] : keys;
    for (const [which, { what, columns, of, ending = '' }] of all.entries())
      it(`stay, and all others go, with ${what}`, { timeout: 120_000 }, async () => {
        const { kysely } = database;
        const { unit, type, of: timeOf } = times[dialect][which % 3] as (typeof times)['sqlite'][number];
        const key = columns[dialect].map(([name]) => sql.id(name));
        // SQLite walks a table by its rowid, where it has one: that is the order of rows at one instant, too.
        const walked = dialect === 'sqlite' && ending === '' ? sql`rowid` : sql.join(key);
        const made = columns[dialect].map(([name, its]) => sql`${sql.id(name)} ${sql.raw(its)} not null`);
        const id = sql.id(table);
        await fc.assert(
          fc.asyncProperty(scenario, async ({ rows, byState, keep, batch, indexed }) => {
            await sql`drop table if exists ${id}`.execute(kysely);
            await sql`create table ${id} (${sql.join(made)}, nr integer, ${sql.id(time)} ${sql.raw(type)},
              ${sql.id(state)} varchar(9), ${sql.id(group)} integer, primary key (${sql.join(key)})) ${sql.raw(ending)}`.execute(
              kysely,
            );
            if (indexed) await sql`create index ${sql.id(`${table} at`)} on ${id} (${sql.id(time)})`.execute(kysely);
            if (rows.length > 0)
              await sql`insert into ${id} values ${sql.join(rows.map(({ at, state: its, group: its_group }, index) => sql`(${sql.join(of[dialect](index))}, ${sql.lit(index)}, ${at === null ? null : timeOf(cutoff + at * dayMs)}, ${its}, ${its_group})`))}`.execute(
                kysely,
              );
            const left = async () =>
              (await sql<{ nr: number }>`select nr from ${id} order by ${walked}`.execute(kysely)).rows.map(({ nr }) =>
                Number(nr),
              );
            const order = await left();
            const gone = mayGo(rows, order, byState, keep);
            const cleanup = await planned(
              database,
              {
                table,
                timeColumn: time,
                timeUnit: unit,
                retentionDays: 30,
                allowFullScan: true,
                ...(byState && { where: (eb) => eb.or([eb(state, '=', 'ended'), eb(sql.lit(1), '=', 2)]) }),
                ...(keep && { keepNewest: keep }),
              },
              asOf,
            );
            expect(cleanup.plan.due).toEqual({ items: gone.size, exact: true });
            const { deleted, drained } = await clean(database, cleanup, { pace: tinyPace(batch) });
            expect({ left: await left(), deleted, drained }).toEqual({
              left: order.filter((index) => !gone.has(index)),
              deleted: gone.size,
              drained: true,
            });
          }),
          { numRuns: 40 },
        );
      });
  });
