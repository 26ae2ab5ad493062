import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createResolver, type Resolver, type ResolverOptions } from '../../src/net/index.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';
import { dnsStub, type DnsStub } from './dns-stub.js';

let stub: DnsStub;
let folder: string;
let clock: FakeClock;
const failure = (code: string, ownTrouble: boolean) =>
  expect.objectContaining({ name: 'ConnectFailure', code, ownTrouble });
const create = (options: ResolverOptions = {}): Resolver =>
  createResolver({
    clock,
    servers: [stub.server],
    timeoutMs: 10_000,
    tries: 1,
    hostsPath: join(folder, 'hosts'),
    ...options,
  });

beforeAll(async () => {
  stub = await dnsStub({
    'both.test': { a: ['1.1.1.1', '1.0.0.1'], aaaa: ['2606:4700::1111'], ttl: 60 },
    'brief.test': { a: ['1.1.1.1'], ttl: 0 },
    'empty.test': {},
    'broken.test': { rcode: 'SERVFAIL' },
    'refusing.test': { rcode: 'REFUSED' },
    'silent.test': { silent: true },
    'half.test': { a: ['1.1.1.1'], ttl: 300, failing: 'AAAA' },
    'many.test': { a: Array.from({ length: 25 }, (_, at) => `1.1.1.${at}`) },
  });
  folder = mkdtempSync(join(tmpdir(), 'dotmac-hosts-'));
});
beforeEach(() => {
  clock = fakeClock();
  stub.asked.length = 0;
});
afterAll(() => {
  stub.close();
  rmSync(folder, { recursive: true });
});

describe('a resolver', () => {
  it('gives all addresses of both families, once per TTL however many ask', async () => {
    const resolver = create();
    const all = await Promise.all(Array.from({ length: 50 }, () => resolver.resolve('Both.Test.')));
    expect(all.every((addresses) => addresses.join() === '1.1.1.1,1.0.0.1,2606:4700::1111')).toBe(true);
    await clock.advance(59_000);
    await resolver.resolve('both.test');
    expect(stub.asked.toSorted()).toEqual(['A both.test', 'AAAA both.test']);
    await clock.advance(2_000);
    await resolver.resolve('both.test');
    expect(stub.asked).toHaveLength(4);
  });

  it('keeps a TTL of zero for a second', async () => {
    const resolver = create();
    await resolver.resolve('brief.test');
    await clock.advance(900);
    await resolver.resolve('brief.test');
    expect(stub.asked).toHaveLength(2);
    await clock.advance(200);
    await resolver.resolve('brief.test');
    expect(stub.asked).toHaveLength(4);
  });

  it.each(['nowhere.test', 'empty.test'])('remembers for five seconds that %s has no address', async (name) => {
    const resolver = create();
    await expect(resolver.resolve(name)).rejects.toEqual(failure('name_not_found', false));
    await expect(resolver.resolve(name)).rejects.toEqual(failure('name_not_found', false));
    expect(stub.asked).toHaveLength(2);
    await clock.advance(5_100);
    await expect(resolver.resolve(name)).rejects.toEqual(failure('name_not_found', false));
    expect(stub.asked).toHaveLength(4);
  });

  it.each(['broken.test', 'refusing.test', 'silent.test'])('blames itself for %s, and asks again', async (name) => {
    const resolver = create({ clock: undefined, timeoutMs: 200 });
    await expect(resolver.resolve(name)).rejects.toEqual(failure('dns_failed', true));
    const before = stub.asked.length;
    await expect(resolver.resolve(name)).rejects.toEqual(failure('dns_failed', true));
    expect(stub.asked.length).toBeGreaterThan(before);
  });

  it('takes what one family says when the other fails, for a short while', async () => {
    const resolver = create();
    expect(await resolver.resolve('half.test')).toEqual(['1.1.1.1']);
    const before = stub.asked.length;
    await clock.advance(5_100);
    expect(await resolver.resolve('half.test')).toEqual(['1.1.1.1']);
    expect(stub.asked.length).toBeGreaterThan(before);
  });

  it('stops waiting for one caller and not for the others', async () => {
    const resolver = create({ clock: undefined, timeoutMs: 400 });
    const abort = new AbortController();
    const left = resolver.resolve('silent.test', abort.signal);
    const stayed = resolver.resolve('silent.test');
    abort.abort();
    await expect(left).rejects.toEqual(failure('aborted', false));
    await expect(stayed).rejects.toEqual(failure('dns_failed', true));
    await expect(resolver.resolve('both.test', AbortSignal.abort())).rejects.toEqual(failure('aborted', false));
  });

  it('forgets the least recently used name beyond its limit', async () => {
    const resolver = create({ maxNames: 2 });
    for (const name of ['both.test', 'many.test', 'both.test', 'half.test']) await resolver.resolve(name);
    stub.asked.length = 0;
    await resolver.resolve('both.test');
    expect(stub.asked).toEqual([]);
    await resolver.resolve('many.test');
    expect(stub.asked).toHaveLength(2);
  });

  it('asks nobody about localhost and addresses', async () => {
    const resolver = create();
    expect(await resolver.resolve('LOCALHOST')).toEqual(['127.0.0.1', '::1']);
    expect(await resolver.resolve('db.localhost.')).toEqual(['127.0.0.1', '::1']);
    expect(await resolver.resolve('0x7f.1')).toEqual(['127.0.0.1']);
    await expect(resolver.resolve('a b')).rejects.toEqual(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(stub.asked).toEqual([]);
  });

  it('reads the hosts file, and reads it again when it changed', async () => {
    const path = join(folder, 'changing');
    writeFileSync(path, '# table\n10.0.0.5\torders Orders.Internal # db\n::5 orders\nfe80::1%lo zone\nnonsense x\n');
    const resolver = create({ hostsPath: path });
    expect(await resolver.resolve('orders')).toEqual(['10.0.0.5', '::5']);
    expect(await resolver.resolve('orders.internal')).toEqual(['10.0.0.5']);
    writeFileSync(path, '10.0.0.6 orders\n');
    utimesSync(path, 1, 1);
    await clock.advance(1_100);
    expect(await resolver.resolve('orders')).toEqual(['10.0.0.6']);
    expect(stub.asked).toEqual([]);
  });

  it('goes by what the hosts file said while it cannot be read, and forgets it when it is gone', async () => {
    const path = join(folder, 'unreadable');
    writeFileSync(path, '10.0.0.5 orders\n');
    const resolver = create({ hostsPath: path });
    expect(await resolver.resolve('orders')).toEqual(['10.0.0.5']);
    rmSync(path);
    mkdirSync(path);
    await clock.advance(1_100);
    expect(await resolver.resolve('orders')).toEqual(['10.0.0.5']);
    rmSync(path, { recursive: true });
    await clock.advance(1_100);
    await expect(resolver.resolve('orders')).rejects.toEqual(failure('name_not_found', false));
  });
});
