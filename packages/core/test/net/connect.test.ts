import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createConnector, type Connector, type ConnectTls } from '../../src/net/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { makeCertificates, type Certificates, type KeyPair } from './certificates.js';
import { closedPort } from '../../../../test/support/ports.js';
import { deafPort, listen, type Listening } from './listeners.js';

const policy = { allow: ['loopback'] };
const names: Record<string, string[]> = { 'two.test': ['127.0.0.2', '127.0.0.1'], 'other.test': ['127.0.0.1'] };
const resolver = {
  resolve: (name: string) => Promise.resolve(names[name] ?? (name === 'localhost' ? ['127.0.0.1'] : [])),
};
const connector = createConnector({ policy, resolver });
const failing = (code: string) => expect.objectContaining({ name: 'ConnectFailure', code });

async function serving(...args: Parameters<typeof listen>): Promise<Listening> {
  const listening = await listen(...args);
  onTestFinished(() => listening.close());
  return listening;
}

describe('a connection', () => {
  it('comes with its address and timings, and leaves no timer and no listener behind', async () => {
    const clock = fakeClock();
    const { signal } = new AbortController();
    const { port, accepted } = await serving(createServer());
    const own = createConnector({ policy, resolver, clock });
    const { socket, remoteAddress, timings } = await own.connect({ host: '127.1', port, timeoutMs: 1_000, signal });
    expect(remoteAddress).toBe('127.0.0.1');
    expect(timings).toEqual({ dnsMs: 0, connectMs: 0, tlsMs: 0 });
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    socket.destroy();
    await expect.poll(() => accepted.length).toBe(1);
  });

  it('tries the next address of a name', async () => {
    const { port } = await serving(createServer());
    const { socket, remoteAddress } = await connector.connect({ host: 'two.test', port, timeoutMs: 20_000 });
    expect(remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });

  it('does not end the process when it breaks in the hands of an owner who does not listen', async () => {
    const { port, accepted } = await serving(createServer());
    const { socket } = await connector.connect({ host: '127.0.0.1', port, timeoutMs: 20_000 });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await expect.poll(() => accepted.length).toBe(1);
    accepted[0]?.resetAndDestroy();
    socket.resume();
    expect(await closed).toBe(true);
  });

  it('is refused where nobody listens', async () => {
    const port = await closedPort();
    await expect(connector.connect({ host: 'two.test', port, timeoutMs: 20_000 })).rejects.toEqual(failing('refused'));
  });

  it('times out where nobody answers, and gives up when the caller does', async () => {
    const deaf = await deafPort();
    onTestFinished(() => deaf.close());
    const target = { host: '127.0.0.1', port: deaf.port };
    await expect(connector.connect({ ...target, timeoutMs: 300 })).rejects.toEqual(failing('timeout'));
    const abort = new AbortController();
    const pending = connector.connect({ ...target, timeoutMs: 20_000, signal: abort.signal });
    abort.abort();
    await expect(pending).rejects.toEqual(failing('aborted'));
    const late = connector.connect({ ...target, timeoutMs: 20_000, signal: AbortSignal.timeout(50) });
    await expect(late).rejects.toEqual(failing('timeout'));
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });

  it('gives each address of a name its share of the time, and a quarter of a second at the least', async () => {
    const deaf = await deafPort();
    const hearing = await listen(createServer(), '127.0.0.2', undefined, deaf.port);
    onTestFinished(async () => {
      deaf.close();
      await hearing.close();
    });
    const clock = fakeClock();
    const to = (addresses: string[], timeoutMs: number) =>
      createConnector({ policy, clock, resolver: { resolve: () => Promise.resolve(addresses) } }).connect({
        host: 'several.test',
        port: deaf.port,
        timeoutMs,
      });
    for (const [addresses, timeoutMs, shareMs] of [
      [['127.0.0.1', '127.0.0.2'], 1_000, 500],
      [['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'], 400, 250],
    ] as const) {
      const before = hearing.accepted.length;
      const connecting = to([...addresses], timeoutMs);
      await clock.advance(shareMs - 1);
      // Whoever went on to the next address already is here before this one.
      const after = createConnector({ policy }).connect({ host: '127.0.0.2', port: deaf.port, timeoutMs: 5_000 });
      (await after).socket.destroy();
      await expect.poll(() => hearing.accepted.length).toBeGreaterThan(before);
      expect(hearing.accepted.length).toBe(before + 1);
      await clock.advance(1);
      const { socket, remoteAddress } = await connecting;
      expect(remoteAddress).toBe('127.0.0.2');
      socket.destroy();
      await expect.poll(() => hearing.accepted.length).toBe(before + 2);
    }
  });

  it('counts the lookup into its deadline, and does not blame the target for it', async () => {
    const clock = fakeClock();
    const silent = {
      resolve: (_: string, signal?: AbortSignal) =>
        new Promise<string[]>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    };
    const own = createConnector({ policy, resolver: silent, clock });
    const pending = own.connect({ host: 'slow.test', port: 1, timeoutMs: 700 });
    const refusal = expect(pending).rejects.toEqual(failing('dns_failed'));
    await clock.advance(700);
    await refusal;
    expect(clock.pending).toBe(0);
  });

  it('is not tried for an aborted caller, a missing name or an impossible port', async () => {
    const { port } = await serving(createServer());
    const target = { host: '127.0.0.1', port, timeoutMs: 20_000 };
    await expect(connector.connect({ ...target, signal: AbortSignal.abort() })).rejects.toEqual(failing('aborted'));
    await expect(connector.connect({ ...target, host: 'none.test' })).rejects.toEqual(failing('name_not_found'));
    for (const impossible of [0, -1, 65_536, Number.NaN])
      await expect(connector.connect({ ...target, port: impossible })).rejects.toEqual(failing('denied'));
    await expect(connector.connect({ ...target, host: '' })).rejects.toEqual(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('the addresses of a host', () => {
  const resolving = (host: string, options = {}, own = connector) =>
    own.resolve({ host, timeoutMs: 20_000, ...options });

  it('are those of a name, or the plain form of an address, and come with how long the name took', async () => {
    expect((await resolving('two.test')).addresses).toEqual(['127.0.0.2', '127.0.0.1']);
    for (const host of ['127.1', '0x7f.0.0.1', '[::ffff:127.0.0.1]'])
      expect(await resolving(host)).toEqual({ addresses: ['127.0.0.1'], dnsMs: 0 });
    const clock = fakeClock();
    const { signal } = new AbortController();
    const slow = { resolve: () => clock.sleep(30).then(() => ['127.0.0.1']) };
    const timed = resolving('slow.test', { signal }, createConnector({ policy, resolver: slow, clock }));
    await clock.advance(30);
    expect(await timed).toEqual({ addresses: ['127.0.0.1'], dnsMs: 30 });
    expect(clock.pending).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('are all denied when one of them is', async () => {
    const mixed = { resolve: () => Promise.resolve(['127.0.0.1', '169.254.169.254']) };
    const own = createConnector({ policy, resolver: mixed });
    await expect(resolving('mixed.test', {}, own)).rejects.toEqual(failing('denied'));
    for (const host of ['10.0.0.1', '0', '::', '64:ff9b::7f00:1'])
      await expect(resolving(host)).rejects.toEqual(failing('denied'));
  });

  it('are judged with the port that is asked for, else with 7', async () => {
    const narrow = createConnector({ policy: { allow: [{ cidr: '127.0.0.0/8', ports: [7, 80] }] }, resolver });
    const { addresses } = await resolving('127.0.0.1', {}, narrow);
    expect(addresses).toEqual(['127.0.0.1']);
    await expect(resolving('127.0.0.1', { port: 80 }, narrow)).resolves.toMatchObject({ addresses });
    for (const port of [0, 443, 65_536, Number.NaN])
      await expect(resolving('127.0.0.1', { port }, narrow)).rejects.toEqual(failing('denied'));
  });

  it('are not found for a missing name, a silent DNS server, a caller who gave up, and what is no host', async () => {
    await expect(resolving('none.test')).rejects.toEqual(failing('name_not_found'));
    const signal = AbortSignal.abort();
    await expect(resolving('two.test', { signal })).rejects.toEqual(failing('aborted'));
    await expect(resolving('a b')).rejects.toEqual(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    const silent = {
      resolve: (_: string, stop?: AbortSignal) =>
        new Promise<string[]>((_resolve, reject) => stop?.addEventListener('abort', () => reject(stop.reason))),
    };
    const own = createConnector({ policy, resolver: silent });
    await expect(resolving('two.test', { timeoutMs: 50 }, own)).rejects.toEqual(failing('dns_failed'));
    const late = resolving('two.test', { signal: AbortSignal.timeout(50) }, own);
    await expect(late).rejects.toEqual(failing('dns_failed'));
  });
});

describe('TLS over a connection', () => {
  let certificates: Certificates;
  const servers = new Map<KeyPair, Listening>();
  beforeAll(async () => {
    certificates = makeCertificates();
    for (const pair of [certificates.good, certificates.expired, certificates.other])
      servers.set(pair, await listen(createTlsServer({ ...pair, ALPNProtocols: ['h2', 'http/1.1'] })));
  });
  afterAll(() => Promise.all([...servers.values()].map((server) => server.close())));

  const secure = (pair: KeyPair, host: string, tls: ConnectTls = {}): ReturnType<Connector['connect']> =>
    connector.connect({
      host,
      port: servers.get(pair)?.port ?? 0,
      timeoutMs: 5_000,
      tls: { ca: certificates.ca, ...tls },
    });

  it('is verified by name, by address, and by the server name that was given', async () => {
    for (const [pair, host, tls] of [
      [certificates.good, 'localhost', {}],
      [certificates.good, '127.0.0.1', {}],
      [certificates.other, '127.0.0.1', { servername: 'other.test' }],
      [certificates.other, 'other.test', { alpnProtocols: ['http/1.1'] }],
    ] as const) {
      const { socket, timings } = await secure(pair, host, tls);
      expect((socket as TLSSocket).authorized).toBe(true);
      expect((socket as TLSSocket).alpnProtocol).toBe('alpnProtocols' in tls ? 'http/1.1' : false);
      expect(timings.tlsMs).toBeGreaterThan(0);
      socket.destroy();
    }
  });

  it('fails by its reason', async () => {
    const { good, expired, other } = certificates;
    await expect(secure(expired, 'localhost')).rejects.toEqual(failing('certificate_expired'));
    await expect(secure(good, 'localhost', { ca: undefined })).rejects.toEqual(failing('certificate_invalid'));
    await expect(secure(other, 'localhost')).rejects.toEqual(failing('certificate_invalid'));
    await expect(secure(other, '127.0.0.1')).rejects.toEqual(failing('certificate_invalid'));
    const misnamed = secure(good, '127.0.0.1', { servername: 'other.test' });
    await expect(misnamed).rejects.toEqual(failing('certificate_invalid'));
  });

  it('leaves no socket open over options that cannot be used', async () => {
    const { port, accepted } = await serving(createServer());
    const to = (tls: ConnectTls) => connector.connect({ host: '127.0.0.1', port, timeoutMs: 5_000, tls });
    await expect(to({ servername: 'a b' })).rejects.toEqual(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(accepted).toHaveLength(0);
    await expect(to({ alpnProtocols: ['x'.repeat(256)] })).rejects.toEqual(failing('failed'));
    await expect.poll(() => accepted.length).toBe(1);
    await expect.poll(() => accepted.every((socket) => socket.destroyed)).toBe(true);
  });

  it('goes unverified only when told so', async () => {
    const { socket } = await secure(certificates.expired, 'localhost', { rejectUnauthorized: false });
    expect((socket as TLSSocket).authorized).toBe(false);
    socket.destroy();
  });

  it('fails on a server that speaks something else, hangs up, or keeps silent, and closes the socket', async () => {
    const chatty = await serving(createServer(), undefined, (socket) => socket.end('220 smtp.example ESMTP\r\n'));
    const rude = await serving(createServer(), undefined, (socket) => socket.resetAndDestroy());
    const polite = await serving(createServer(), undefined, (socket) => socket.end());
    const silent = await serving(createServer(), undefined, (socket) => socket.resume());
    const to = ({ port }: Listening, timeoutMs = 5_000) =>
      connector.connect({ host: '127.0.0.1', port, timeoutMs, tls: {} });
    await expect(to(chatty)).rejects.toEqual(failing('tls_failed'));
    await expect(to(rude)).rejects.toEqual(failing('reset'));
    await expect(to(polite)).rejects.toEqual(failing('reset'));
    await expect(to(silent, 300)).rejects.toEqual(failing('timeout'));
    await expect.poll(() => silent.accepted[0]?.destroyed).toBe(true);
  });
});
