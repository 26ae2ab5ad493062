import Sqlite from 'better-sqlite3';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { createPool } from 'mysql2';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { available, freshMysql, freshPostgres, postgresUrl } from '../../../../test/support/services.js';
import { parseConnectionUrl } from '../../src/kysely/connection-url.js';
import { importDriver } from '../../src/kysely/driver-import.js';
import {
  coreMigrations,
  databaseFromUrl,
  fromKysely,
  inTransaction,
  kyselyLeases,
  migrate,
  mysql,
  postgres,
  sqlite,
  type Database,
  type Mysql2Pool,
  type SqliteHandle,
} from '../../src/kysely/index.js';
import { counterMigrations, row, type Tables } from '../support/counters.js';
import { dialects } from '../support/databases.js';

describe('SQLite between processes', () => {
  it('waits for the writes of other processes and loses none', async () => {
    const fresh = await dialects[0]!.fresh();
    const database = databaseFromUrl(fresh.url);
    await migrate(database, counterMigrations);
    const kysely = database.withTables<Tables>();
    await kysely.insertInto('counters').values(row('shared', 0)).execute();
    const writer = fileURLToPath(new URL('../support/sqlite-writer.mjs', import.meta.url));
    let others = true;
    const processes = Promise.all(
      [1, 2].map(() => promisify(execFile)(process.execPath, [writer, fresh.url.slice('sqlite:'.length), '50'])),
    ).finally(() => (others = false));
    let ours = 0;
    while (others || ours < 50) {
      await inTransaction(database, undefined, async (trx: Transaction<Tables>) => {
        const { n } = await trx.selectFrom('counters').select('n').executeTakeFirstOrThrow();
        await trx
          .updateTable('counters')
          .set({ n: n + 1 })
          .execute();
      });
      ours += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await processes;
    const { n } = await kysely.selectFrom('counters').select('n').executeTakeFirstOrThrow();
    expect(n).toBe(100 + ours);
    await database.close();
    await fresh.drop();
  });

  it('never takes what a host writes on its own handle into a transaction of ours', async () => {
    const fresh = await dialects[0]!.fresh();
    const host = new Sqlite(fresh.url.slice('sqlite:'.length));
    host.exec('create table users (name text)');
    const database = sqlite(host as unknown as SqliteHandle);
    await sql`create table ours (n integer)`.execute(database.kysely);
    const failing = inTransaction(database, undefined, async (trx: Transaction<unknown>) => {
      await sql`select 1`.execute(trx);
      throw new Error('ours failed');
    });
    host.prepare("insert into users values ('neo')").run();
    await expect(failing).rejects.toThrow('ours failed');
    expect(host.prepare('select name from users').all()).toEqual([{ name: 'neo' }]);
    await database.close();
    expect(host.open).toBe(true);
    host.close();
    await fresh.drop();
  });

  it('says that the disk is full when it is, and goes on afterwards', async () => {
    const fresh = await dialects[0]!.fresh();
    const database = databaseFromUrl(fresh.url);
    await sql`create table bulk (text text)`.execute(database.kysely);
    await sql`pragma max_page_count = 20`.execute(database.kysely);
    const filling = inTransaction(database, undefined, async (trx: Transaction<unknown>) => {
      await sql`insert into bulk values (${'x'.repeat(1_000_000)})`.execute(trx);
    });
    await expect(filling).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { code: 'SQLITE_FULL' } });
    await sql`insert into bulk values ('small')`.execute(database.kysely);
    await database.close();
    await fresh.drop();
  });

  it('lets timers and sockets have their turn while one statement follows the other', async () => {
    const fresh = await dialects[0]!.fresh();
    const database = databaseFromUrl(fresh.url);
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    const statements = async (on: Kysely<unknown>) => {
      for (let count = 0; count < 200_000 && turns === 0; count++) await sql`select 1`.execute(on);
      return turns;
    };
    expect(await statements(database.kysely)).toBeGreaterThan(0);
    turns = 0;
    expect(await database.kysely.transaction().execute(statements)).toBeGreaterThan(0);
    clearInterval(ticking);
    await database.close();
    await fresh.drop();
  });

  it('ends the wait of a query that was sent beside its own transaction', async () => {
    const fresh = await dialects[0]!.fresh();
    const database = databaseFromUrl(fresh.url, { acquireTimeoutMs: 50 });
    const stuck = inTransaction(database, undefined, async () => {
      await sql`select 1`.execute(database.kysely);
    });
    await expect(stuck).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect((await sql`select 1 as one`.execute(database.kysely)).rows).toEqual([{ one: 1 }]);
    await database.close();
    await fresh.drop();
  });
});

describe.skipIf(!available.postgres)('PostgreSQL connections', () => {
  it('survive the end of a connection between two statements, and time out on a slow one', async () => {
    const fresh = await freshPostgres();
    const database = databaseFromUrl(fresh.url, { queryTimeoutMs: 3_000 });
    const killer = databaseFromUrl(fresh.url);
    const cut = inTransaction(database, undefined, async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(killer.kysely);
      await sql`select 1`.execute(trx);
    });
    await expect(cut).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(sql`select pg_sleep(20)`.execute(database.kysely)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    expect((await sql`select 1 as one`.execute(database.kysely)).rows).toEqual([{ one: 1 }]);
    await Promise.all([database.close(), killer.close()]);
    await fresh.drop();
  });

  it('of a host keep their own type parsers and stay open', async () => {
    const fresh = await freshPostgres();
    const pool = new pg.Pool({ connectionString: fresh.url });
    const database = postgres(pool);
    expect((await sql`select count(*) as n from pg_class where false`.execute(database.kysely)).rows).toEqual([
      { n: 0 },
    ]);
    await database.close();
    expect((await pool.query('select 1::int8 as n')).rows).toEqual([{ n: '1' }]);
    const hosted = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    expect(await kyselyLeasesOn(fromKysely(hosted, 'postgres'))).toEqual({ fence: 1 });
    await pool.end();
    await fresh.drop();
  });
});

