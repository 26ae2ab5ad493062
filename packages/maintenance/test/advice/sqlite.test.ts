import { open, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { adviceLimits, type AdviceLimits } from '../../src/databases/advice.js';
import { upkeepOf } from '../../src/databases/upkeep.js';

describe('advice on SQLite', () => {
  let directory: string;
  let file: string;
  let database: Database;
  const run = (statement: string) => sql.raw(statement).execute(database.kysely);
  const advise = (more: Partial<AdviceLimits> = {}, checkIntegrity = false) =>
    upkeepOf(database).advise({
      tables: null,
      asOf: Date.now(),
      limits: { ...adviceLimits, ...more },
      checkIntegrity,
    });
  const ids = async (...of: Parameters<typeof advise>) => (await advise(...of)).findings.map(({ id }) => id);
  const lookPastStatistics = (found: string[]) => found.filter((it) => !it.startsWith('stale_statistics'));

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dotmac-advice-'));
    file = join(directory, 'it.db');
    database = sqlite(file);
  });
  afterEach(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });

  it('finds duplicate indexes, never those of constraints or other rows, and takes them back', async () => {
    await run('create table "odd "" name" (id integer primary key, a text unique, b text)');
    await run('create index a_again on "odd "" name" (a)');
    await run('create index b on "odd "" name" (b)');
    await run('create index b_nocase on "odd "" name" (b collate nocase)');
    await run('create index b_some on "odd "" name" (b) where a is not null');
    await run('create index b_id on "odd "" name" (b, id)');
    const { findings } = await advise();
    const found = findings.filter((it) => it.kind === 'duplicate_index');
    expect(found.map(({ object }) => object)).toEqual(['a_again', 'b']);
    for (const it of found) for (const statement of it.applySql) await run(statement);
    expect(lookPastStatistics(await ids())).toEqual([]);
    for (const it of found) for (const statement of it.undoSql) await run(statement);
    expect(lookPastStatistics(await ids()).sort()).toEqual(found.map(({ id }) => id).sort());
  });

  it('finds foreign keys without an index; the rowid needs none', async () => {
    await run('create table parent (id integer primary key)');
    await run(`create table child (id integer primary key references parent, p integer references parent,
      q integer references parent)`);
    await run('create index child_q on child (q)');
    const [found, ...others] = (await advise()).findings.filter((it) => it.kind !== 'stale_statistics');
    expect([found?.id, others]).toEqual(['foreign_key_without_index:child.p', []]);
    for (const statement of found?.applySql ?? []) await run(statement);
    expect(lookPastStatistics(await ids())).toEqual([]);
  });

  it('asks SQLite itself whether statistics are old, and changes nothing by asking', async () => {
    await run('create table t (id integer primary key, a int)');
    await run('create index t_a on t (a)');
    await run(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into t select i, i from n`,
    );
    const size = async () => [(await stat(file)).size, (await stat(file)).mtimeMs, (await stat(`${file}-wal`)).size];
    const before = await size();
    expect(await ids()).toEqual(['stale_statistics:t']);
    expect(await size()).toEqual(before);
    await upkeepOf(database).analyze('t', { clock: systemClock, signal: new AbortController().signal });
    expect(await ids()).toEqual([]);
  });

  it.each([
    ['incremental', 'free_pages'],
    ['none', 'bloated_database'],
  ])('finds free pages with auto_vacuum = %s, and gives them back in steps where it can', async (mode, kind) => {
    await database.close();
    const Sqlite = (await import('better-sqlite3')).default;
    const made = new Sqlite(join(directory, `${mode}.db`));
    made.pragma(`auto_vacuum = ${mode}`);
    made.exec('create table t (id integer primary key, a blob)');
    made.exec(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 400) insert into t select i, zeroblob(9000) from n`,
    );
    made.exec('delete from t where id > 20');
    made.close();
    database = sqlite(join(directory, `${mode}.db`));
    const limits = { bloatBytes: 100_000 };
    const [found] = (await advise(limits)).findings;
    expect(found).toMatchObject({ kind, evidence: { incrementalVacuum: mode === 'incremental' } });
    const before = (await stat(join(directory, `${mode}.db`))).size;
    await upkeepOf(database).compact({ clock: systemClock, signal: new AbortController().signal });
    const after = (await stat(join(directory, `${mode}.db`))).size;
    if (mode === 'incremental') expect(after).toBeLessThan(before / 4);
    else expect(after).toBe(before);
    expect((await ids(limits)).length).toBe(mode === 'incremental' ? 0 : 1);
  });

  it('finds a write-ahead log that has grown, and writes it back', async () => {
    await run('create table t (id integer primary key, a blob)');
    await run(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 100) insert into t select i, zeroblob(9000) from n`,
    );
    const limits = { retainedWalBytes: 100_000 };
    expect(await ids(limits)).toEqual(['large_wal']);
    await upkeepOf(database).compact({ clock: systemClock, signal: new AbortController().signal });
    expect((await stat(`${file}-wal`)).size).toBe(0);
    expect(await ids(limits)).toEqual([]);
  });

  it('finds damage', async () => {
    await run('create table t (id integer primary key, a text)');
    await run('create index t_a on t (a)');
    await run(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into t select i, 'value ' || i from n`,
    );
    expect(await ids({}, true)).not.toContain('damage');
    const { rows } = await sql<{ page: number }>`select rootpage as page from sqlite_schema where name = 't_a'`.execute(
      database.kysely,
    );
    await database.close();
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(3_900, 0xff), 0, 3_900, ((rows[0]?.page ?? 1) - 1) * 4_096 + 100);
    await handle.close();
    database = sqlite(file);
    expect(await ids({}, true)).toEqual(['damage']);
  });
});
