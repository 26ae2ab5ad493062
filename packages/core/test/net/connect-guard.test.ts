import { createServer, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createConnector, createResolver, type EgressPolicy } from '../../src/net/index.js';
import { dnsStub, type DnsStub } from './dns-stub.js';
import { listen, type Listening } from './listeners.js';

const denied = expect.objectContaining({ name: 'ConnectFailure', code: 'denied', ownTrouble: false });
let stub: DnsStub;
let four: Listening;
let six: Listening;

beforeAll(async () => {
  four = await listen(createServer(), '127.0.0.1');
  six = await listen(createServer(), '::1');
  stub = await dnsStub({
    'loopback.test': { a: ['127.0.0.1'] },
    'six.test': { aaaa: ['::1'] },
    'mixed.test': { a: ['1.1.1.1', '127.0.0.1'] },
    'mixed-families.test': { a: ['1.1.1.1'], aaaa: ['::1'] },
    'mapped.test': { aaaa: ['::ffff:127.0.0.1'] },
    'compatible.test': { aaaa: ['::7f00:1'] },
    'metadata.test': { a: ['127.0.0.1', '169.254.169.254'] },
    'crowd.test': { a: [...Array.from({ length: 25 }, (_, at) => `1.1.1.${at}`), '127.0.0.1'] },
    'fine.test': { a: ['127.0.0.1'] },
  });
});
afterEach(() => {
  expect(four.accepted).toHaveLength(0);
  expect(six.accepted).toHaveLength(0);
});
afterAll(async () => {
  stub.close();
  await Promise.all([four.close(), six.close()]);
});

const attempt = (host: string, port: number, policy?: EgressPolicy) =>
  createConnector({ policy, resolver: createResolver({ servers: [stub.server], timeoutMs: 500 }) }).connect({
    host,
    port,
    timeoutMs: 5_000,
  });

describe('a listener on loopback, where loopback is not allowed', () => {
  it.each([
    ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0177.0.0.1', '①②⑦.⓪.⓪.①', '127.0.0.1.', '0', '[::1]', '::1'],
    ...['::ffff:127.0.0.1', '[::ffff:7f00:1]', '::127.0.0.1', '::7f00:1', '64:ff9b::7f00:1', '2002:7f00:1::', '::'],
    ...['localhost', 'LOCALHOST.', 'x.localhost'],
    ...['loopback.test', 'six.test', 'mixed.test', 'mixed-families.test'],
    ...['mapped.test', 'compatible.test', 'crowd.test'],
  ])('is not reached as %s', async (host) => {
    await expect(attempt(host, four.port)).rejects.toEqual(denied);
    await expect(attempt(host, six.port)).rejects.toEqual(denied);
  });

  it('is not reached by a name that a rule allows for another port', async () => {
    const policy: EgressPolicy = { allow: ['public', { host: 'fine.test', ports: [1] }] };
    await expect(attempt('fine.test', four.port, policy)).rejects.toEqual(denied);
  });
});

describe('a listener on loopback, where loopback is allowed', () => {
  it('is not reached by a name that also answers with a metadata address', async () => {
    await expect(attempt('metadata.test', four.port, { allow: ['loopback', '0.0.0.0/0'] })).rejects.toEqual(denied);
  });

  it('is reached by a name that a rule allows, and by no other that leads there', async () => {
    const resolver = { resolve: () => Promise.resolve(['127.0.0.1']) };
    const other = await listen(createServer());
    const policy: EgressPolicy = { allow: ['public', { host: 'fine.test', ports: [other.port] }] };
    const to = (host: string) =>
      createConnector({ policy, resolver }).connect({ host, port: other.port, timeoutMs: 5_000 });
    await expect(to('loopback.test')).rejects.toEqual(denied);
    const { socket } = await to('fine.test');
    socket.destroy();
    await other.close();
  });

  it('is reached at the answer that was judged, not at a later one', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const resolver = { resolve: () => Promise.resolve(answers.shift() ?? []) };
    const other = await listen(createServer());
    const connector = createConnector({ policy: { allow: ['loopback'] }, resolver });
    const target = { host: 'rebind.test', port: other.port, timeoutMs: 5_000 };
    const { socket, remoteAddress } = await connector.connect(target);
    expect(remoteAddress).toBe('127.0.0.1');
    expect(answers).toHaveLength(1);
    socket.destroy();
    await other.close();
  });
});

describe('a connection that leads elsewhere than to the address that was judged', () => {
  it.each([
    ['denied', '10.0.0.5'],
    ['reset', undefined],
  ])('is %s, and closed', async (code, remoteAddress) => {
    const other = await listen(createServer());
    // What Node asks the system, for there is no other way to make it lie.
    const asking = Socket.prototype as Socket & { _getpeername(): { address?: string | undefined } };
    vi.spyOn(asking, '_getpeername').mockReturnValue({ address: remoteAddress });
    onTestFinished(() => void vi.restoreAllMocks());
    const connector = createConnector({ policy: { allow: ['loopback', 'private'] } });
    const connecting = connector.connect({ host: '127.0.0.1', port: other.port, timeoutMs: 5_000 });
    await expect(connecting).rejects.toEqual(expect.objectContaining({ name: 'ConnectFailure', code }));
    await expect.poll(() => other.accepted.map((socket) => socket.resume().destroyed)).toEqual([true]);
    await other.close();
  });
});

describe('judgeHost', () => {
  it('judges addresses in any spelling and leaves names to their answers', () => {
    const connector = createConnector();
    expect(connector.judgeHost('0x7f.1', 80)).toEqual({ allowed: false, reason: 'loopback' });
    expect(connector.judgeHost('[::ffff:a9fe:a9fe]', 80)).toEqual({ allowed: false, reason: 'metadata' });
    expect(connector.judgeHost('1.1.1.1', 443)).toEqual({ allowed: true });
    expect(connector.judgeHost('example.com', 443)).toBeUndefined();
    expect(() => connector.judgeHost('', 80)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
