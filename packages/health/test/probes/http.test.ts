import type { Connector } from '@dotmac/core/net';
import { createConnector } from '@dotmac/core/net';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates, type Certificates, type KeyPair } from '../../../core/test/net/certificates.js';
import { closedPort } from '../../../../test/support/ports.js';
import { httpProbe } from '../../src/probes/http.js';
import { connectorKnowing, expectWithin, loopback, probed, serving } from '../support/probing.js';

const http = (context: Parameters<typeof probed>[1]) => probed(httpProbe(false), context);
const https = (context: Parameters<typeof probed>[1]) => probed(httpProbe(true), context);
const answering = (status: number): RequestListener => {
  return (_, response) => response.writeHead(status, { location: 'http://169.254.169.254/' }).end('body');
};
/** A server that says just this, once it was asked something, and keeps the connection open. */
const saying = (text: string) => (socket: Socket) => void socket.once('data', () => socket.write(text));

describe('an answer', () => {
  it.each([200, 204, 301, 401, 404, 499])('of HTTP %i is healthy', async (status) => {
    const { port } = await serving(createServer(answering(status)));
    expect(await http({ port })).toMatchObject({
      status: 'healthy',
      responseTimeMs: expect.any(Number) as number,
      message: `Answered HTTP ${status}`,
    });
  });

  it.each([500, 502, 503, 599])('of HTTP %i is critical', async (status) => {
    const { port } = await serving(createServer(answering(status)));
    expect(await http({ port })).toMatchObject({
      status: 'critical',
      responseTimeMs: expect.any(Number) as number,
      message: `Answered HTTP ${status}`,
    });
  });

  it('that comes later than expected is degraded', async () => {
    const { port } = await serving(createServer((_, response) => void setTimeout(() => response.end(), 150)));
    const { status, responseTimeMs, message } = await http({ port, expectedResponseTimeMs: 100 });
    expect([status, message]).toEqual(['degraded', 'Answered HTTP 200, slower than expected']);
    expect(responseTimeMs).toBeGreaterThanOrEqual(140);
  });

  it('is asked for with GET /, the host in its header, over a connection that is closed afterwards', async () => {
    const seen: unknown[] = [];
    const server = createServer(({ method, url, headers: { host } }, response) => {
      seen.push([method, url, host]);
      response.end();
    });
    const { port, accepted } = await serving(server);
    const connector = await connectorKnowing({ 'web.test': { a: ['127.0.0.1'] } });
    expect((await http({ host: 'web.test', port, connector })).status).toBe('healthy');
    expect(seen).toEqual([['GET', '/', `web.test:${port}`]]);
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it('has the parts of its time, which follow each other', async () => {
    const { port } = await serving(
      createServer((_, response) => {
        setTimeout(() => {
          response.write('half');
          setTimeout(() => response.end(' and half'), 40);
        }, 40);
      }),
    );
    const connector = await connectorKnowing({ 'web.test': { a: ['127.0.0.1'] } });
    const { responseTimeMs, phases = {} } = await http({ host: 'web.test', port, connector, config: { read: true } });
    const { dnsMs = NaN, connectMs = NaN, firstByteMs = NaN, transferMs = NaN, ...others } = phases;
    expect(others).toEqual({});
    expect(dnsMs).toBeGreaterThan(0);
    // A timer may fire a little early by the other clock.
    for (const waited of [firstByteMs, transferMs]) expect(waited).toBeGreaterThan(38);
    // Without the name before, and the body behind.
    expectWithin(responseTimeMs, [connectMs, firstByteMs]);

    const head = await http({ port });
    expect(Object.keys(head.phases ?? {}).sort()).toEqual(['connectMs', 'dnsMs', 'firstByteMs']);
    expectWithin(head.responseTimeMs, [head.phases?.connectMs ?? NaN, head.phases?.firstByteMs ?? NaN]);
  });

  it('is not waited for beyond its head: a body without end is no trouble', async () => {
    const { port } = await serving(
      createServer((_, response) => {
        response.write('and so on');
        const more = setInterval(() => response.write('and so on'), 5);
        response.on('close', () => clearInterval(more));
      }),
    );
    expect((await http({ port })).status).toBe('healthy');
  });

  it('may follow interim answers', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
    const { port } = await serving(createTcpServer(), undefined, saying(early));
    expect(await http({ port })).toMatchObject({ status: 'healthy', message: 'Answered HTTP 200' });
  });
});

describe('a server that speaks wrongly is critical', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a broken status line', 'HTTP/1.1 abc\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'x-filler: aaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2_000)}`],
    [
      'a change of protocol nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ],
  ])('with %s', async (_, text) => {
    const { port } = await serving(createTcpServer(), undefined, saying(text));
    expect(await http({ port, timeoutMs: 20_000 })).toEqual({
      status: 'critical',
      code: 'answer_malformed',
      responseTimeMs: null,
      message: 'The answer is not HTTP',
    });
  });

  it('when it hangs up without an answer', async () => {
    const { port } = await serving(
      createTcpServer(),
      undefined,
      (socket) => void socket.once('data', () => socket.end()),
    );
    expect((await http({ port })).status).toBe('critical');
  });
});