describe.skipIf(!available.mysql)('MariaDB connections', () => {
  it('escape text whatever the sql_mode of the server', async () => {
    const fresh = await freshMysql();
    const pool = createPool(fresh.url);
    // What a server with that mode does at every new connection.
    pool.on('connection', (connection) => connection.query("set session sql_mode = 'NO_BACKSLASH_ESCAPES'"));
    const database = mysql(pool as unknown as Mysql2Pool);
    const text = "' or 1=1 -- ";
    const { rows } = await sql<{ found: number }>`select ${text} = ${'x'} as found`.execute(database.kysely);
    expect(rows).toEqual([{ found: 0 }]);
    await database.close();
    await new Promise((resolve) => pool.end(resolve));
    await fresh.drop();
  });

  it('time out on a slow statement and on a pool that stays full, and are replaced', async () => {
    const fresh = await freshMysql();
    const database = databaseFromUrl(fresh.url, { queryTimeoutMs: 3_000, acquireTimeoutMs: 3_000, poolSize: 1 });
    await expect(sql`select sleep(20)`.execute(database.kysely)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const crowded = inTransaction(database, undefined, () => sql`select 1`.execute(database.kysely));
    await expect(crowded).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const { rows } = await sql`select 12345678901 as big, 'ß漢🎉' as text`.execute(database.kysely);
    expect(rows).toEqual([{ big: 12345678901, text: 'ß漢🎉' }]);
    await database.close();
    await fresh.drop();
  });
});

async function kyselyLeasesOn(database: Database) {
  await migrate(database, coreMigrations);
  return kyselyLeases(database).acquire('k', 'o', 1_000);
}

describe('a database says how many connections it has at most', () => {
  const [pgUrl, mysqlUrl] = ['postgres://127.0.0.1:1/none', 'mysql://127.0.0.1:1/none'];
  it.each([
    ['by default', databaseFromUrl(pgUrl), 10],
    ['as it is told', databaseFromUrl(mysqlUrl, { poolSize: 3 }), 3],
    ['as the host’s pg pool does', postgres(new pg.Pool({ connectionString: pgUrl, max: 4 })), 4],
    ['as the host’s mysql2 pool does', mysql(createPool({ uri: mysqlUrl, connectionLimit: 5 }) as never), 5],
    ['one, of SQLite', databaseFromUrl('sqlite::memory:'), 1],
    ['not, on a Kysely instance of the host’s', fromKysely(databaseFromUrl(pgUrl).kysely, 'postgres'), null],
  ])('%s', (_, database, connections) => {
    expect(database.connections).toBe(connections);
  });
});

describe('opening a database', () => {
  it.each([
    'postgres://u:s3cret@h/db?sslmode=prefer',
    'postgres://u:s3cret@h/db?sslmode=disable&host=/tmp',
    'postgres://u:s3cret@h/db?sslmode=toString',
    'postgres://u:s3cret@h',
    'mysql://u:s3cret@h/db?flags=LOCAL_FILES',
    'redis://u:s3cret@h/0',
    'sqlite:',
    'u:s3cret@h',
    'postgres://u:s3cret%@h/db',
  ])('refuses %s without repeating it', (url) => {
    let thrown: unknown;
    try {
      databaseFromUrl(url);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(JSON.stringify([thrown, String(thrown)])).not.toContain('s3cret');
  });

  it.each([
    ['', false],
    ['?sslmode=disable', false],
    ['?sslmode=require', { rejectUnauthorized: false }],
    ['?sslmode=verify-full', true],
  ])('reads the TLS that "%s" asks for', (query, ssl) => {
    const url = `postgres://u@h/db${query}`;
    expect(parseConnectionUrl(url, ['postgres'], 5432)).toMatchObject({ host: 'h', database: 'db', ssl });
  });

  it.skipIf(!available.postgres)('does not go without the TLS that was asked for', async () => {
    const database = databaseFromUrl(`${postgresUrl}?sslmode=require`);
    const { rows } = await sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
      .execute(database.kysely)
      // A server without TLS is refused.
      .catch(() => ({ rows: [{ ssl: true }] }));
    expect(rows).toEqual([{ ssl: true }]);
    await database.close();
  });

  it.each(['postgres://u:s3cret@127.0.0.1:1/db', 'mysql://u:s3cret@127.0.0.1:1/db', 'sqlite:/nonexistent/folder/x.db'])(
    'says that %s is unavailable, without secrets',
    async (url) => {
      const database = databaseFromUrl(url);
      const thrown: unknown = await inTransaction(database, undefined, () => Promise.resolve()).catch(
        (error: unknown) => error,
      );
      expect(thrown).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(JSON.stringify([thrown, String(thrown)])).not.toContain('s3cret');
      await expect(migrate(database, coreMigrations)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await database.close();
    },
  );

  it('names the package that is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package 'pg' imported from /app/x.js"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const broken = new Error('the native binding does not fit');
    await expect(importDriver('pg', 'PostgreSQL', () => Promise.reject(missing))).rejects.toMatchObject({
      code: 'DRIVER_MISSING',
      details: { packageName: 'pg' },
    });
    await expect(importDriver('pg', 'PostgreSQL', () => Promise.reject(broken))).rejects.toBe(broken);
  });
});
