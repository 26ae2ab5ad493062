import { createConnector, createResolver } from '@dotmac/core/net';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates, type Certificates } from '../../../core/test/net/certificates.js';
import { closedPort } from '../../../../test/support/ports.js';
import { deafPort } from '../../../core/test/net/listeners.js';
import { tcpProbe } from '../../src/probes/tcp.js';
import { connectorKnowing, loopback, probed, serving, expectWithin } from '../support/probing.js';

const tcp = (context: Parameters<typeof probed>[1]) => probed(tcpProbe, context);

describe('a server that accepts', () => {
  it('is healthy, and hung up on', async () => {
    const { port, accepted } = await serving(createServer());
    const { status, responseTimeMs, message, phases } = await tcp({ port });
    expect([status, message]).toEqual(['healthy', 'Connected']);
    expect(phases).toEqual({ dnsMs: 0, connectMs: responseTimeMs });
    expect(responseTimeMs).toBeGreaterThan(0);
    expect(responseTimeMs).toBeLessThan(4_000);
    expect(accepted).toHaveLength(1);
    await expect
      .poll(() => accepted[0]?.closed || accepted[0]?.readableEnded || accepted[0]?.readyState)
      .not.toBe('open');
  });

  it('is reached by its name, and by its IPv6 address with and without brackets', async () => {
    const { port } = await serving(createServer(), '::1');
    const connector = await connectorKnowing({ 'six.test': { aaaa: ['::1'] } });
    for (const host of ['::1', '[::1]', 'six.test', 'SIX.test.'])
      expect((await tcp({ host, port, connector })).status).toBe('healthy');
  });

  it('is degraded when the connection takes longer than expected', async () => {
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(deaf.port, '127.0.0.2', resolve));
    // Half of the timeout goes to the first address, which neither accepts nor refuses.
    const connector = await connectorKnowing({ 'slow.test': { a: ['127.0.0.1', '127.0.0.2'] } });
    const { status, responseTimeMs, message } = await tcp({
      host: 'slow.test',
      port: deaf.port,
      connector,
      timeoutMs: 6_000,
      expectedResponseTimeMs: 100,
    });
    expect([status, message]).toEqual(['degraded', 'Connected, slower than expected']);
    expect(responseTimeMs).toBeGreaterThan(100);
  });
});

describe('an endpoint that cannot be reached is offline', () => {
  it('when it refuses', async () => {
    expect(await tcp({ port: await closedPort() })).toEqual({
      status: 'offline',
      code: 'connection_refused',
      responseTimeMs: null,
      message: 'The connection was refused',
    });
  });

  it('when it neither accepts nor refuses within the timeout', async () => {
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    expect(await tcp({ port: deaf.port, timeoutMs: 400 })).toEqual({
      status: 'offline',
      code: 'timeout',
      responseTimeMs: null,
      message: 'No answer in time',
    });
  });

  it('when its name does not exist', async () => {
    const connector = await connectorKnowing({});
    expect(await tcp({ host: 'gone.test', port: 80, connector })).toMatchObject({
      status: 'offline',
      message: 'There is no such host name',
    });
  });
});

describe('trouble of our own is unknown', () => {
  it.each(['REFUSED', 'SERVFAIL'] as const)('when our DNS server answers %s', async (rcode) => {
    const connector = await connectorKnowing({ 'gw.test': { rcode } });
    expect(await tcp({ host: 'gw.test', port: 80, connector })).toEqual({
      status: 'unknown',
      code: 'own_dns',
      responseTimeMs: null,
      message: 'Our name resolution failed',
    });
  });

  it('when our DNS server is silent', async () => {
    const connector = await connectorKnowing({ 'gw.test': { silent: true } }, loopback, 300);
    expect(await tcp({ host: 'gw.test', port: 80, connector })).toMatchObject({ status: 'unknown' });
  });

  it('when our DNS server is silent for longer than the check may take', async () => {
    const connector = await connectorKnowing({ 'gw.test': { silent: true } });
    expect(await tcp({ host: 'gw.test', port: 80, connector, timeoutMs: 100 })).toMatchObject({ status: 'unknown' });
  });

  it('when our DNS server is not there', async () => {
    const resolver = createResolver({ servers: [`127.0.0.1:${await closedPort()}`], timeoutMs: 300, tries: 1 });
    const connector = createConnector({ policy: loopback, resolver });
    expect(await tcp({ host: 'gw.test', port: 80, connector })).toMatchObject({ status: 'unknown' });
  });

  it('when the check is stopped', async () => {
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    const stop = new AbortController();
    const check = tcp({ port: deaf.port, signal: stop.signal });
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
  });
});

