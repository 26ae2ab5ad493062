import { Redis } from 'ioredis';
import { createServer, type Socket } from 'node:net';
import { Client } from 'pg';
import { createConnection } from 'mysql2/promise';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available, freshMysql, freshPostgres, redisUrl } from '../../../../test/support/services.js';
import { closedPort } from '../../../../test/support/ports.js';
import { checksWith } from '../support/checking.js';
import { serving } from '../support/probing.js';

const checks = checksWith({ adHocTargets: { egress: { allow: ['loopback'] } } });
const typeOf = (url: string) => (url.startsWith('redis') ? 'redis' : 'database');
const check = (connectionString: string, timeout = 5) =>
  checks.run({ serviceType: typeOf(connectionString), connectionString, timeout });
/** The URL with another user and password. */
function as(url: string, user: string, password: string): string {
  const changed = new URL(url);
  [changed.username, changed.password] = [user, password];
  return changed.href;
}
const schemes = ['postgres', 'mysql', 'redis'] as const;

describe('a connection string', () => {
  it('is refused where the host has not opted in', async () => {
    const connectionString = 'postgres://someone:hunter2@127.0.0.1/main';
    const refusal = checksWith().run({ serviceType: 'database', connectionString });
    await expect(refusal).rejects.toMatchObject({ code: 'AD_HOC_TARGETS_DISABLED' });
    await expect(refusal).rejects.not.toThrow(/hunter2|someone/);
  });

  it.each([
    ['no URL', 'hunter2'],
    ['another scheme', 'http://someone:hunter2@127.0.0.1/'],
    ['two hosts', 'postgres://someone:hunter2@127.0.0.1,10.0.0.1/main'],
    ['a parameter that opens another way', 'postgres://someone:hunter2@127.0.0.1/main?host=/var/run/postgresql'],
    ['a service of another type', 'redis://:hunter2@127.0.0.1'],
  ])('that is %s is invalid, and never repeated', async (_, connectionString) => {
    const error: unknown = await checks.run({ serviceType: 'database', connectionString }).catch((it: unknown) => it);
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
    const { message, details } = error as { message: string; details: unknown };
    expect(JSON.stringify([message, details, { ...(error as object) }])).not.toMatch(/hunter2|someone/);
  });

  it.each(schemes)('towards a network that the host has not allowed is not followed (%s)', async (scheme) => {
    for (const host of ['10.0.0.1', '169.254.169.254', '8.8.8.8'])
      expect(await check(`${scheme}://someone:hunter2@${host}/0`)).toEqual({
        status: 'unknown',
        code: 'egress_denied',
        responseTime: null,
        message: 'Connecting there is not allowed here',
        details: {},
      });
  });
});

describe.each(schemes)('a %s server', (scheme) => {
  const to = (port: number, timeout = 5) => check(`${scheme}://someone:hunter2@127.0.0.1:${port}/0`, timeout);

  it('that refuses is offline', async () => {
    expect(await to(await closedPort())).toEqual({
      status: 'offline',
      code: 'connection_refused',
      responseTime: null,
      message: 'The connection was refused',
      details: {},
    });
  });

  it('that accepts and never answers is offline when the time is up, and is hung up on', async () => {
    const { port, accepted } = await serving(createServer(), undefined, (socket) => void socket.resume());
    expect(await to(port, 0.4)).toMatchObject({ status: 'offline', message: 'No answer in time' });
    await expect.poll(() => accepted[0]?.closed || accepted[0]?.readableEnded).toBe(true);
  });

  it('that speaks another protocol is not healthy, and its words stay there', async () => {
    const greet = (socket: Socket) => void socket.write('HTTP/1.1 400 hunter3\r\n\r\n');
    const { port } = await serving(createServer(), undefined, greet);
    const answer = await to(port, 2);
    // PostgreSQL and MySQL read a length out of it, and wait for that many bytes.
    expect(['offline', 'critical']).toContain(answer.status);
    expect(JSON.stringify(answer)).not.toMatch(/hunter|someone/);
  });

  it.each([
    ['hangs up', (socket: Socket) => void socket.end()],
    ['resets the connection', (socket: Socket) => void socket.resetAndDestroy()],
  ])('that %s at once is offline', async (_, end) => {
    const { port } = await serving(createServer(), undefined, end);
    const message = 'The connection was closed';
    expect(await to(port, 20)).toMatchObject({ status: 'offline', code: 'connection_closed', message });
  });

  it('whose check the caller gives up is unknown', async () => {
    const { port, accepted } = await serving(createServer());
    const stop = new AbortController();
    const connectionString = `${scheme}://someone:hunter2@127.0.0.1:${port}/0`;
    const pending = checks.run({ serviceType: typeOf(scheme), connectionString, timeout: 20 }, stop.signal);
    await expect.poll(() => accepted.length).toBe(1);
    stop.abort();
    expect(await pending).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
  });
});

