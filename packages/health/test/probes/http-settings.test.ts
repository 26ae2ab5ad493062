import { createConnector, type Connector } from '@dotmac/core/net';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../core/test/net/certificates.js';
import { condition, type Condition } from '../../src/conditions/condition.js';
import { httpProbe } from '../../src/probes/http.js';
import { connectorKnowing, loopback, probed, serving, type Probing } from '../support/probing.js';

const http = (probing: Probing) => probed(httpProbe(false), probing);
const https = (probing: Probing) => probed(httpProbe(true), probing);
const needs = (...conditions: Parameters<typeof condition.parse>[0][]): Condition[] =>
  conditions.map((it) => condition.parse(it));

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server that notes what it was asked. */
async function noting(answer: RequestListener = (_, response) => void response.end('ok')) {
  const seen: Seen[] = [];
  const { port } = await serving(
    createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => (body += part));
      request.on('end', () => {
        seen.push({ method: request.method, url: request.url, headers: request.headers, body });
        answer(request, response);
      });
    }),
  );
  return { port, seen };
}

describe('a request', () => {
  it('has the method, path, headers and body that are set', async () => {
    const { port, seen } = await noting();
    const config = {
      method: 'POST',
      path: '/ask?x=%20',
      headers: { 'X-Ask': 'yes', Host: 'web.test' },
      body: '{"ü":1}',
    };
    expect((await http({ port, config })).status).toBe('healthy');
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/ask?x=%20',
      body: '{"ü":1}',
      headers: { 'x-ask': 'yes', host: 'web.test', 'content-length': '8', connection: 'close' },
    });
  });

  it.each([
    [{ username: 'Aladdin', password: 'open sesame' }, 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    [{ token: 'abc.def' }, 'Bearer abc.def'],
  ])('carries its credentials: %j', async (auth, expected) => {
    const { port, seen } = await noting();
    await http({ port, config: { auth } });
    expect(seen[0]?.headers.authorization).toBe(expected);
  });

  it.each([
    ['a path that is none', { path: 'ready' }],
    ['a path with a line break', { path: '/a\r\nx: y' }],
    ['a header name that is none', { headers: { 'x y': '1' } }],
    ['a header value with a line break', { headers: { x: '1\r\ny: 2' } }],
    ['a header that ends the message elsewhere', { headers: { 'Transfer-Encoding': 'chunked' } }],
    ['a method that is none', { method: 'CONNECT' }],
    ['a status that is none', { status: [99] }],
    ['a range that is none', { status: ['200'] }],
    ['too many redirects', { redirects: 4 }],
    ['TLS without https', { tls: {} }],
    ['a setting that is none', { follow: true }],
  ])('is refused with %s', (_, config) => {
    expect(httpProbe(false).config.safeParse(config).success).toBe(false);
  });
});

describe('a status', () => {
  it.each([
    [200, ['200-299'], 'healthy'],
    [299, ['200-299'], 'healthy'],
    [300, ['200-299'], 'critical'],
    [404, [404], 'healthy'],
    [503, [200, 503], 'healthy'],
    [200, [204], 'critical'],
    [401, ['200-299', 401], 'healthy'],
  ])('%i is held against %j', async (status, wanted, expected) => {
    const { port } = await noting((_, response) => void response.writeHead(status).end());
    expect(await http({ port, config: { status: wanted } })).toMatchObject({
      status: expected,
      message: `Answered HTTP ${status}`,
    });
  });
});