describe('a place where connecting is denied', () => {
  it.each(['169.254.169.254', '10.0.0.1', '[fd00:ec2::254]', '0x7f.1'])('is not connected to: %s', async (host) => {
    const { port, accepted } = await serving(createServer());
    const connector = createConnector();
    expect(await tcp({ host, port, connector })).toEqual({
      status: 'unknown',
      code: 'egress_denied',
      responseTimeMs: null,
      message: 'Connecting there is not allowed here',
    });
    expect(accepted).toEqual([]);
  });

  it('is not connected to when one of several addresses of a name is denied', async () => {
    const { port, accepted } = await serving(createServer());
    const connector = await connectorKnowing({ 'mixed.test': { a: ['127.0.0.1', '169.254.169.254'] } });
    expect(await tcp({ host: 'mixed.test', port, connector })).toMatchObject({ status: 'unknown' });
    expect(accepted).toEqual([]);
  });
});

/** Says this, whatever it hears. */
const saying = (text: string) => (socket: Socket) => void socket.write(text);

/** Answers each line that it hears. */
const answering =
  (answer: (line: string, socket: Socket) => string | undefined, greeting = '') =>
  (socket: Socket) => {
    socket.write(greeting);
    createInterface(socket).on('line', (line) => void socket.write(answer(line, socket) ?? ''));
  };

describe('a script', () => {
  const irc = answering((line) => {
    if (line.startsWith('USER')) return ':ircd.localhost NOTICE AUTH :*** Checking ident\nPING :ABC123\n';
    return line === 'PONG' ? ':ircd.localhost 001 probe :Welcome\n' : undefined;
  });
  const script = [
    { send: 'NICK probe\r\nUSER probe probe probe :probe\r\n' },
    { expect: 'PING :' },
    { send: 'PONG\r\n', expect: ' 001 ' },
  ];

  it('of several questions and answers is healthy, and the line that was found is there for conditions', async () => {
    const { port, accepted } = await serving(createServer(), undefined, irc);
    const condition = { on: 'line', op: 'ends_with', value: ':Welcome', severity: 'critical' } as const;
    const { status, message, responseTimeMs, phases } = await tcp({
      port,
      config: { script },
      conditions: [condition],
    });
    expect([status, message]).toEqual(['healthy', 'Answered as expected']);
    const { connectMs = NaN, firstByteMs = NaN, transferMs = NaN } = phases ?? {};
    expectWithin(responseTimeMs, [connectMs, firstByteMs, transferMs]);
    await expect.poll(() => accepted[0]?.closed).toBe(true);
    const other = { ...condition, value: ':Go away' };
    expect(await tcp({ port, config: { script }, conditions: [other] })).toMatchObject({ status: 'critical' });
  });

  it('sends its text as it is', async () => {
    const heard: string[] = [];
    const { port } = await serving(createServer(), undefined, (socket) => {
      socket.on('data', (data: Buffer) => {
        heard.push(String(data));
        socket.write('ok\n');
      });
    });
    const config = { script: [{ send: 'grün\r\n\tb', expect: 'ok' }] };
    expect(await tcp({ port, config })).toMatchObject({ status: 'healthy' });
    expect(heard).toEqual(['grün\r\n\tb']);
  });

  it('that only sends, or expects a banner, is healthy', async () => {
    const { port } = await serving(createServer(), undefined, saying('SSH-2.0-OpenSSH_9.2\r\n'));
    expect(await tcp({ port, config: { script: [{ send: 'hello' }] } })).toMatchObject({ message: 'Connected' });
    const config = { script: [{ expect: 'SSH-2.0-' }] };
    expect(await tcp({ port, config })).toMatchObject({ status: 'healthy', message: 'Answered as expected' });
  });

  it('finds what it expects in the last words before the end, too', async () => {
    const { port } = await serving(createServer(), undefined, (socket) => socket.end('12:00 and all is well'));
    expect(await tcp({ port, config: { script: [{ expect: 'all is well' }] } })).toMatchObject({ status: 'healthy' });
  });

  it('that is answered later than expected is degraded', async () => {
    // From when it was asked, which is after the connection for whoever asks.
    const { port } = await serving(createServer(), undefined, (socket) => {
      socket.once('data', () => setTimeout(() => socket.write('ready\n'), 120));
    });
    const config = { script: [{ send: 'hello\n', expect: 'ready' }] };
    const { status, responseTimeMs, phases } = await tcp({ port, config, expectedResponseTimeMs: 100 });
    expect(status).toBe('degraded');
    expect(responseTimeMs).toBeGreaterThan(100);
    expect(phases?.firstByteMs).toBeGreaterThan(100);
  });

  it.each([
    ['other lines, and then the end', (socket: Socket) => socket.end('-ERR busy\r\nbye\r\n')],
    ['lines without end', saying('no\n'.repeat(400))],
  ])('is critical with %s, at the step where it went wrong', async (_, serve) => {
    const { port } = await serving(createServer(), undefined, serve);
    expect(await tcp({ port, config: { script: [{ send: 'hello\r\n' }, { expect: '+OK' }] } })).toMatchObject({
      status: 'critical',
      message: 'The answer to step 2 is not the expected one',
      responseTimeMs: expect.any(Number) as number,
    });
  });

  it('is critical with a line that is too long', async () => {
    const { port } = await serving(createServer(), undefined, saying('x'.repeat(10_000)));
    expect(await tcp({ port, config: { script: [{ expect: 'x' }] } })).toMatchObject({
      status: 'critical',
      message: 'The answer is too long',
    });
  });

  it('is offline when nothing is answered, or the connection is closed', async () => {
    const config = { script: [{ send: 'hello\r\n', expect: 'hello' }] };
    const silent = await serving(createServer(), undefined, (socket) => socket.resume());
    const message = 'No answer in time';
    expect(await tcp({ port: silent.port, config, timeoutMs: 200 })).toMatchObject({ status: 'offline', message });
    await expect.poll(() => silent.accepted[0]?.closed).toBe(true);
    for (const close of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const rude = await serving(createServer(), undefined, close);
      expect(await tcp({ port: rude.port, config })).toMatchObject({ status: 'offline' });
    }
  });

  it('is unknown when the check is stopped, and the connection is closed', async () => {
    const { port, accepted } = await serving(createServer(), undefined, (socket) => socket.resume());
    const stop = new AbortController();
    const check = tcp({ port, config: { script: [{ expect: 'x' }] }, signal: stop.signal });
    await expect.poll(() => accepted.length).toBe(1);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    await expect.poll(() => accepted[0]?.closed).toBe(true);
  });

  it.each([
    [{ script: [{}] }],
    [{ script: [{ send: 'x'.repeat(4_097) }] }],
    [{ script: [{ send: '' }] }],
    [{ script: [{ expect: '' }] }],
    [{ script: [{ expect: 'a', starttls: true }] }],
    [{ script: Array.from({ length: 11 }, () => ({ expect: 'a' })) }],
    [{ starttls: 'gopher' }],
    [{ other: 1 }],
  ])('is refused when it is like %.60j', (config) => {
    expect(tcpProbe.config.safeParse(config).success).toBe(false);
  });
});

