import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createConnection } from 'mysql2/promise';
import { Redis } from 'ioredis';
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { available, freshMysql, freshPostgres, redisUrl } from '../../../../test/support/services.js';
import { makeCertificates, type Certificates, type KeyPair } from '../../../core/test/net/certificates.js';
import { mysqlGreeting } from '../../../core/test/net/mysql-greeting.js';
import { closedPort } from '../../../../test/support/ports.js';
import { mysqlProbe, postgresProbe, redisServerProbe } from '../../src/probes/database-server.js';
import type { AnyProbe } from '../../src/probes/probe.js';
import { probed, serving, type Probing } from '../support/probing.js';

const probes: Record<string, AnyProbe> = { postgres: postgresProbe, mysql: mysqlProbe, redis: redisServerProbe };
const refused = 'The service refused the login or the query';

/** A server's address, and who is known there, as an endpoint has them. */
function at(url: string, login?: { username: string; password: string }): Probing {
  const { hostname: host, port, username, password, pathname } = new URL(url);
  const auth = login ?? { username: decodeURIComponent(username), ...(password && { password }) };
  return { host, port: Number(port), config: { auth, database: pathname.slice(1) } };
}
const someName = (): string => `u${randomBytes(6).toString('hex')}`;

describe.each(Object.entries(probes))('a %s server', (name, probe) => {
  let certificates: Certificates;
  beforeAll(() => void (certificates = makeCertificates()));

  it('that is not there is offline', async () => {
    expect(await probed(probe, { port: await closedPort() })).toMatchObject({
      status: 'offline',
      message: 'The connection was refused',
    });
  });

  it('that never answers is offline when the time is up, and is hung up on', async () => {
    const { port, accepted } = await serving(createServer(), undefined, (socket) => void socket.resume());
    const result = await probed(probe, { port, timeoutMs: 400 });
    expect(result).toMatchObject({ status: 'offline', message: 'No answer in time' });
    await expect.poll(() => accepted[0]?.closed || accepted[0]?.readableEnded).toBe(true);
  });

  it('that is none is not healthy, and its words stay there', async () => {
    const greet = (socket: Socket) => void socket.end('HTTP/1.1 400 hunter3\r\n\r\n');
    const { port } = await serving(createServer(), undefined, greet);
    const answer = await probed(probe, { port, timeoutMs: 20_000 });
    expect(['offline', 'critical']).toContain(answer.status);
    expect(JSON.stringify(answer)).not.toContain('hunter3');
  });

  describe.each(['in the open', 'over TLS'])('%s', (how) => {
    /** One who says something of the kind that is wanted, and goes on as the test does. */
    async function saying(play: (socket: Socket) => void) {
      const { key, cert } = certificates.good;
      const { port, accepted } = await serving(createServer(), undefined, (socket) => {
        socket.on('error', () => undefined);
        if (how === 'in the open') return play(socket);
        const secure = () => play(new TLSSocket(socket, { isServer: true, key, cert }).on('error', () => undefined));
        if (name === 'redis') return secure();
        if (name === 'mysql') socket.write(mysqlGreeting());
        socket.once('readable', () => {
          socket.read({ postgres: 8, mysql: 36 }[name]);
          if (name === 'postgres') socket.write('S');
          secure();
        });
      });
      const config = how === 'over TLS' ? { tls: { ca: certificates.ca, servername: 'localhost' } } : {};
      const { status, code } = await probed(probe, { port, config, timeoutMs: 20_000 });
      return { found: [status, code], sent: accepted[0]?.bytesWritten };
    }

    it('that never stops answering is wrong, and is hung up on', async () => {
      // As long as a message may be.
      const begins = { postgres: 'R\x7f\xff\xff\xff', mysql: '\xff\xff\xff\0', redis: '$536870912\r\n' }[name] ?? '';
      const { found, sent } = await saying((socket) => {
        const flood = (): void => {
          while (socket.writable && socket.write('x'.repeat(65_536)));
        };
        socket.on('drain', flood).write(begins, 'latin1');
        flood();
      });
      expect(found).toEqual(['critical', 'answer_too_long']);
      expect(sent).toBeLessThan(2 ** 26);
    });

    it('that says what no driver can read is wrong, and does this process no harm', async () => {
      const torn = { postgres: 'R\0\0\0\x04', mysql: '\x01\0\0\0\x0a', redis: '*-5\r\n$-7\r\n:x\r\n' }[name] ?? '';
      // Twice: the first may be read.
      const { found } = await saying((socket) => void socket.write(torn + torn, 'latin1'));
      expect(found).toEqual(['critical', 'answer_malformed']);
    });

    it('that announces more than anybody asked for is wrong, and nothing is set aside for it', async () => {
      const announced = { postgres: 'T\0\0\0\x06\xff\xff', mysql: '\x01\0\0\0\x0a', redis: '*16000\r\n' }[name] ?? '';
      const { found } = await saying((socket) => void socket.write(announced.repeat(500), 'latin1'));
      expect(found).toEqual(['critical', 'answer_malformed']);
    });
  });

  it(`in a place that is not allowed is not asked (${name})`, async () => {
    expect(await probed(probe, { host: '10.0.0.1', port: 4_000 })).toMatchObject({
      status: 'unknown',
      message: 'Connecting there is not allowed here',
    });
  });
});

