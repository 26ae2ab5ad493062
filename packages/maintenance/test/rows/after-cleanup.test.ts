import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';
import { megabytes } from '../../src/tasks/parameters.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const day = 86_400_000;
const [now, old] = [Date.now(), Date.now() - 100 * day];
const rows = 2_000;

let fresh: FreshDatabase;
let database: Database;
const run = async <Row = Record<string, unknown>>(statement: string): Promise<Row[]> =>
  (await sql.raw<Row>(statement).execute(database.kysely)).rows;
const numberOf = async (statement: string): Promise<number> =>
  Number(Object.values((await run(statement))[0] ?? {})[0] ?? NaN);

afterEach(async () => {
  await database.close();
  await fresh.drop();
});

/** Rows of about a kilobyte; the last `due` of them are old, and go. */
async function fill(due: number): Promise<void> {
  const note = 'n'.repeat(1_000);
  const values = Array.from({ length: rows }, (_, i) => `(${i + 1}, ${i < rows - due ? now : old}, '${note}')`);
  for (let i = 0; i < rows; i += 200) await run(`insert into sessions values ${values.slice(i, i + 200).join()}`);
}

async function clean(parameters: Record<string, unknown> = {}, policy: Partial<RetentionPolicy> = {}) {
  const { runs } = createMaintenance({
    store: memoryMaintenanceStore(),
    databases: { main: database },
    retention: [
      {
        ...{ name: 'sessions', database: 'main', table: 'sessions', timeColumn: 'at', retentionDays: 30 },
        ...{ maxShare: 1, ...policy },
      },
    ],
  }).scope({ tenantId: 'acme' });
  const result = await runs.execute({ maintenanceType: 'database_cleanup', parameters });
  expect(result).toMatchObject({ status: 'completed', stopReason: 'drained' });
  return result;
}

/** What tells, of each database, that its upkeep was done since the table was filled. */
const care = {
  postgres: {
    table:
      'create table sessions (id bigint primary key, at bigint, note text) with (autovacuum_enabled = false, toast.autovacuum_enabled = false)',
    async filled() {
      await run('analyze sessions');
    },
    /** The statistics of a session come to the others within a second. */
    async done() {
      const counted = `select vacuum_count * 10 + analyze_count from pg_stat_user_tables where relname = 'sessions'`;
      return (await numberOf(counted)) === 12;
    },
  },
  sqlite: {
    table: 'create table sessions (id integer primary key, at bigint, note text)',
    filled: () => Promise.resolve(),
    async done() {
      const made = await numberOf(`select count(*) from sqlite_master where name = 'sqlite_stat1'`);
      return made === 1 && (await numberOf(`select count(*) from sqlite_stat1 where tbl = 'sessions'`)) > 0;
    },
  },
  mysql: {
    table:
      'create table sessions (id bigint primary key, at bigint, note text) stats_persistent = 1, stats_auto_recalc = 0',
    async filled() {
      await run('analyze table sessions');
      await run(
        `update mysql.innodb_table_stats set n_rows = 7 where database_name = database() and table_name = 'sessions'`,
      );
    },
    async done() {
      const kept = `select n_rows from mysql.innodb_table_stats where database_name = database() and table_name = 'sessions'`;
      return (await numberOf(kept)) !== 7;
    },
  },
};

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`after a cleanup on ${title}`, () => {
    const { table, filled, done } = care[dialect];
    beforeEach(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      await run(table);
      await run('create index sessions_at on sessions (at)');
    }, 60_000);

    it.each([
      ['5 % went', 100, {}, true],
      ['less than 5 % went, for the database itself will', 99, {}, false],
      ['half of it went, and the request says no', 1_000, { vacuum_analyze: false }, false],
      ['nothing went', 0, {}, false],
    ])(
      'the table is looked after, or not, when %s',
      async (_, due, parameters, isDone) => {
        await fill(due);
        await filled();
        expect(await clean(parameters)).toMatchObject({ itemsCleaned: due });
        if (isDone) await expect.poll(done, { timeout: 20_000 }).toBe(true);
        else expect(await done()).toBe(false);
      },
      60_000,
    );
  });

