import { mysql, postgres, sqlite, type Database } from '@dotmac/core/kysely';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { closedPort } from '../../../core/test/net/listeners.js';
import { databaseTarget } from '../../src/index.js';
import { checksWith } from '../support/checking.js';
import { serving } from '../support/probing.js';

const check = (database: Database, timeout = 5) =>
  checksWith({ targets: { main: databaseTarget(database) } }).run({ serviceType: 'database', target: 'main', timeout });
const healthy = (dialect: string) => ({
  status: 'healthy',
  responseTime: expect.any(Number) as number,
  message: 'It answered as expected',
  details: { dialect, version: expect.stringMatching(/^\d+\.\d+/) as string },
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
    const started = performance.now();
    expect(await check(database, 0.3)).toMatchObject({ status: 'offline', message: 'No answer in time' });
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