describe('a server that cannot be reached is offline', () => {
  it('when it refuses', async () => {
    expect(await http({ port: await closedPort() })).toMatchObject({ status: 'offline', responseTimeMs: null });
  });

  it('when it accepts and never answers', async () => {
    const { port, accepted } = await serving(createTcpServer());
    expect(await http({ port, timeoutMs: 300 })).toEqual({
      status: 'offline',
      code: 'timeout',
      responseTimeMs: null,
      message: 'No answer in time',
    });
    accepted[0]?.resume();
    await expect.poll(() => accepted[0]?.destroyed || accepted[0]?.readableEnded).toBe(true);
  });

  it('when it drips its answer for longer than the timeout', async () => {
    const { port } = await serving(createTcpServer(), undefined, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => socket.write('x: y\r\n'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    expect(await http({ port, timeoutMs: 400 })).toMatchObject({ status: 'offline', message: 'No answer in time' });
  });

  it('when its name does not exist', async () => {
    const connector = await connectorKnowing({});
    expect((await http({ host: 'gone.test', port: 80, connector })).status).toBe('offline');
  });
});

describe('trouble of our own is unknown', () => {
  it('when our DNS server fails', async () => {
    const connector = await connectorKnowing({ 'gw.test': { rcode: 'SERVFAIL' } });
    expect((await http({ host: 'gw.test', port: 80, connector })).status).toBe('unknown');
    expect((await https({ host: 'gw.test', port: 443, connector })).status).toBe('unknown');
  });

  it('when the check is stopped during the answer', async () => {
    const { port, accepted } = await serving(createTcpServer());
    const stop = new AbortController();
    const check = http({ port, signal: stop.signal });
    await expect.poll(() => accepted.length).toBe(1);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
  });

  it('when connecting there is denied', async () => {
    expect(await http({ host: '169.254.169.254', port: 80 })).toMatchObject({
      status: 'unknown',
      message: 'Connecting there is not allowed here',
    });
  });
});

describe('over https', () => {
  let certificates: Certificates;
  let trusting: Connector;

  beforeAll(() => {
    certificates = makeCertificates();
    const connector = createConnector({ policy: loopback });
    trusting = {
      ...connector,
      connect: (options) => connector.connect({ ...options, tls: { ...options.tls, ca: certificates.ca } }),
    };
  });
  const serve = (pair: KeyPair, listener = answering(200)) => serving(createHttpsServer(pair, listener));

  it('a valid certificate and a good answer are healthy, by name and by address', async () => {
    const { port } = await serve(certificates.good);
    for (const host of ['localhost', '127.0.0.1'])
      expect(await https({ host, port, connector: trusting })).toMatchObject({
        status: 'healthy',
        message: 'Answered HTTP 200',
      });
  });

  it('HTTP 500 is critical', async () => {
    const { port } = await serve(certificates.good, answering(500));
    expect((await https({ port, connector: trusting })).status).toBe('critical');
  });

  it('an expired certificate is critical', async () => {
    const { port } = await serve(certificates.expired);
    expect(await https({ port, connector: trusting })).toEqual({
      status: 'critical',
      code: 'certificate_expired',
      responseTimeMs: null,
      message: 'The certificate has expired',
    });
  });

  it('a certificate for another name is critical', async () => {
    const { port } = await serve(certificates.other);
    expect(await https({ port, connector: trusting })).toMatchObject({
      status: 'critical',
      message: 'The certificate is not valid for this host',
    });
  });

  it('a certificate of an authority that nobody knows is critical, and nothing is sent', async () => {
    let asked = 0;
    const { port } = await serve(certificates.good, (_, response) => void (asked++, response.end()));
    expect(await https({ port })).toMatchObject({
      status: 'critical',
      message: 'The certificate is not valid for this host',
    });
    expect(asked).toBe(0);
  });

  it('a server that speaks plain HTTP is critical', async () => {
    const { port } = await serving(createServer(answering(200)));
    expect(await https({ port, connector: trusting })).toMatchObject({
      status: 'critical',
      message: 'The TLS handshake failed',
    });
  });

  it('a server that never shakes hands is offline', async () => {
    const { port } = await serving(createTcpServer());
    expect(await https({ port, timeoutMs: 300 })).toMatchObject({ status: 'offline', message: 'No answer in time' });
  });
});

describe('plain HTTP to a TLS port', () => {
  it('is critical', async () => {
    const { port } = await serving(createHttpsServer(makeCertificates().good, answering(200)));
    expect((await http({ port })).status).toBe('critical');
  });
});

describe('what the other side makes up', () => {
  const naming = (headers: Record<string, string>): RequestListener => {
    return (_, response) => response.writeHead(200, headers).end('body');
  };

  it.each(['constructor', '__proto__', 'zstd'])('as an encoding is no trouble of ours: %s', async (encoding) => {
    const { port } = await serving(createServer(naming({ 'content-encoding': encoding })));
    expect(await http({ port, config: { read: true } })).toMatchObject({ status: 'healthy' });
  });

  it.each(['http://a..b/', `http://${'a'.repeat(300)}/`, 'http://-a.test/', 'http://127.0.0.1:0/'])(
    'as the host of a redirect is its own: %.30s',
    async (location) => {
      const { port } = await serving(createServer((_, response) => response.writeHead(302, { location }).end()));
      expect(await http({ port, config: { redirects: 1 } })).toMatchObject({
        status: 'critical',
        message: 'The redirect leads nowhere',
      });
    },
  );

  it('as a packed body without content is not read for ever', async () => {
    const { port, accepted } = await serving(createTcpServer(), undefined, (socket) => {
      // The header of a gzip file that tells its name, and goes on telling it.
      const head = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]);
      const more = (): void => {
        while (!socket.destroyed && socket.write('a'.repeat(65_536)));
      };
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n');
        socket.on('drain', more).write(head);
        more();
      });
    });
    expect(await http({ port, config: { read: true, limit: 100 } })).toMatchObject({
      status: 'critical',
      message: 'The body cannot be read',
    });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
    expect(accepted[0]?.bytesWritten).toBeLessThan(32 * 2 ** 20);
  });
});