describe('over TLS', () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });

  it('a connection is healthy with a valid certificate, critical with another', async () => {
    const { port } = await serving(createTlsServer(certificates.good));
    const { ca } = certificates;
    const { phases, ...result } = await tcp({ port, config: { tls: { ca } } });
    expect(result).toMatchObject({ status: 'healthy', message: 'Connected over TLS' });
    expect(result.responseTimeMs).toBeGreaterThanOrEqual((phases?.connectMs ?? NaN) + (phases?.tlsMs ?? NaN));
    const message = 'The certificate is not valid for this host';
    for (const tls of [{}, { ca, servername: 'other.test' }])
      expect(await tcp({ port, config: { tls } })).toMatchObject({ status: 'critical', message });
    expect(await tcp({ port, config: { tls: { verify: false } } })).toMatchObject({ status: 'healthy' });
    expect(await tcp({ port, config: { tls: { ca, days: 30 } } })).toMatchObject({ status: 'degraded' });
    const condition = { on: 'certificate.days_left', op: 'gt', value: 30, severity: 'degraded' } as const;
    expect(await tcp({ port, config: { tls: { ca } }, conditions: [condition] })).toMatchObject({ status: 'degraded' });
  });

  it('a script is spoken', async () => {
    const server = createTlsServer(certificates.good, (socket) => {
      answering((line) => (line === 'PING' ? '+PONG\r\n' : '-ERR\r\n'))(socket.on('error', () => {}));
    });
    const { port } = await serving(server);
    const config = { tls: { ca: certificates.ca }, script: [{ send: 'PING\r\n', expect: '+PONG' }] };
    expect(await tcp({ port, config })).toMatchObject({ status: 'healthy', message: 'Answered as expected' });
  });

  it('a script is spoken after an upgrade', async () => {
    const { port, accepted } = await serving(createServer(), undefined, (socket) => {
      socket.write('+OK ready\r\n');
      socket.once('data', () => {
        socket.write('+OK begin TLS\r\n');
        const secure = new TLSSocket(socket, { isServer: true, ...certificates.good }).on('error', () => {});
        answering((line) => (line === 'CAPA' ? '+OK\r\nUSER\r\n.\r\n' : undefined))(secure);
      });
    });
    const script = [{ send: 'CAPA\r\n', expect: 'USER' }, { expect: '.' }];
    const config = { starttls: 'pop3', tls: { ca: certificates.ca }, script };
    const { phases, ...result } = await tcp({ port, config });
    expect(result).toMatchObject({ status: 'healthy', message: 'Answered as expected' });
    const { connectMs = NaN, tlsMs = NaN, firstByteMs = NaN, transferMs = NaN } = phases ?? {};
    expectWithin(result.responseTimeMs, [connectMs, tlsMs, firstByteMs, transferMs]);
    await expect.poll(() => accepted[0]?.closed).toBe(true);
    expect(await tcp({ port, config: { starttls: 'pop3' } })).toMatchObject({ status: 'critical' });
  });
});