describe.skipIf(!available.postgres)('PostgreSQL by connection string (needs PostgreSQL: npm run services)', () => {
  it('is healthy, with its version', async () => {
    const { url, drop } = await freshPostgres();
    onTestFinished(drop);
    expect(await check(url)).toMatchObject({ status: 'healthy', details: { dialect: 'postgres' } });
  });

  it('is critical for a login that does not exist, and keeps it to itself', async () => {
    const { url, drop } = await freshPostgres();
    onTestFinished(drop);
    const answer = await check(as(url, 'someone', 'hunter2'));
    expect(answer).toEqual({
      status: 'critical',
      code: 'service_refused',
      responseTime: null,
      message: 'The service refused the login or the query',
      details: {},
    });
  });

  it('leaves no connection behind', async () => {
    const { url, drop } = await freshPostgres();
    onTestFinished(drop);
    for (let times = 0; times < 3; times++) await check(url);
    const client = new Client({ connectionString: url });
    await client.connect();
    onTestFinished(() => client.end());
    const others = `select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
    await expect.poll(async () => (await client.query<{ count: number }>(others)).rows[0]?.count).toBe(0);
  });
});

describe.skipIf(!available.mysql)('MariaDB by connection string (needs MariaDB: npm run services)', () => {
  it('is healthy with the right password, critical with a wrong one', async () => {
    const { url, drop } = await freshMysql();
    const user = `u${Date.now().toString(36)}`;
    const admin = await createConnection(url);
    onTestFinished(async () => {
      await admin.query(`drop user if exists ${user}@'%'`);
      await admin.end();
      await drop();
    });
    await admin.query(`create user ${user}@'%' identified by 'right'`);
    await admin.query(`grant all on ${new URL(url).pathname.slice(1)}.* to ${user}@'%'`);
    expect(await check(as(url, user, 'right'))).toMatchObject({ status: 'healthy', details: { dialect: 'mysql' } });
    const answer = await check(as(url, user, 'hunter2'));
    expect(answer).toEqual({
      status: 'critical',
      code: 'service_refused',
      responseTime: null,
      message: 'The service refused the login or the query',
      details: {},
    });
  });
});

describe.skipIf(!available.redis)('Redis by connection string (needs Redis: npm run services)', () => {
  it('is healthy without a password where none is asked for', async () => {
    expect(await check(redisUrl)).toMatchObject({ status: 'healthy', details: { role: 'master' } });
  });

  it('is critical with a wrong password', async () => {
    const user = `u${Date.now().toString(36)}`;
    const admin = new Redis(redisUrl);
    onTestFinished(async () => {
      await admin.call('ACL', 'DELUSER', user);
      admin.disconnect();
    });
    await admin.call('ACL', 'SETUSER', user, 'on', '>right', '~*', '+@all');
    expect(await check(as(redisUrl, user, 'right'))).toMatchObject({ status: 'healthy' });
    const answer = await check(as(redisUrl, user, 'hunter2'));
    const message = 'The service refused the login or the query';
    expect(answer).toMatchObject({ status: 'critical', code: 'service_refused', message, details: {} });
    expect(JSON.stringify(answer)).not.toMatch(/hunter2/);
  });
});

it('does not show what a rogue PostgreSQL says in place of its version', async () => {
  const message = (type: string, ...parts: (Buffer | string)[]): Buffer => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const [ready, said] = [message('Z', 'I'), Buffer.alloc(70_000, 'x')];
  const size = Buffer.alloc(4);
  size.writeInt32BE(said.length);
  // One column of text.
  const column = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
  const answer = Buffer.concat([
    message('T', Buffer.from([0, 1]), 'version\0', column),
    message('D', Buffer.from([0, 1]), size, said),
    message('C', 'SELECT 1\0'),
    ready,
  ]);
  const brag = (socket: Socket): void => {
    let isIn = false;
    socket.on('data', (asked) => {
      if (!isIn) socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]));
      else if (asked[0] === 'Q'.charCodeAt(0)) socket.write(answer);
      isIn = true;
    });
  };
  const { port } = await serving(createServer(), undefined, brag);
  expect(await check(`postgres://someone:hunter2@127.0.0.1:${port}/main`)).toMatchObject({
    status: 'healthy',
    details: { dialect: 'postgres', version: null },
  });
});