describe.skipIf(!available.postgres)('PostgreSQL (needs PostgreSQL: npm run services)', () => {
  it('is healthy, tells its version and how long each part took', async () => {
    const { url, drop } = await freshPostgres();
    onTestFinished(drop);
    const conditions = [{ on: 'version', op: 'exists' as const, value: true, severity: 'critical' as const }];
    const { responseTimeMs, phases, ...result } = await probed(postgresProbe, { ...at(url), conditions });
    expect(result).toMatchObject({ status: 'healthy', message: 'Logged in, and it answered' });
    expect(responseTimeMs).toBeGreaterThanOrEqual((phases?.connectMs ?? NaN) + (phases?.firstByteMs ?? NaN) - 0.01);
  });

  it('is critical for somebody whom it does not know', async () => {
    const { url, drop } = await freshPostgres();
    onTestFinished(drop);
    const result = await probed(postgresProbe, at(url, { username: someName(), password: 'hunter2' }));
    expect(result).toMatchObject({
      status: 'critical',
      message: refused,
      responseTimeMs: expect.any(Number) as number,
    });
  });
});

describe.skipIf(!available.mysql)('MariaDB (needs MariaDB: npm run services)', () => {
  it('is healthy with the right password, and critical with a wrong one', async () => {
    const { url, drop } = await freshMysql();
    const username = someName();
    const admin = await createConnection(url);
    onTestFinished(async () => {
      await admin.query(`drop user if exists ${username}@'%'`);
      await admin.end();
      await drop();
    });
    await admin.query(`create user ${username}@'%' identified by 'right'`);
    await admin.query(`grant select on ${new URL(url).pathname.slice(1)}.* to ${username}@'%'`);
    expect(await probed(mysqlProbe, at(url, { username, password: 'right' }))).toMatchObject({ status: 'healthy' });
    expect(await probed(mysqlProbe, at(url, { username, password: 'wrong' }))).toMatchObject({
      status: 'critical',
      message: refused,
    });
  });
});

describe.skipIf(!available.redis)('Redis (needs Redis: npm run services)', () => {
  it('is healthy, with facts that conditions can speak of, and critical for a wrong password', async () => {
    const { host, port } = at(redisUrl);
    const role = { on: 'role', op: 'eq' as const, value: 'master', severity: 'critical' as const };
    expect(await probed(redisServerProbe, { host, port, config: { database: 3 }, conditions: [role] })).toMatchObject({
      status: 'healthy',
    });
    const [admin, username] = [new Redis(redisUrl), someName()];
    onTestFinished(async () => {
      await admin.acl('DELUSER', username);
      admin.disconnect();
    });
    await admin.acl('SETUSER', username, 'on', '>right', '~*', '+@all');
    const asking = (password: string) =>
      probed(redisServerProbe, { host, port, config: { auth: { username, password } } });
    expect(await asking('right')).toMatchObject({ status: 'healthy' });
    expect((await asking('wrong')).status).toBe('critical');
  });
});