describe('the size of a body', () => {
  it('is there for conditions when it is read, in bytes', async () => {
    const { port } = await serving(createServer((_, response) => void response.end('grün')));
    const conditions = [{ on: 'size', op: 'eq', value: 5, severity: 'critical' } as const];
    expect(await http({ port, config: { read: true }, conditions })).toMatchObject({ status: 'healthy' });
    expect(await http({ port, conditions })).toMatchObject({ status: 'critical' });
  });
});

describe('a redirect', () => {
  it('that makes a request GET takes what was said of its body away', async () => {
    const seen: unknown[] = [];
    const { port } = await serving(
      createServer(({ url, headers }, response) => {
        seen.push([headers['content-type'], headers['x-ask']]);
        response.writeHead(url === '/' ? 303 : 200, { location: '/next' }).end();
      }),
    );
    const headers = { 'Content-Type': 'text/plain', 'X-Ask': 'yes' };
    await http({ port, config: { method: 'POST', body: 'x', headers, redirects: 1 } });
    expect(seen).toEqual([
      ['text/plain', 'yes'],
      [undefined, 'yes'],
    ]);
  });

  it('to another origin shows no certificate of ours there, and asks for its own name', async () => {
    const { ca, good, other } = makeCertificates();
    const shown: boolean[] = [];
    const asking = { ca, requestCert: true, rejectUnauthorized: false };
    const answer = (status: number, location: string) =>
      serving(
        createHttpsServer({ ...asking, ...(status === 302 ? other : good) }, ({ socket }, response) => {
          shown.push(
            'getPeerCertificate' in socket && Object.keys((socket as TLSSocket).getPeerCertificate()).length > 0,
          );
          response.writeHead(status, { location }).end();
        }),
      );
    const away = await answer(204, '');
    const { port } = await answer(302, `https://localhost:${away.port}/`);
    const tls = { ca, servername: 'other.test', cert: good.cert, key: good.key };
    expect(await https({ port, config: { redirects: 1, tls } })).toMatchObject({ message: 'Answered HTTP 204' });
    expect(shown).toEqual([true, false]);
  });
});

describe('a setting', () => {
  it.each([
    { headers: { 'Keep-Alive': 'timeout=5' } },
    { headers: { 'Proxy-Connection': 'close' } },
    { headers: { AUTHORIZATION: 'Bearer x' } },
    { status: ['299-200'] },
    { auth: { username: 'a:b', password: 'c' } },
  ])('is refused when it cannot be meant: %j', (config) => {
    expect(httpProbe(false).config.safeParse(config).success).toBe(false);
  });
});
