import { sql } from 'kysely';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { available, freshMysql, type FreshDatabase } from '../../../../test/support/services.js';
import { adviceLimits, type AdviceLimits } from '../../src/databases/advice.js';
import { foreignKeys } from '../../src/databases/mysql/advice/foreign-keys.js';
import { indexFacts } from '../../src/databases/mysql/advice/indexes.js';
import { upkeepOf } from '../../src/databases/upkeep.js';
import { restrictedUser } from '../support/restricted-user.js';

const day = 86_400_000;

describe.skipIf(!available.mysql)('advice on MariaDB (needs MariaDB: npm run services)', () => {
  let fresh: FreshDatabase;
  let database: Database;
  const run = (statement: string) => sql.raw(statement).execute(database.kysely);
  const advise = (more: Partial<AdviceLimits> = {}, asOf = Date.now()) =>
    upkeepOf(database).advise({ tables: null, asOf, limits: { ...adviceLimits, ...more }, checkIntegrity: false });
  const ids = async (...of: Parameters<typeof advise>) => (await advise(...of)).findings.map(({ id }) => id);

  beforeAll(async () => {
    fresh = await freshMysql();
    database = databaseFromUrl(fresh.url);
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  it('finds duplicate indexes, of whole columns and of their beginnings, and takes them back', async () => {
    await run(`create table \`Odd \`\`name\` (id int primary key, a varchar(50), b int, unique key a_unique (a),
      key a (a), key a_start (a(10)), key b (b), key b_id (b, id), fulltext key a_words (a))`);
    const { findings } = await advise();
    const found = findings.filter((it) => it.kind === 'duplicate_index');
    expect(found.map(({ object }) => object)).toEqual(['a', 'b']);
    for (const it of found) for (const statement of it.applySql) await run(statement);
    expect(await ids()).toEqual([]);
    for (const it of found) for (const statement of it.undoSql) await run(statement);
    expect((await ids()).sort()).toEqual(found.map(({ id }) => id).sort());
    await run('drop table `Odd ``name`');
  });

  it('does not call an index the duplicate of one that the server is told not to use', async () => {
    await run(`create table overlooked (id int primary key, a int, b int, key a (a),
      key a_b (a, b) /*M! ignored */ /*!80000 invisible */)`);
    expect(await ids()).toEqual([]);
    await run('drop table overlooked');
  });

  it('finds counters that come to an end, and tables without a primary key', async () => {
    await run('create table counted (id tinyint unsigned auto_increment primary key) auto_increment = 240');
    await run('create table keyless (a int)');
    const { findings } = await advise();
    expect(findings.map(({ id }) => id)).toEqual([
      'sequence_exhaustion:counted.id',
      'table_without_primary_key:keyless',
    ]);
    expect(findings[0]).toMatchObject({ severity: 'critical', evidence: { mostValue: '255' } });
    for (const statement of findings[0]?.applySql ?? []) await run(statement);
    expect(await ids()).toEqual(['table_without_primary_key:keyless']);
    await run('drop table counted');
    await run('drop table keyless');
  });

  it.each([
    ['tinyint', '127'],
    ['tinyint unsigned', '255'],
    ['smallint unsigned', '65535'],
    ['mediumint unsigned', '16777215'],
    ['int', '2147483647'],
    ['int unsigned', '4294967295'],
    ['bigint', '9223372036854775807'],
  ])('tells the last number that a counter of %s gives: %s', async (type, last) => {
    const before = (BigInt(last) - 1n).toString();
    await run(`create table counted (id ${type} auto_increment primary key) auto_increment = ${before}`);
    const [found] = (await advise()).findings;
    expect(found).toMatchObject({ kind: 'sequence_exhaustion', evidence: { nextValue: before, mostValue: last } });
    await run('insert into counted () values (), ()');
    const { rows } = await sql<{ most: string }>`select cast(max(id) as char) as most from counted`.execute(
      database.kysely,
    );
    expect(rows).toEqual([{ most: last }]);
    await expect(run('insert into counted () values ()')).rejects.toThrow();
    expect(await ids()).toEqual(['sequence_exhaustion:counted.id']);
    await run('drop table counted');
  });

  it('tells that the greatest number of a counter of bigint unsigned is not given', async () => {
    const last = '18446744073709551614';
    await run(`create table counted (id bigint unsigned auto_increment primary key) auto_increment = ${last}`);
    const [found] = (await advise()).findings;
    expect(found).toMatchObject({ kind: 'sequence_exhaustion', evidence: { nextValue: last, mostValue: last } });
    await run('insert into counted () values ()');
    await expect(run('insert into counted () values ()')).rejects.toThrow();
    await run('drop table counted');
  });

  it('advises no other type for a counter that a foreign key is about, which the server refuses', async () => {
    await run('create table parent (id smallint auto_increment primary key) auto_increment = 32000');
    await run('create table child (id int primary key, p smallint, foreign key (p) references parent (id))');
    await run(`create table heir (id smallint auto_increment primary key, foreign key (id) references parent (id))
      auto_increment = 32000`);
    const found = (await advise()).findings.filter(({ kind }) => kind === 'sequence_exhaustion');
    expect(found).toMatchObject(
      ['heir', 'parent'].map((table) => {
        return {
          table,
          object: 'id',
          applySql: [],
          undoSql: [],
          risk: expect.stringContaining('foreign key') as string,
        };
      }),
    );
    for (const table of ['heir', 'parent'])
      await expect(run(`alter table ${table} modify id bigint unsigned not null auto_increment`)).rejects.toThrow(
        /foreign key|incompatible/,
      );
    await run('drop table heir, child, parent');
  });

  it('knows a foreign key by which a table of another database refers to one of this', async () => {
    const own = new URL(fresh.url).pathname.slice(1);
    await run(`create database \`${own}-Käse\``);
    await run(
      'create table `Odd /name` (id smallint auto_increment primary key, a int, key by_a (a)) auto_increment = 32000',
    );
    await run(`create table \`${own}-Käse\`.child (id int primary key, p smallint, a int,
      foreign key (p) references \`${own}\`.\`Odd /name\` (id), foreign key (a) references \`${own}\`.\`Odd /name\` (a))`);
    const user = await restrictedUser(database, fresh.url);
    await user.grant('select on `Odd /name`', `select on \`${own}-Käse\`.child`);
    for (const { kysely } of [database, user.database]) {
      const keys = await foreignKeys(kysely);
      expect(keys).toEqual(
        expect.arrayContaining([
          { table: 'Odd /name', columns: ['id'] },
          { table: 'Odd /name', columns: ['a'] },
        ]),
      );
      const indexes = await indexFacts(kysely, ['Odd /name']);
      expect(indexes.map(({ name, servesForeignKey }) => [name, servesForeignKey])).toEqual([
        ['by_a', true],
        ['PRIMARY', true],
      ]);
    }
    const found = (await advise()).findings;
    expect(found).toMatchObject([{ kind: 'sequence_exhaustion', applySql: [], undoSql: [] }]);
    await user.drop();
    await run(`drop database \`${own}-Käse\``);
    await run('drop table `Odd /name`');
  });

  it('finds statistics that InnoDB has not renewed although the table changed', async () => {
    // The server renews them by itself, some seconds after a change.
    await run('create table changed (id int primary key) stats_auto_recalc = 0');
    await run('analyze table changed');
    await run('insert into changed values (1)');
    expect(await ids()).toEqual([]);
    await sql`update mysql.innodb_table_stats set last_update = now() - interval 31 day
      where database_name = database() and table_name = 'changed'`.execute(database.kysely);
    expect(await ids()).toEqual(['stale_statistics:changed']);
    await upkeepOf(database).analyze('changed', { clock: systemClock, signal: new AbortController().signal });
    expect(await ids({}, Date.now() + day)).toEqual([]);
    await run('drop table changed');
  });

  it.each([
    ['', ''],
    [', whose words are indexed', ', t text, fulltext key words (t)'],
  ])('finds tables with much room inside%s', async (_, more) => {
    await run(`create table airy (id int primary key, a varbinary(8000)${more})`);
    for (let i = 0; i < 3_000; i += 500) {
      const rows = Array.from({ length: 500 }, (_, row) => sql`(${i + row}, repeat('x', 8000))`);
      await sql`insert into airy (id, a) values ${sql.join(rows)}`.execute(database.kysely);
    }
    await run('delete from airy');
    await run('analyze table airy');
    const limits = { bloatBytes: 4 * 1_048_576 };
    await expect.poll(() => ids(limits), { timeout: 20_000 }).toEqual(['bloated_table:airy']);
    const [found] = (await advise(limits)).findings;
    for (const statement of found?.applySql ?? []) await run(statement);
    await run('analyze table airy');
    expect(await ids(limits)).toEqual([]);
    await run('drop table airy');
  });

  it('finds transactions of its own database that are open for long, and a long history', async () => {
    const connection = await createConnection(fresh.url);
    const elsewhere = await createConnection(fresh.url.replace(/\/[^/]+$/, '/mysql'));
    for (const it of [connection, elsewhere]) await it.query('start transaction with consistent snapshot');
    await run('create table t (id int primary key)');
    const found = () => ids({ longTransactionMs: 0, historyList: 0 });
    const own = `long_transaction:${connection.threadId}`;
    // InnoDB renews what innodb_trx shows only when nobody has read it for 100 ms: who polls more often sees what was.
    const unhurried = { interval: 300, timeout: 20_000 };
    await expect.poll(async () => (await found()).filter((it) => it.startsWith('long')), unhurried).toEqual([own]);
    expect(await found()).toContain('history_list');
    connection.on('error', () => undefined);
    for (const it of (await advise({ longTransactionMs: 0 })).findings.filter(({ id }) => id === own))
      for (const statement of it.applySql) await run(statement);
    await expect.poll(found, unhurried).not.toContain(own);
    await elsewhere.end();
    connection.destroy();
  });

  it('notes what this user may not read, and advises on the rest', async () => {
    const name = `u${Math.random().toString(36).slice(2, 10)}`;
    const schema = new URL(fresh.url).pathname.slice(1);
    await run(`create user ${name}@'%' identified by 'pw'`);
    await run(`grant all on ${schema}.* to ${name}@'%'`);
    const url = new URL(fresh.url);
    [url.username, url.password] = [name, 'pw'];
    const limited = databaseFromUrl(url.href);
    const { notes } = await upkeepOf(limited).advise({
      tables: null,
      asOf: Date.now(),
      limits: adviceLimits,
      checkIntegrity: false,
    });
    expect(notes).toEqual([
      // By default it is off on MariaDB; on MySQL it is on, and tells nothing of replicas to such a user.
      expect.stringMatching(/performance_schema is off|this user may not see whether replicas are attached/),
      expect.stringContaining('innodb_table_stats'),
      expect.stringContaining('innodb_trx'),
      expect.stringContaining('innodb_metrics'),
    ]);
    await limited.close();
    await run(`drop user ${name}@'%'`);
  });
});