describe('the room that a cleanup makes', () => {
  const begin = async (dialect: (typeof dialects)[number]['dialect']): Promise<void> => {
    fresh = await (dialects.find((it) => it.dialect === dialect) as (typeof dialects)[number]).fresh();
    database = databaseFromUrl(fresh.url);
  };
  const beginWithTable = async (dialect: 'postgres' | 'mysql'): Promise<void> => {
    await begin(dialect);
    await run(care[dialect].table);
    await run('create index sessions_at on sessions (at)');
    await fill(1_500);
    await care[dialect].filled();
  };

  it('is measured on PostgreSQL where the file became shorter, and believed of the rest', async () => {
    await beginWithTable('postgres');
    const size = `select pg_total_relation_size('sessions')`;
    const before = await numberOf(size);
    const result = await clean();
    const returned = before - (await numberOf(size));
    expect(returned).toBeGreaterThan(0);
    expect(result).toMatchObject({
      spaceFreedMb: megabytes(returned),
      spaceReusableMb: 0,
      spaceEstimatedMb: megabytes(Math.max(0, Math.round(before * 0.75) - returned)),
    });
  }, 60_000);

  it('is all believed on PostgreSQL where nobody vacuums', async () => {
    await beginWithTable('postgres');
    const before = await numberOf(`select pg_total_relation_size('sessions')`);
    expect(await clean({ vacuum_analyze: false })).toMatchObject({
      spaceFreedMb: 0,
      spaceReusableMb: 0,
      spaceEstimatedMb: megabytes(Math.round(before * 0.75)),
    });
  }, 60_000);

  it('is that of all partitions of PostgreSQL whose rows are deleted one by one', async () => {
    await begin('postgres');
    await run('create table sessions (id bigint, at bigint, note text, primary key (id, at)) partition by range (at)');
    await run(
      'create table sessions_all partition of sessions for values from (0) to (maxvalue) partition by hash (id)',
    );
    for (const remainder of [0, 1])
      await run(
        `create table sessions_${remainder} partition of sessions_all for values with (modulus 2, remainder ${remainder})`,
      );
    await run('create index sessions_at on sessions (at)');
    await fill(1_500);
    const before = await numberOf(
      `select pg_total_relation_size('sessions_0') + pg_total_relation_size('sessions_1') as bytes`,
    );
    expect(before).toBeGreaterThan(1_000_000);
    const share = Math.round(before * 0.75);
    const some: Partial<RetentionPolicy> = { where: (eb) => eb('id', '>', 0) };
    expect((await clean({ dry_run: true }, some)).details).toMatchObject({
      plan: { targets: [{ items: 1_500, bytes: share, bytes_from: 'estimated' }] },
    });
    expect(await clean({ vacuum_analyze: false }, some)).toMatchObject({
      ...{ itemsCleaned: 1_500, spaceFreedMb: 0, spaceReusableMb: 0, spaceEstimatedMb: megabytes(share) },
    });
  }, 60_000);

  it('is believed on MariaDB, which tells nothing of it', async () => {
    await beginWithTable('mysql');
    const before = await numberOf(
      `select data_length + index_length from information_schema.tables where table_schema = database() and table_name = 'sessions'`,
    );
    expect(before).toBeGreaterThan(1_000_000);
    expect(await clean()).toMatchObject({
      spaceFreedMb: 0,
      spaceReusableMb: 0,
      spaceEstimatedMb: megabytes(Math.round(before * 0.75)),
    });
  }, 60_000);

  it.each([
    ['stays in a file of SQLite, to be used again', 0, 'main'],
    ['goes back from a file of SQLite that was made for it', 2, 'main'],
    ['stays in a file that is attached, to be used again', 0, 'attached'],
    ['goes back from a file that is attached, where that was made for it', 2, 'attached'],
  ])(
    '%s',
    async (_, autoVacuum, schema) => {
      await begin('sqlite');
      if (schema !== 'main') await run(`attach '${fresh.url.replace('sqlite:', '')}-too' as ${schema}`);
      await run(`pragma ${schema}.auto_vacuum = ${autoVacuum}`);
      await run(`vacuum ${schema}`);
      await run(care.sqlite.table.replace('sessions', `${schema}.sessions`));
      await run(`create index ${schema}.sessions_at on sessions (at)`);
      await fill(1_500);
      const pageSize = await numberOf(`pragma ${schema}.page_size`);
      const pages = await numberOf(`pragma ${schema}.page_count`);
      const result = await clean({}, { schema });
      const returned = pages - (await numberOf(`pragma ${schema}.page_count`));
      const free = await numberOf(`pragma ${schema}.freelist_count`);
      expect(result).toMatchObject({
        spaceFreedMb: megabytes(returned * pageSize),
        spaceReusableMb: megabytes(free * pageSize),
        spaceEstimatedMb: 0,
      });
      const wanted = Math.floor((rows / 2) * (1_000 / pageSize));
      if (autoVacuum === 0) expect([returned, free > wanted]).toEqual([0, true]);
      else expect([returned > wanted, free]).toEqual([true, 0]);
    },
    60_000,
  );

  it('goes back whole with a partition of PostgreSQL', async () => {
    await begin('postgres');
    await run('create table sessions (id bigint, at bigint, note text, primary key (id, at)) partition by range (at)');
    await run(`create table sessions_old partition of sessions for values from (0) to (${old + 1})`);
    await run('create table sessions_new partition of sessions default');
    await fill(1_500);
    const dropped = await numberOf(`select pg_total_relation_size('sessions_old')`);
    expect(dropped).toBeGreaterThan(1_000_000);
    expect(await clean()).toMatchObject({
      ...{ itemsCleaned: 1_500, spaceFreedMb: megabytes(dropped) },
      ...{ spaceReusableMb: 0, spaceEstimatedMb: 0 },
    });
  }, 60_000);

  it('goes back with a partition of MariaDB, as far as its statistics knew it', async () => {
    await begin('mysql');
    await run(`create table sessions (id bigint, at bigint, note text, primary key (id, at)) stats_auto_recalc = 0
      partition by range (at) (partition old values less than (${old + 1}), partition rest values less than maxvalue)`);
    await fill(1_500);
    await run('analyze table sessions');
    const dropped = await numberOf(
      `select data_length + index_length from information_schema.partitions where table_schema = database() and partition_name = 'old'`,
    );
    expect(dropped).toBeGreaterThan(1_000_000);
    expect(await clean()).toMatchObject({
      ...{ itemsCleaned: 1_500, spaceFreedMb: 0 },
      ...{ spaceReusableMb: 0, spaceEstimatedMb: megabytes(dropped) },
    });
  }, 60_000);
});
