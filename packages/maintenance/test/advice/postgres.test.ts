import { sql, type Kysely } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { available, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';
import { adviceLimits, type AdviceLimits, type RebuildLimits } from '../../src/databases/advice.js';
import { unhurried } from '../../src/databases/postgres/unhurried.js';
import { upkeepOf } from '../../src/databases/upkeep.js';

const day = 86_400_000;

const pauses = { clock: systemClock, signal: new AbortController().signal };

describe.skipIf(!available.postgres)('advice on PostgreSQL (needs PostgreSQL: npm run services)', () => {
  let fresh: FreshDatabase;
  let database: Database;
  const run = (statement: string) => sql.raw(statement).execute(database.kysely);
  const advise = (more: Partial<AdviceLimits> = {}, asOf = Date.now(), tables: string[] | null = null) =>
    upkeepOf(database).advise({ tables, asOf, limits: { ...adviceLimits, ...more }, checkIntegrity: false });
  const ids = async (...of: Parameters<typeof advise>) => (await advise(...of)).findings.map(({ id }) => id);
  const limits = async (table: string, more: Partial<RebuildLimits> = {}): Promise<RebuildLimits> => ({
    known: (await upkeepOf(database).indexes(table)).map(({ id }) => id),
    freeBytes: 2 ** 40,
    unmeasuredBytes: 0,
    lockTimeoutMs: 300,
    ...pauses,
    ...more,
  });
  const invalid = async () =>
    (
      await sql<{
        name: string;
      }>`select indexrelid::regclass::text as name from pg_index where not indisvalid order by 1`.execute(
        database.kysely,
      )
    ).rows.map(({ name }) => name);

  beforeAll(async () => {
    fresh = await freshPostgres();
    database = databaseFromUrl(fresh.url);
    await run('create table owner (id int primary key, email text not null unique)');
    await run(`create table "Odd ""Name" (id serial primary key, owner_id int references owner, other_id int references owner,
      sparse_id int references owner, a int, b text, deleted_at timestamptz)`);
    await run('create index odd_a on "Odd ""Name" (a)');
    await run('create index odd_ab on "Odd ""Name" (a, b)');
    await run('create index odd_a_desc on "Odd ""Name" (a desc)');
    await run('create index odd_b_partial on "Odd ""Name" (b) where deleted_at is null');
    await run('create index odd_b_pattern on "Odd ""Name" (b text_pattern_ops)');
    await run('create index odd_lower on "Odd ""Name" (lower(b))');
    await run('create index odd_owner on "Odd ""Name" (owner_id)');
    await run('create index odd_sparse on "Odd ""Name" (sparse_id) where sparse_id is not null');
    await run('create table keyless (at bigint not null, constraint at_once unique (at))');
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  it('tells indexes that are not needed from those that only look so', async () => {
    const { findings } = await advise({}, Date.now() + 31 * day);
    const of = (kind: string) => findings.filter((it) => it.kind === kind).map(({ object }) => object);
    expect(of('duplicate_index')).toEqual(['odd_a']);
    expect(of('unused_index')).toEqual(['odd_a_desc', 'odd_ab', 'odd_b_pattern', 'odd_lower']);
    expect(of('invalid_index')).toEqual([]);
  });

  it('judges no use on a new database', async () => {
    expect((await ids()).filter((it) => it.startsWith('unused'))).toEqual([]);
  });

  it('has statements that do away with a finding, and statements that bring it back', async () => {
    for (const kind of ['duplicate_index', 'unused_index', 'foreign_key_without_index']) {
      const asOf = Date.now() + 31 * day;
      const before = await ids({}, asOf);
      const found = (await advise({}, asOf)).findings.find((it) => it.kind === kind);
      for (const statement of found?.applySql ?? []) await run(statement);
      expect(await ids({}, asOf)).not.toContain(found?.id);
      for (const statement of found?.undoSql ?? []) await run(statement);
      expect((await ids({}, asOf)).sort()).toEqual(before.sort());
    }
  });

  it('finds foreign keys without an index, and lets an index of all that is not null count', async () => {
    expect((await ids()).filter((it) => it.startsWith('foreign'))).toEqual([
      'foreign_key_without_index:Odd "Name.Odd "Name_other_id_fkey',
    ]);
  });

  it('finds tables without a primary key', async () => {
    expect((await ids()).filter((it) => it.startsWith('table_without'))).toEqual(['table_without_primary_key:keyless']);
    await run('create table ready (id int not null)');
    await run('create unique index ready_id on ready (id)');
    const found = (await advise()).findings.find((it) => it.table === 'ready');
    expect(found?.applySql).toHaveLength(1);
    for (const statement of found?.applySql ?? []) await run(statement);
    expect((await ids()).filter((it) => it.includes('ready'))).toEqual([]);
    await run('drop table ready');
  });

  it('does not call a unique index the duplicate of one that promises something else', async () => {
    await run('create table promised (a int, b int, constraint promised_later unique (b) deferrable)');
    await run('create unique index promised_at_once on promised (b)');
    await run('create unique index promised_nulls on promised (a)');
    const { rows } = await sql<{ v: number }>`select current_setting('server_version_num')::int as v`.execute(
      database.kysely,
    );
    if (Number(rows[0]?.v) >= 150_000)
      await run('create unique index promised_one_null on promised (a) nulls not distinct');
    const duplicates = async () =>
      (await ids({}, Date.now(), ['promised'])).filter((it) => it.startsWith('duplicate_index'));
    expect(await duplicates()).toEqual([]);
    await run('create index promised_none on promised (b)');
    await run('create unique index promised_twin on promised (a)');
    expect(await duplicates()).toEqual([
      'duplicate_index:promised.promised_none',
      'duplicate_index:promised.promised_twin',
    ]);
    await run('drop table promised');
  });

  it('has no statements for a partitioned table that PostgreSQL would refuse, and says what is to be done', async () => {
    await run('create table parted (id int not null, owner_id int references owner, a int) partition by range (id)');
    await run('create table parted_low partition of parted for values from (0) to (10)');
    await run('create unique index parted_id on parted (id)');
    await run('create index parted_a on only parted (a)');
    const found = (await advise({}, Date.now(), ['parted'])).findings;
    expect(found.map(({ id }) => id)).toEqual([
      'invalid_index:parted.parted_a',
      'foreign_key_without_index:parted.parted_owner_id_fkey',
      'table_without_primary_key:parted',
    ]);
    for (const { applySql, undoSql } of found) for (const statement of [...applySql, ...undoSql]) await run(statement);
    for (const { risk } of found) expect(risk).toMatch(/partition/);
    await run('drop table parted');
  });

  it('finds sequences that come to an end: their own, or their column’s', async () => {
    await run(`create table counted (small smallserial, id bigint generated always as identity, plain int default 0)`);
    await run(`alter sequence counted_small_seq restart with 30000`);
    await run(`insert into counted default values`);
    const { findings } = await advise({}, Date.now(), ['counted']);
    const [found, ...others] = findings.filter((it) => it.kind === 'sequence_exhaustion');
    expect(others).toEqual([]);
    expect(found).toMatchObject({ id: 'sequence_exhaustion:counted.small', severity: 'critical' });
    for (const statement of found?.applySql ?? []) await run(statement);
    expect((await ids({}, Date.now(), ['counted'])).filter((it) => it.startsWith('sequence'))).toEqual([]);
    await run('drop table counted');
  });

  it('finds sequences that no column owns, and that several count by', async () => {
    await run('create sequence shared_seq as integer');
    await run(`create table first_by (id bigint default nextval('shared_seq'), note text default 'none')`);
    await run(`create table then_by (id int default nextval('shared_seq') + 0)`);
    await run(`alter sequence shared_seq restart with 2000000000`);
    await run('insert into first_by default values');
    const tables = ['first_by', 'then_by'];
    const found = (await advise({}, Date.now(), tables)).findings.filter((it) => it.kind === 'sequence_exhaustion');
    expect(found.map(({ id }) => id)).toEqual(tables.map((table) => `sequence_exhaustion:${table}.id`));
    for (const { applySql } of found) for (const statement of applySql) await run(statement);
    expect((await ids({}, Date.now(), tables)).filter((it) => it.startsWith('sequence'))).toEqual([]);
    // What does not count by it has nothing to do with it.
    await run('create table beside (id int)');
    expect((await ids({ exhaustedShare: 0 }, Date.now(), ['beside'])).filter((it) => it.startsWith('seq'))).toEqual([]);
    await run('drop table first_by, then_by, beside');
    await run('drop sequence shared_seq');
  });

  it('finds stale statistics and dead rows', async () => {
    await run('create table busy (id int primary key, b int) with (autovacuum_enabled = false)');
    await run('insert into busy select i, i from generate_series(1, 9000) i');
    await run('update busy set b = b + 1');
    const found = () => ids({ deadRows: 5_000 }, Date.now(), ['busy']);
    // A backend that is not idle for long may keep what it counted to itself for ten seconds.
    await expect.poll(found, { timeout: 30_000 }).toEqual(['stale_statistics:busy', 'dead_rows:busy']);
    await upkeepOf(database).vacuum('busy', pauses);
    await expect.poll(found, { timeout: 30_000 }).toEqual([]);
    await run('drop table busy');
  });

  it('estimates the air in tables and btrees, and none in those that are full', async () => {
    await run(`create table airy (id int primary key, b text, constraint airy_once exclude using btree (id with =))
      with (autovacuum_enabled = false)`);
    await run(`insert into airy select i, 'row number ' || i from generate_series(1, 60000) i`);
    await run('analyze airy');
    const look = async () => (await advise({ bloatBytes: 100_000 }, Date.now(), ['airy'])).findings;
    expect((await look()).map(({ id }) => id)).toEqual([]);
    await run('delete from airy where id % 10 <> 0');
    // Who deletes tells the server a while later; told after the vacuum, it would be of rows that are gone.
    const told = sql<{ dead: number }>`select n_dead_tup::int as dead from pg_stat_all_tables where relname = 'airy'`;
    await expect.poll(async () => (await told.execute(database.kysely)).rows[0]?.dead).toBe(54_000);
    await run('vacuum analyze airy');
    const found = await look();
    expect(found.map(({ id }) => id)).toEqual([
      'bloated_table:airy',
      'bloated_index:airy.airy_once',
      'bloated_index:airy.airy_pkey',
    ]);
    // Nothing is built beside what stands for an exclusion constraint.
    for (const statement of found[1]?.applySql ?? []) await run(statement);
    const rebuilt = await upkeepOf(database).rebuildIndex('airy', 'airy_pkey', await limits('airy'));
    expect(rebuilt).toMatchObject({ outcome: 'rebuilt', reason: null });
    const estimated = found[2]?.bytes;
    expect(rebuilt.bytes / (estimated ?? 1)).toBeGreaterThan(0.8);
    expect(rebuilt.bytes / (estimated ?? 1)).toBeLessThan(1.25);
    expect((await look()).map(({ id }) => id)).toEqual(['bloated_table:airy']);
    await run('drop table airy');
  });

  it('says how old the oldest transaction id and multixact are, and in which table', async () => {
    expect((await ids()).filter((it) => it.endsWith('_age'))).toEqual([]);
    const { findings } = await advise({ transactionIdAge: 1, multixactAge: 0 });
    const [xid, multixact] = findings.filter((it) => it.kind.endsWith('_age'));
    expect(xid).toMatchObject({ kind: 'transaction_id_age', severity: 'warning' });
    expect(xid?.evidence['oldestTable']).toMatch(/\./);
    expect(multixact).toMatchObject({ kind: 'multixact_age' });
  });

  it('finds transactions that are open for long, without a word of what they said', async () => {
    const client = new Client({ connectionString: fresh.url });
    await client.connect();
    await client.query(`begin`);
    await client.query(`select 'a secret', txid_current()`);
    await expect
      .poll(() => ids({ longTransactionMs: 1 }))
      .toContainEqual(expect.stringMatching(/^long_transaction:\d+$/));
    const { findings } = await advise({ longTransactionMs: 1 });
    expect(JSON.stringify(findings)).not.toContain('secret');
    const found = findings.find((it) => it.kind === 'long_transaction');
    const ended = new Promise((resolve) => client.on('error', resolve));
    for (const statement of found?.applySql ?? []) await run(statement);
    await ended;
    // Its client may know of it before the server has done with it.
    await expect
      .poll(() => ids({ longTransactionMs: 1 }))
      .not.toContainEqual(expect.stringMatching(/^long_transaction:\d+$/));
  });

  it('changes nothing by advising', async () => {
    const snapshot = async () =>
      (
        await sql<{
          all: string;
        }>`select string_agg(c::text, ',' order by c.oid) as all from pg_class c where relnamespace = 'public'::regnamespace`.execute(
          database.kysely,
        )
      ).rows[0]?.all;
    const before = await snapshot();
    await advise({ transactionIdAge: 1, bloatBytes: 0, bloatShare: 0 });
    expect(await snapshot()).toBe(before);
  });

  describe('rebuilding an index', () => {
    const long = 'an_index_whose_name_is_as_long_as_names_can_be_in_this_database';
    beforeAll(async () => {
      // The server's own upkeep would take the lock that a leftover is to be made under.
      await run('create table built (id int primary key, b text) with (autovacuum_enabled = false)');
      await run(`insert into built select i, 'b' || i from generate_series(1, 1000) i`);
      await run(`create index ${long} on built (b)`);
      await run('create index built_other on built (b, id)');
    });

    it('drops what a failure left, and nothing that was there before or is another’s', async () => {
      // Somebody else's leftovers, one of them of the same index.
      for (const base of ['built_other', long]) await leaveBehind(base);
      const others = await invalid();
      expect(others).toHaveLength(2);
      const holder = new Client({ connectionString: fresh.url });
      await holder.connect();
      // It rests when it could not drop what it left: then the lock is free.
      const sleep: Clock['sleep'] = async (delayMs, signal) => {
        await holder.query('rollback');
        await systemClock.sleep(delayMs, signal);
      };
      const known = await limits('built', { clock: { ...systemClock, sleep } });
      await holder.query('begin; lock table built in row exclusive mode');
      const result = await upkeepOf(database).rebuildIndex('built', long, known);
      await holder.end();
      expect(result).toEqual({ index: long, outcome: 'failed', reason: 'a lock was not to be had in time', bytes: 0 });
      expect(await invalid()).toEqual(others);
      for (const name of others) await run(`drop index ${name}`);
    });

    it.each([
      ['of a name that leaves room for more', 'built_other'],
      ['of one that leaves none', long],
      ['of one that is cut off between two of its characters', `${'é'.repeat(31)}e`],
    ])('drops what a killed try left, before the next: %s', async (_, index) => {
      await run(`create index if not exists ${index} on built (b)`);
      const known = await limits('built');
      await leaveBehind(index);
      expect(await invalid()).toHaveLength(1);
      expect(await upkeepOf(database).rebuildIndex('built', index, known)).toMatchObject({ outcome: 'rebuilt' });
      expect(await invalid()).toEqual([]);
    });

    it('leaves an invalid index where it fails, which is found, with the statement that does away with it', async () => {
      const found = async () =>
        (await advise({}, Date.now(), ['built'])).findings.filter(({ kind }) => kind === 'invalid_index');
      expect(await found()).toEqual([]);
      await leaveBehind('built_other');
      const [finding, ...others] = await found();
      expect(others).toEqual([]);
      expect(finding).toMatchObject({ id: 'invalid_index:built.built_other_ccnew', table: 'built' });
      for (const statement of finding?.applySql ?? []) await run(statement);
      expect([await found(), await invalid()]).toEqual([[], []]);
    });

    it('is told from making one, whose index is invalid for as long as a transaction holds it up', async () => {
      const holder = new Client({ connectionString: fresh.url });
      await holder.connect();
      onTestFinished(() => holder.end());
      await holder.query('begin; lock table built in row exclusive mode');
      const made = run('create index concurrently built_late on built (id, b)');
      await expect.poll(invalid).toEqual(['built_late']);
      expect((await ids({}, Date.now(), ['built'])).filter((it) => it.startsWith('invalid'))).toEqual([]);
      await holder.query('rollback');
      await made;
      expect(await invalid()).toEqual([]);
      await run('drop index built_late');
    });

    it('leaves alone what others began since of an index whose name begins the same', async () => {
      await run('create index built_other_too on built (id, b)');
      const known = await limits('built');
      await leaveBehind('built_other');
      const rebuilt = await upkeepOf(database).rebuildIndex('built', 'built_other_too', known);
      expect(rebuilt).toMatchObject({ outcome: 'rebuilt' });
      expect(await invalid()).toEqual(['built_other_ccnew']);
      await run('drop index built_other_ccnew, built_other_too');
    });

    it('refuses without room for a second index, or when nobody knows', async () => {
      const rebuild = async (more: Partial<RebuildLimits>) =>
        (await upkeepOf(database).rebuildIndex('built', 'built_pkey', await limits('built', more))).outcome;
      expect(await rebuild({ freeBytes: 60_000 })).toBe('refused');
      expect(await rebuild({ freeBytes: null })).toBe('refused');
      expect(await rebuild({ freeBytes: null, unmeasuredBytes: 2 ** 20 })).toBe('rebuilt');
    });

    it('has no index of a partitioned table, which has no file of its own, but those of its partitions', async () => {
      await run('create table parted (id int primary key) partition by range (id)');
      await run('create table parted_low partition of parted for values from (0) to (10)');
      const names = async (table: string) => (await upkeepOf(database).indexes(table)).map(({ name }) => name);
      expect(await names('parted')).toEqual([]);
      expect(await names('parted_low')).toEqual(['parted_low_pkey']);
      const rebuilt = await upkeepOf(database).rebuildIndex('parted', 'parted_pkey', await limits('parted'));
      expect(rebuilt).toMatchObject({ outcome: 'refused' });
      await run('drop table parted');
    });

    it('is cancelled on the server while it waits, and leaves nothing', async () => {
      const holder = new Client({ connectionString: fresh.url });
      await holder.connect();
      const stop = new AbortController();
      const known = await limits('built', { lockTimeoutMs: 60_000, signal: stop.signal });
      await holder.query('begin; lock table built in row exclusive mode');
      const rebuilt = upkeepOf(database).rebuildIndex('built', long, known);
      const waiting = async () =>
        (
          await sql`select 1 from pg_stat_activity
            where datname = current_database() and query like 'reindex%' and wait_event_type = 'Lock'`.execute(
            database.kysely,
          )
        ).rows.length;
      await expect.poll(waiting, { timeout: 20_000, interval: 20 }).toBe(1);
      stop.abort(new Error('enough'));
      // The transaction that holds it up is still open.
      await expect.poll(waiting, { timeout: 10_000, interval: 20 }).toBe(0);
      await holder.query('rollback');
      await holder.end();
      expect(await rebuilt).toEqual({ index: long, outcome: 'stopped', reason: 'it was to end', bytes: 0 });
      expect(await invalid()).toEqual([]);
      // The connection that was cancelled goes on to serve.
      await Promise.all(Array.from({ length: 10 }, () => run('select pg_sleep(0.05)')));
    });

    it('waits longer than other statements may take', async () => {
      const queryTimeoutMs = 3_000;
      const hasty = databaseFromUrl(fresh.url, { queryTimeoutMs });
      const holder = new Client({ connectionString: fresh.url });
      await holder.connect();
      const known = await limits('built', { lockTimeoutMs: 30_000 });
      await holder.query('begin; lock table built in row exclusive mode');
      const rebuilt = upkeepOf(hasty).rebuildIndex('built', 'built_pkey', known);
      // By the clock of the server, and some more: the client counts for itself.
      const waited = async () =>
        (
          await sql`select 1 from pg_stat_activity
            where datname = current_database() and query like 'reindex%' and wait_event_type = 'Lock'
              and clock_timestamp() - query_start > ${queryTimeoutMs + 500} * interval '1 ms'`.execute(database.kysely)
        ).rows.length;
      await expect.poll(waited).toBe(1);
      await holder.query('rollback');
      expect(await rebuilt).toMatchObject({ outcome: 'rebuilt' });
      await holder.end();
      await hasty.close();
    });

    it('leaves the connection’s own time limits as they were, whatever comes of the work', async () => {
      await database.kysely.connection().execute(async (connection) => {
        const limitsOf = async () =>
          (
            await sql`
              select current_setting('statement_timeout') as s, current_setting('lock_timeout') as l`.execute(
              connection,
            )
          ).rows[0];
        await sql`set statement_timeout = '7s'`.execute(connection);
        await sql`set lock_timeout = '1500ms'`.execute(connection);
        // A pool of one connection, which is the host's own.
        const pool = { connection: () => ({ execute: (use: (it: Kysely<unknown>) => unknown) => use(connection) }) };
        const one = pool as unknown as Kysely<unknown>;
        expect(await unhurried(one, { ...pauses, lockTimeoutMs: 300 }, limitsOf)).toEqual({ s: '0', l: '300ms' });
        expect(await limitsOf()).toEqual({ s: '7s', l: '1500ms' });
        const failing = unhurried(one, { ...pauses, lockTimeoutMs: 300 }, (it) => sql`select 1 / 0`.execute(it));
        await expect(failing).rejects.toThrow(/division/);
        expect(await limitsOf()).toEqual({ s: '7s', l: '1500ms' });
        await sql`reset all`.execute(connection);
      });
    });

    /** An invalid `_ccnew` index, as a server that is killed while it rebuilds leaves it. */
    async function leaveBehind(base: string): Promise<void> {
      const holder = new Client({ connectionString: fresh.url });
      const worker = new Client({ connectionString: fresh.url });
      await Promise.all([holder.connect(), worker.connect()]);
      await holder.query('begin; lock table built in row exclusive mode');
      await worker.query(`set lock_timeout = 200`);
      await worker.query(`reindex index concurrently ${base}`).catch(() => undefined);
      await holder.query('rollback');
      await Promise.all([holder.end(), worker.end()]);
    }
  });
});