describe('a login', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('without a password is not helped out with one of this process’s own', async () => {
    vi.stubEnv('PGPASSWORD', 'hunter2');
    vi.stubEnv('PGUSER', 'someone');
    const heard: string[] = [];
    const { port } = await serving(createServer(), undefined, (socket) => {
      socket.on('data', (data) => {
        // Asked for in clear, whatever is there would be sent.
        if (heard.push(data.toString('latin1')) === 1) socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
        else socket.end();
      });
    });
    expect((await probed(postgresProbe, { port })).status).toBe('critical');
    expect(heard).toHaveLength(2);
    expect(heard.join()).not.toMatch(/hunter2|someone/);
  });
});

describe('a server’s certificate', () => {
  let certificates: Certificates;
  beforeAll(() => void (certificates = makeCertificates()));

  /** Agrees on TLS as the protocol does, shows a certificate, and notes what comes then. */
  async function showing(protocol: 'postgres' | 'mysql', { key, cert }: KeyPair) {
    const heard: string[] = [];
    const { port } = await serving(createServer(), undefined, (socket) => {
      if (protocol === 'mysql') socket.write(mysqlGreeting());
      socket.once('readable', () => {
        // The MySQL client does not wait for an answer: what follows its request is the beginning of TLS.
        socket.read({ postgres: 8, mysql: 36 }[protocol]);
        if (protocol === 'postgres') socket.write('S');
        const secured = new TLSSocket(socket, { isServer: true, key, cert });
        secured.on('error', () => undefined);
        secured.on('data', (data) => {
          heard.push(data.toString('latin1'));
          secured.destroy();
        });
      });
    });
    return { port, heard };
  }

  it.each(['postgres', 'mysql'] as const)('is looked at before anything is said (%s)', async (protocol) => {
    const { ca, good, other } = certificates;
    const said = async (pair: KeyPair, tls: object) => {
      const { port, heard } = await showing(protocol, pair);
      const config = { auth: { username: 'someone', password: 'hunter2' }, tls };
      const { code } = await probed(probes[protocol] as AnyProbe, { port, config, timeoutMs: 20_000 });
      return heard.some((text) => text.includes('someone')) ? 'said' : code;
    };
    const servername = 'localhost';
    expect(await said(good, { ca, servername })).toBe('said');
    expect(await said(other, { ca, servername: 'other.test' })).toBe('said');
    expect(await said(other, { verify: false })).toBe('said');
    // Of another's name, and of nobody's whom we know.
    expect(await said(other, { ca, servername })).toBe('certificate_invalid');
    expect(await said(good, { servername })).toBe('certificate_invalid');
    expect(await said(certificates.expired, { ca, servername })).toBe('certificate_expired');
  });

  it('is not blamed for a MySQL server that does not get to TLS', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => {
      socket.write(mysqlGreeting());
      socket.once('readable', () => {
        socket.read(36);
        socket.end('this is no TLS at all');
      });
    });
    const config = { auth: { username: 'someone' }, tls: { ca: certificates.ca, servername: 'localhost' } };
    const { code } = await probed(mysqlProbe, { port, config, timeoutMs: 20_000 });
    expect(code).toBe('tls_failed');
  });

  it('of an address is looked at by PostgreSQL’s driver, and not trusted to MySQL’s', async () => {
    const { ca, good, other } = certificates;
    const run = async (protocol: 'postgres' | 'mysql', pair: KeyPair) => {
      const { port, heard } = await showing(protocol, pair);
      const config = { auth: { username: 'someone' }, tls: { ca } };
      const { status } = await probed(probes[protocol] as AnyProbe, { port, config, timeoutMs: 20_000 });
      return { status, said: heard.length > 0 };
    };
    expect((await run('postgres', good)).said).toBe(true);
    expect((await run('postgres', other)).said).toBe(false);
    expect(await run('mysql', good)).toEqual({ status: 'unknown', said: false });
  });
});