describe('a body', () => {
  const health = JSON.stringify({ status: 'ok', checks: [{ name: 'db', ms: 12 }] });
  const sending = (body: Buffer | string, headers: Record<string, string> = {}) =>
    noting((_, response) => void response.writeHead(200, headers).end(body));

  it.each([
    ['as it is', health, {}],
    ['gzip', gzipSync(health), { 'content-encoding': 'gzip' }],
    ['deflate', deflateSync(health), { 'content-encoding': 'deflate' }],
    ['brotli', brotliCompressSync(health), { 'content-encoding': 'br' }],
  ])('is read for conditions: %s', async (_, body, headers) => {
    const { port } = await sending(body, headers);
    const good = needs({ on: 'body.checks[0].ms', op: 'lt', value: 50 }, { on: 'body.status', op: 'eq', value: 'ok' });
    const bad = needs({ on: 'body.status', op: 'eq', value: 'down' });
    expect(await http({ port, config: { read: true }, conditions: good })).toMatchObject({
      status: 'healthy',
      phases: { transferMs: expect.any(Number) as number },
    });
    expect(await http({ port, config: { read: true }, conditions: bad })).toMatchObject({
      status: 'critical',
      message: 'The condition body.status eq "down" does not hold',
    });
  });

  it('is not there for conditions unless it is to be read', async () => {
    const { port } = await sending(health);
    expect((await http({ port, conditions: needs({ on: 'body', op: 'exists' }) })).status).toBe('critical');
  });

  it('is read up to its limit, however much there is and whatever it unpacks to', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
    const { port } = await sending(bomb, { 'content-encoding': 'gzip' });
    const before = process.memoryUsage().arrayBuffers;
    const conditions = needs({ on: 'body.length', op: 'eq', value: 1_000 });
    expect((await http({ port, config: { read: true, limit: 1_000 }, conditions })).status).toBe('healthy');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
    const endless = await noting((_, response) => {
      const flood = setInterval(() => response.write('x'.repeat(10_000)), 1);
      response.on('close', () => clearInterval(flood));
    });
    expect((await http({ port: endless.port, config: { read: true, limit: 1_000 }, conditions })).status).toBe(
      'healthy',
    );
  });

  it('that is not what its encoding says is critical', async () => {
    const { port } = await sending('plain', { 'content-encoding': 'gzip' });
    expect(await http({ port, config: { read: true } })).toMatchObject({
      status: 'critical',
      message: 'The body cannot be read',
    });
  });

  it('that breaks off is critical, and one that never ends is given up at the timeout', async () => {
    const { port } = await serving(createTcpServer(), undefined, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'));
    });
    expect((await http({ port, config: { read: true } })).status).toBe('critical');
    const silent = await noting((_, response) => void response.write('x'));
    expect(await http({ port: silent.port, config: { read: true }, timeoutMs: 300 })).toMatchObject({
      status: 'offline',
      message: 'No answer in time',
    });
  });

  it('of a HEAD request is none', async () => {
    const { port, seen } = await sending('body');
    expect((await http({ port, config: { method: 'HEAD', read: true } })).status).toBe('healthy');
    expect(seen[0]?.method).toBe('HEAD');
  });
});

describe('headers', () => {
  it('are there for conditions, whatever their case', async () => {
    const { port } = await noting(
      (_, response) => void response.writeHead(200, { 'X-Version': '7', 'Set-Cookie': ['a=1', 'b=2'] }).end(),
    );
    const conditions = needs(
      { on: 'headers.x-version', op: 'gte', value: 7 },
      { on: 'headers.set-cookie', op: 'contains', value: 'b=2' },
    );
    expect((await http({ port, conditions })).status).toBe('healthy');
  });
});

