import { mysql, postgres, sqlite, type Database } from '@dotmac/core/kysely';
import { createPool as createPromisePool } from 'mysql2/promise';
import { createPool } from 'mysql2';
import { createServer } from 'node:net';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { closedPort } from '../../../../test/support/ports.js';
import { makeCertificates } from '../../../core/test/net/certificates.js';
import { postgresShowing } from '../../../core/test/net/postgres-showing.js';
import { databaseTarget } from '../../src/index.js';
import type { ConnectionPool } from '../../src/service-checks/database.js';
import { checksWith } from '../support/checking.js';
import { serving } from '../support/probing.js';

const check = (database: Database, timeout = 5, pool?: ConnectionPool) => {
  const targets = { main: databaseTarget(database, { ...(pool && { pool }) }) };
  return checksWith({ targets }).run({ serviceType: 'database', target: 'main', timeout });
};
const healthy = (dialect: string) => ({
  status: 'healthy',
  code: 'ok',
  responseTime: expect.any(Number) as number,
  message: 'It answered as expected',
  details: {
    dialect,
    version: expect.stringMatching(/^\d+\.\d+/) as string,
    acquire_wait_ms: expect.any(Number) as number,
  },
});
function opened(database: Database): Database {
  onTestFinished(() => database.close());
  return database;
}

describe('a SQLite database', () => {
  it('is healthy, with its version', async () => {
    expect(await check(opened(sqlite(':memory:')))).toEqual(healthy('sqlite'));
  });

  it('is not healthy once it was closed', async () => {
    const database = sqlite(':memory:');
    await check(database);
    await database.close();
    const { status, details } = await check(database);
    expect(['offline', 'critical']).toContain(status);
    expect(details).toEqual({});
  });
});

it('a database whose certificate has expired is critical, and tells so', async () => {
  const { ca, expired } = makeCertificates();
  const { port, close } = await postgresShowing(expired);
  onTestFinished(close);
  const { status, code } = await check(opened(postgres(`postgres://u:p@localhost:${port}/app`, { ssl: { ca } })));
  expect([status, code]).toEqual(['critical', 'certificate_expired']);
});

describe.skipIf(!available.postgres)('a PostgreSQL database (needs PostgreSQL: npm run services)', () => {
  it('is healthy, with its version', async () => {
    const { url, drop } = await freshPostgres();
    onTestFinished(drop);
    expect(await check(opened(postgres(url)))).toEqual(healthy('postgres'));
  });

  it('is critical when the login is refused', async () => {
    const { url, drop } = await freshPostgres();
    onTestFinished(drop);
    const wrong = new URL(url);
    [wrong.username, wrong.password] = ['nobody', 'hunter2'];
    const answer = await check(opened(postgres(wrong.href)));
    expect([answer.status, answer.message]).toEqual(['critical', 'The database answered with an error']);
    expect(JSON.stringify(answer)).not.toMatch(/hunter2|nobody/);
  });

  it('is critical when the database is gone', async () => {
    const { url, drop } = await freshPostgres();
    await drop();
    const { status, message } = await check(opened(postgres(url)));
    expect([status, message]).toEqual(['critical', 'The database answered with an error']);
  });
});

describe.skipIf(!available.mysql)('a MariaDB database (needs MariaDB: npm run services)', () => {
  it('is healthy, with its version', async () => {
    const { url, drop } = await freshMysql();
    onTestFinished(drop);
    expect(await check(opened(mysql(url)))).toEqual(healthy('mysql'));
  });

  it('is critical when the login is refused', async () => {
    const { url, drop } = await freshMysql();
    onTestFinished(drop);
    const wrong = new URL(url);
    [wrong.username, wrong.password] = ['nobody', 'hunter2'];
    const answer = await check(opened(mysql(wrong.href)));
    expect([answer.status, answer.message]).toEqual(['critical', 'The database answered with an error']);
    expect(JSON.stringify(answer)).not.toMatch(/hunter2|nobody/);
  });

  it('is critical when the database is gone', async () => {
    const { url, drop } = await freshMysql();
    await drop();
    const { status, message } = await check(opened(mysql(url)));
    expect([status, message]).toEqual(['critical', 'The database answered with an error']);
  });
});

describe.each([
  ['PostgreSQL', 'postgres', postgres],
  ['MariaDB', 'mysql', mysql],
] as const)('a %s server', (_, scheme, open) => {
  it('that refuses is offline', async () => {
    const database = opened(open(`${scheme}://someone:hunter2@127.0.0.1:${await closedPort()}/main`));
    const answer = await check(database);
    expect(answer).toEqual({
      status: 'offline',
      code: 'no_answer',
      responseTime: null,
      message: expect.any(String) as string,
      details: {},
    });
    expect(JSON.stringify(answer)).not.toMatch(/hunter2|someone/);
  });

  it('that accepts and never answers is offline when the time is up', async () => {
    const { port } = await serving(createServer());
    const database = open(`${scheme}://someone:hunter2@127.0.0.1:${port}/main`);
    onTestFinished(() => void database.close().catch(() => undefined));
    expect(await check(database, 0.3)).toMatchObject({ status: 'offline', message: 'No answer in time' });
  });
});

