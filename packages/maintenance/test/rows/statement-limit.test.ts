import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { inSession } from '../../src/databases/mysql/session.js';
import { statementLimitOf } from '../../src/databases/mysql/statement-limit.js';
import { endedByTimeout, worthRetrying } from '../../src/databases/rows/retry.js';
import { available, freshMysql, type FreshDatabase } from '../../../../test/support/services.js';

describe('how long a statement may take', () => {
  it.each([
    ['10.5.8-MariaDB', 'max_statement_time', true],
    ['10.11.19-MariaDB-deb12-log', 'max_statement_time', true],
    ['5.5.5-10.6.12-MariaDB-1:10.6.12+maria~ubu2004', 'max_statement_time', true],
    ['11.4.2-mariadb', 'max_statement_time', true],
    ['8.0.36', 'max_execution_time', false],
    ['8.4.0-log', 'max_execution_time', false],
    ['9.1.0', 'max_execution_time', false],
    ['8.0.35-27', 'max_execution_time', false],
    ['8.0.mysql_aurora.3.04.0', 'max_execution_time', false],
    ['8.0.11-TiDB-v7.5.0', 'max_execution_time', false],
    ['5.7.44-log', 'max_execution_time', false],
    ['5.7.8', 'max_execution_time', false],
    ['5.7.7-rc', null, false],
    ['5.6.51', null, false],
    ['', null, false],
  ])('on %s is limited by %s', (version, variable, endsWrites) => {
    expect(statementLimitOf(version)).toMatchObject({ variable, endsWrites });
  });

  it('is counted in seconds on MariaDB and in milliseconds on MySQL', () => {
    expect([statementLimitOf('10.6.1-MariaDB').unitMs, statementLimitOf('8.0.36').unitMs]).toEqual([1_000, 1]);
  });
});

describe.skipIf(!available.mysql)('a statement that takes too long (needs MariaDB: npm run services)', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeAll(async () => {
    fresh = await freshMysql();
    database = databaseFromUrl(fresh.url);
    await sql`create table slow (id int primary key)`.execute(database.kysely);
    await sql`insert into slow values (1), (2)`.execute(database.kysely);
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });
  const limits = { statementTimeoutMs: 300, lockTimeoutMs: 1_000 };
  // Sleeps for each row that it looks at.
  const deletion = sql`delete from slow where sleep(30) = 7 or id > 0`;

  it.each([
    ['the server itself', statementLimitOf],
    ['KILL QUERY, where the server ends no writes', () => statementLimitOf('5.6.51')],
  ])('is ended by %s, rolled back, and worth another try', async (_, limitOf) => {
    const deleting = inSession(
      database.kysely,
      limits,
      (connection) => connection.transaction().execute((trx) => deletion.execute(trx)),
      limitOf,
    );
    const error: unknown = await deleting.then(() => null, (it: unknown) => it); // prettier-ignore
    expect([endedByTimeout(error), worthRetrying(error)]).toEqual([true, true]);
    const { rows } = await sql<{ id: number }>`select id from slow order by id`.execute(database.kysely);
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('leaves the session its own settings, whatever comes of the work', async () => {
    await database.kysely.connection().execute(async (connection) => {
      const asked = await sql<{ version: string }>`select version() as version`.execute(connection);
      const { variable, unitMs } = statementLimitOf(asked.rows[0]?.version ?? '');
      const longest = sql.raw(`@@session.${variable}`);
      const settings = async () =>
        (
          await sql`select @@session.time_zone as zone, @@session.innodb_lock_wait_timeout as rows_locked,
            @@session.lock_wait_timeout as tables_locked, ${longest} as longest`.execute(connection)
        ).rows[0];
      await sql`set session time_zone = '+03:00', session innodb_lock_wait_timeout = 7, session lock_wait_timeout = 8,
        ${longest} = ${sql.lit(2_500 / unitMs)}`.execute(connection);
      const before = await settings();
      expect(before).toEqual({ zone: '+03:00', rows_locked: 7, tables_locked: 8, longest: 2_500 / unitMs });
      const within = (statementTimeoutMs: number) => ({ statementTimeoutMs, lockTimeoutMs: 2_000 });
      // A pool that gives the host's own connection, and another to whom ends its statement.
      const pool = {
        connection: () => ({ execute: (use: (it: Kysely<unknown>) => unknown) => use(connection) }),
        getExecutor: () => database.kysely.getExecutor(),
      };
      const one = pool as unknown as Kysely<unknown>;
      expect(await inSession(one, within(30_000), settings)).toEqual({
        ...{ zone: '+00:00', rows_locked: 2, tables_locked: 2, longest: 30_000 / unitMs },
      });
      expect(await settings()).toEqual(before);
      await expect(inSession(one, within(300), (it) => deletion.execute(it))).rejects.toThrow();
      expect(await settings()).toEqual(before);
    });
  });

  it('is not ended when it is quick, nor is the next user of its connection', async () => {
    const one = databaseFromUrl(fresh.url, { poolSize: 2 });
    const quick = await inSession(
      one.kysely,
      limits,
      (connection) => sql<{ n: number }>`select 1 as n`.execute(connection),
      () => statementLimitOf('5.6.51'),
    );
    expect(quick.rows).toEqual([{ n: 1 }]);
    await Promise.all([0, 1].map(() => sql`select sleep(0.7)`.execute(one.kysely)));
    await one.close();
  });
});