describe('a redirect', () => {
  const to = (location: string, status = 302): RequestListener => {
    return (request, response) =>
      request.url === '/' ? void response.writeHead(status, { location }).end() : void response.writeHead(204).end();
  };

  it('is an answer unless it may be followed', async () => {
    const { port, seen } = await noting(to('/next'));
    expect(await http({ port })).toMatchObject({ message: 'Answered HTTP 302' });
    const conditions = needs({ on: 'redirects', op: 'eq', value: 1 });
    expect(await http({ port, config: { redirects: 1 }, conditions })).toMatchObject({
      status: 'healthy',
      message: 'Answered HTTP 204',
    });
    expect(seen.map(({ url }) => url)).toEqual(['/', '/', '/next']);
  });

  it('becomes GET where RFC 9110 says so, and keeps method and body where it does not', async () => {
    for (const [status, method] of [
      [301, 'GET'],
      [302, 'GET'],
      [303, 'GET'],
      [307, 'POST'],
      [308, 'POST'],
    ] as const) {
      const { port, seen } = await noting(to('/next', status));
      await http({ port, config: { method: 'POST', body: 'x', redirects: 1 } });
      expect([status, seen[1]?.method, seen[1]?.body]).toEqual([status, method, method === 'POST' ? 'x' : '']);
    }
  });

  it('takes no credentials, headers or body to another origin, and all of them to the same', async () => {
    const elsewhere = await noting();
    const config = {
      method: 'POST',
      body: 'x',
      redirects: 1,
      auth: { token: 't' },
      headers: { 'X-Key': 'k', Cookie: 'c=1' },
    };
    const away = await noting(to(`http://127.0.0.1:${elsewhere.port}/next`, 307));
    await http({ port: away.port, config });
    expect(elsewhere.seen[0]).toMatchObject({ url: '/next', body: '' });
    expect(Object.keys(elsewhere.seen[0]?.headers ?? {}).sort()).toEqual([
      'accept',
      'connection',
      'content-length',
      'host',
      'user-agent',
    ]);
    const home = await noting(to('/next', 307));
    await http({ port: home.port, config });
    expect(home.seen[1]?.headers).toMatchObject({ authorization: 'Bearer t', 'x-key': 'k', cookie: 'c=1' });
  });

  it.each([
    [
      'to an address that is denied',
      'http://169.254.169.254/latest/',
      'unknown',
      'Connecting there is not allowed here',
    ],
    ['to a denied address in disguise', 'http://0xa9fea9fe/', 'unknown', 'Connecting there is not allowed here'],
    ['out of HTTP', 'file:///etc/passwd', 'critical', 'The redirect leads out of HTTP'],
    ['to nowhere', 'http://[', 'critical', 'The redirect leads nowhere'],
  ])('%s ends there', async (_, location, status, message) => {
    const { port } = await noting(to(location));
    expect(await http({ port, config: { redirects: 3 } })).toMatchObject({ status, message });
  });

  it('that leads round in a circle ends after so many', async () => {
    const { port, seen } = await noting((_, response) => void response.writeHead(302, { location: '/' }).end());
    expect(await http({ port, config: { redirects: 3 } })).toMatchObject({
      status: 'critical',
      message: 'There are too many redirects',
    });
    expect(seen).toHaveLength(4);
  });

  it('from https to http is not followed', async () => {
    const certificates = makeCertificates();
    const plain = await noting();
    const location = `http://127.0.0.1:${plain.port}/`;
    const { port } = await serving(createHttpsServer(certificates.good, to(location)));
    const connector: Connector = createConnector({ policy: loopback });
    const config = { redirects: 1, tls: { ca: certificates.ca } };
    expect(await https({ host: 'localhost', port, connector, config })).toMatchObject({
      status: 'critical',
      message: 'The redirect leads from https to http',
    });
    expect(plain.seen).toEqual([]);
  });

  it('is resolved and judged again at each hop', async () => {
    const connector = await connectorKnowing({ 'web.test': { a: ['127.0.0.1'] }, 'inside.test': { a: ['10.0.0.1'] } });
    const { port } = await noting(to('http://inside.test/'));
    expect(await http({ host: 'web.test', port, connector, config: { redirects: 1 } })).toMatchObject({
      status: 'unknown',
      message: 'Connecting there is not allowed here',
    });
  });
});

describe('over https', () => {
  const certificates = makeCertificates();
  const serve = () => serving(createHttpsServer(certificates.good, (_, response) => void response.end('ok')));

  it('the certificate is there for conditions, and degraded when few days are left', async () => {
    const { port } = await serve();
    const conditions = needs(
      { on: 'certificate.days_left', op: 'gte', value: 0 },
      { on: 'certificate.protocol', op: 'like', value: 'TLS*' },
    );
    const tls = { ca: certificates.ca };
    expect(await https({ host: 'localhost', port, config: { tls }, conditions })).toMatchObject({
      status: 'healthy',
      phases: { tlsMs: expect.any(Number) as number },
    });
    expect(await https({ host: 'localhost', port, config: { tls: { ...tls, days: 3_650 } } })).toMatchObject({
      status: 'degraded',
      message: 'The certificate expires within 3650 days',
    });
  });

  it('an unknown certificate is taken when it need not be verified, and said so', async () => {
    const { port } = await serve();
    const conditions = needs({ on: 'certificate.authorized', op: 'eq', value: false });
    expect((await https({ port, config: { tls: { verify: false } }, conditions })).status).toBe('healthy');
  });

  it('a certificate of ours is shown to a server that asks for one', async () => {
    const asking = { ...certificates.good, requestCert: true, rejectUnauthorized: true, ca: certificates.ca };
    const { port } = await serving(createHttpsServer(asking, (_, response) => void response.end('ok')));
    const tls = { ca: certificates.ca, cert: String(certificates.good.cert), key: String(certificates.good.key) };
    expect((await https({ host: 'localhost', port, config: { tls } })).status).toBe('healthy');
    const without = await https({ host: 'localhost', port, config: { tls: { ca: certificates.ca } } });
    expect(without.status).not.toBe('healthy');
  });
});