/** A pool of one connection, and a database on it. */
interface Single {
  database: Database;
  pool: ConnectionPool;
  /** How many wait for it. */
  waiting: () => number;
}
const postgresPool = (url: string, connectionTimeoutMillis = 0): Single => {
  const pool = new Pool({ connectionString: url, max: 1, connectionTimeoutMillis });
  // The database is dropped while the last connection is being closed.
  pool.on('error', () => undefined).on('connect', (client) => void client.on('error', () => undefined));
  onTestFinished(() => pool.end());
  return { database: postgres(pool), pool, waiting: () => pool.waitingCount };
};
const mysqlPool = (url: string, acquireTimeoutMs = 5_000): Single => {
  const pool = createPool({ uri: url, connectionLimit: 1 });
  onTestFinished(() => pool.promise().end());
  const { _connectionQueue: queue } = pool as unknown as { _connectionQueue: { length: number } };
  return { database: mysql(pool, { acquireTimeoutMs }), pool, waiting: () => queue.length };
};

describe.each([
  ['PostgreSQL', available.postgres, freshPostgres, postgresPool],
  ['MariaDB', available.mysql, freshMysql, mysqlPool],
] as const)('a pool of one connection to %s', (name, present, fresh, single) => {
  /** Takes the connection until the function returned is called; `begun` when it is taken. */
  const hold = async ({ database }: Single): Promise<() => Promise<void>> => {
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    let held: Promise<void> | undefined;
    await new Promise<void>((taken, failed) => {
      held = database.kysely.connection().execute(() => {
        taken();
        return until;
      });
      held.catch(failed);
    });
    return async () => {
      release();
      await held;
    };
  };

  it.skipIf(!present)(`shows how it is used, and how long the check waited (needs ${name})`, async () => {
    const { url, drop } = await fresh();
    onTestFinished(drop);
    const one = single(url);
    await check(one.database);
    const started = performance.now();
    const free = await check(one.database, 20, one.pool);
    const tookMs = performance.now() - started;
    expect(free).toMatchObject({
      status: 'healthy',
      details: { pool_size: 1, pool_in_use: 0, pool_waiting: 0, pool_saturation: 0 },
    });
    expect(free.details['acquire_wait_ms']).toBeLessThanOrEqual(tookMs);

    const release = await hold(one);
    const waiter = hold(one);
    const checking = check(one.database, 20, one.pool);
    // From when it waits until it need not: so long at the least.
    await expect.poll(one.waiting).toBe(2);
    const waitsFrom = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const waitedMs = performance.now() - waitsFrom;
    await release();
    await (
      await waiter
    )();
    const busy = await checking;
    expect(busy).toMatchObject({
      status: 'healthy',
      details: { pool_size: 1, pool_in_use: 1, pool_waiting: 1, pool_saturation: 1 },
    });
    expect(busy.details['acquire_wait_ms']).toBeGreaterThanOrEqual(Math.floor(waitedMs));
    expect(busy.responseTime).toBeGreaterThanOrEqual(Math.floor(waitedMs) / 1_000);
  });

  it.skipIf(!present)(`is offline in clear words when none comes free in time (needs ${name})`, async () => {
    const { url, drop } = await fresh();
    onTestFinished(drop);
    const one = single(url, 300);
    const release = await hold(one);
    const message = 'Every connection of the pool is in use';
    expect(await check(one.database, 5, one.pool)).toMatchObject({ status: 'offline', message, details: {} });
    await release();
    expect(await check(one.database, 5, one.pool)).toMatchObject({ status: 'healthy' });
  });

  it.skipIf(!present)(`is not asked any more by a check that was given up (needs ${name})`, async () => {
    const { url, drop } = await fresh();
    onTestFinished(drop);
    const one = single(url);
    const release = await hold(one);
    expect(await check(one.database, 0.1, one.pool)).toMatchObject({ status: 'offline', message: 'No answer in time' });
    await release();
    const { status, details } = await check(one.database, 5, one.pool);
    expect([status, details['pool_size']]).toEqual(['healthy', 1]);
  });
});

describe('a pool', () => {
  it.skipIf(!available.mysql)('of promises is read as the one of callbacks under it (needs MariaDB)', async () => {
    const { url, drop } = await freshMysql();
    onTestFinished(drop);
    const pool = createPromisePool({ uri: url, connectionLimit: 3 });
    onTestFinished(() => pool.end());
    const { details } = await check(opened(mysql(pool.pool)), 5, pool);
    expect(details).toMatchObject({ pool_size: 3, pool_in_use: 0, pool_waiting: 0, pool_saturation: 0 });
  });

  it.each([
    {},
    { pool: null },
    { totalCount: 'many', idleCount: 1 },
    { _allConnections: null, config: 7 },
    { pool: { _allConnections: { length: 2 } } },
  ])('that does not show how it is used has no such facts (%j)', async (pool) => {
    const { status, details } = await check(opened(sqlite(':memory:')), 5, pool);
    expect([status, Object.keys(details)]).toEqual(['healthy', ['dialect', 'version', 'acquire_wait_ms']]);
  });
});
