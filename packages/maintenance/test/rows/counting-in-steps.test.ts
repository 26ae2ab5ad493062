import Sqlite from 'better-sqlite3';
import { sql, type KyselyPlugin } from 'kysely';
import { expect, it } from 'vitest';
import { sqlite } from '@dotmac/core/kysely';
import type { RetentionPolicy } from '../../src/index.js';
import { planRows } from '../../src/databases/rows/plan-rows.js';
import { neverAborted, planned } from '../support/clean.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const old = asOf - 60 * dayMs;

/** Past 2^53, and beyond a gap in which no key is. */
const far = '9007199254740993';

it.each<[string, Partial<RetentionPolicy>, number]>([
  ['along its time', {}, 50_000],
  ['along texts of times', { timeColumn: 'made', timeUnit: 'timestamp' }, 50_000],
  ['by a condition', { where: (eb) => eb('state', '=', 'ended') }, 25_000],
  ['by its key, over gaps', { timeColumn: 'also', allowFullScan: true }, 50_000],
])('the rows of a SQLite table are counted a few at a time, %s', async (_, policy, due) => {
  const database = sqlite(':memory:');
  const run = (text: string) => sql.raw(text).execute(database.kysely);
  await run('create table events (id integer primary key, at integer, also integer, made text, state text)');
  await run(`with recursive n(i) as (select 0 union all select i + 1 from n where i < 49999)
    insert into events select case when i < 25000 then i else ${far} + i end, ${old} + i / 1000, ${old}, '2026-01-01',
      case when i % 2 then 'ended' else 'open' end from n`);
  await run(
    `insert into events values (100000, ${asOf}, ${asOf}, '2026-06-01', 'ended'), (100001, null, null, null, null)`,
  );
  await run('create index events_at on events (at)');
  await run('create index events_made on events (made)');
  const counts: number[] = [];
  const recording: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult({ result }) {
      for (const { n } of result.rows) if (n !== undefined) counts.push(Number(n));
      return Promise.resolve(result);
    },
  };
  const { prepared } = await planned(
    database,
    { table: 'events', timeColumn: 'at', retentionDays: 30, ...policy },
    asOf,
  );
  const on = { ...prepared.policy.on, kysely: database.kysely.withPlugin(recording) };
  const plan = await planRows({ ...prepared, policy: { ...prepared.policy, on } }, neverAborted);
  expect(plan).toMatchObject({ due: { items: due, exact: true }, total: { items: 50_002 } });
  const [total, ...stretches] = counts;
  expect(total).toBe(50_002);
  expect(Math.max(...stretches)).toBeLessThanOrEqual(20_000);
  expect(stretches.reduce((sum, n) => sum + n)).toBe(due);
  // As many as there are rows, not keys: gaps are passed over.
  expect(stretches.length).toBeLessThan(10);
  await database.close();
});

it('all rows of a SQLite table are counted as its pages are, not row by row', async () => {
  const asked: string[] = [];
  const handle = new Sqlite(':memory:', { verbose: (text) => asked.push(String(text)) });
  handle.exec('create table events (id integer primary key, at integer); create index events_at on events (at)');
  handle.exec(`insert into events values (1, ${old}), (2, ${asOf})`);
  const policy = { table: 'events', timeColumn: 'at', retentionDays: 30 };
  const { plan } = await planned(sqlite(handle), policy, asOf);
  expect(plan).toMatchObject({ due: { items: 1 }, total: { items: 2 } });
  const opcodes = (text: string) => (handle.prepare(`explain ${text}`).all() as { opcode: string }[]).map((it) => it.opcode); // prettier-ignore
  const counts = asked.filter((text) => /^\s*select count\(\*\)/.test(text)).map(opcodes);
  expect(counts.filter((codes) => codes.includes('Count'))).toHaveLength(1);
  handle.close();
});
