import { execFileSync } from 'node:child_process';
import { Cluster, Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import { available, redisPrefix, redisUrl } from '../../../../test/support/services.js';
import type { RedisClient } from '../../src/caches/redis/client.js';
import { bySlot, slotOf } from '../../src/caches/redis/slot.js';
import { countKeys, sweepKeys, type SweepOptions, type SweptBatch } from '../../src/caches/redis/sweep.js';
import type { KeyTreatment } from '../../src/caches/redis/treat-keys.js';
import { startable, startRedis, startSentinel, type OwnServer } from '../support/own-servers.js';

const remove: KeyTreatment = { action: 'remove', minIdleSeconds: null, minBytes: null, ttlSeconds: 100 };
const expire: KeyTreatment = { ...remove, action: 'expire' };
const options = (pattern: string, more: Partial<SweepOptions> = {}): SweepOptions => ({
  clock: systemClock,
  signal: new AbortController().signal,
  pattern,
  treatment: remove,
  dutyCycle: 1,
  onBatch: () => Promise.resolve(true),
  ...more,
});
const fill = async (client: Redis | Cluster, keys: string[], value = 'x'.repeat(100)): Promise<void> => {
  for (let at = 0; at < keys.length; at += 500)
    await Promise.all(keys.slice(at, at + 500).map((key) => client.set(key, value)));
};
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe.skipIf(!available.redis)('sweeping Redis (needs Redis: npm run services)', () => {
  const redis = new Redis(redisUrl);
  const prefix = redisPrefix();
  const left = async (pattern = '*') =>
    (await redis.keys(prefix + pattern)).map((it) => it.slice(prefix.length)).sort();
  afterEach(async () => {
    const keys = await redis.keysBuffer(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
  });
  afterAll(() => redis.disconnect());

  it('removes what matches and nothing else, and counts it exactly', async () => {
    await fill(redis, numbered(`${prefix}cache:`, 5_000));
    await fill(redis, numbered(`${prefix}keep:`, 10));
    const counted = await countKeys(redis, options(`${prefix}cache:*`));
    expect(counted).toMatchObject({ keys: 5_000, exact: true });
    expect(counted.sample).toHaveLength(10);
    expect(await left()).toHaveLength(5_010);
    const swept = await sweepKeys(redis, options(`${prefix}cache:*`));
    expect(swept).toMatchObject({ seen: 5_000, changed: 5_000, finished: true });
    expect(swept.bytes).toBeGreaterThan(5_000 * 100);
    expect(swept.bytes).toBeLessThan(5_000 * 400);
    expect(swept.memoryBefore).toBeGreaterThan(0);
    expect(await left()).toEqual(numbered('keep:', 10).sort());
  });

  it('removes keys whose names are no text', async () => {
    const odd = Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3, 0x28]);
    await redis.set(Buffer.concat([Buffer.from(`${prefix}cache:`), odd]), 'x');
    expect(await sweepKeys(redis, options(`${prefix}cache:*`))).toMatchObject({ changed: 1 });
    expect(await left()).toEqual([]);
  });

  it('keeps what is used, and a key that is written after it was scanned', async () => {
    await fill(redis, [`${prefix}c:idle`, `${prefix}c:rewritten`]);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await fill(redis, [`${prefix}c:fresh`]);
    const client: RedisClient = {
      callBuffer: async (command, ...args) => {
        const answer = await redis.callBuffer(command, ...args);
        if (command === 'SCAN') await redis.set(`${prefix}c:rewritten`, 'new');
        return answer;
      },
      pipeline: () => redis.pipeline(),
    };
    const idle = options(`${prefix}c:*`, { treatment: { ...remove, minIdleSeconds: 2 } });
    expect((await countKeys(redis, idle)).keys).toBe(2);
    expect(await sweepKeys(client, idle)).toMatchObject({ changed: 1 });
    expect(await left()).toEqual(['c:fresh', 'c:rewritten']);
  });

  it('removes only keys of a size', async () => {
    await fill(redis, numbered(`${prefix}c:small`, 20));
    await fill(redis, numbered(`${prefix}c:large`, 5), 'x'.repeat(10_000));
    const large = options(`${prefix}c:*`, { treatment: { ...remove, minBytes: 5_000 } });
    const swept = await sweepKeys(redis, large);
    expect(swept).toMatchObject({ changed: 5 });
    expect(swept.bytes).toBeGreaterThan(50_000);
    expect(await left('c:large*')).toEqual([]);
    expect(await left()).toHaveLength(20);
  });

  it('gives keys without a time to live one, spread out, and leaves the others theirs', async () => {
    await fill(redis, numbered(`${prefix}c:`, 200));
    await redis.set(`${prefix}c:short`, 'x', 'EX', 7);
    const repair = options(`${prefix}c:*`, { treatment: expire });
    expect((await countKeys(redis, repair)).keys).toBe(200);
    expect(await sweepKeys(redis, repair)).toMatchObject({ changed: 200, seen: 201 });
    expect(await redis.ttl(`${prefix}c:short`)).toBeLessThanOrEqual(7);
    const ttls = await Promise.all(numbered(`${prefix}c:`, 200).map((key) => redis.ttl(key)));
    expect(Math.min(...ttls)).toBeGreaterThan(90);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(110);
    expect(new Set(ttls).size).toBeGreaterThan(5);
    expect(await sweepKeys(redis, repair)).toMatchObject({ changed: 0 });
    expect(await left()).toHaveLength(201);
  });

  it('stops when it is told to, changes no more than it may, and goes on where it stopped', async () => {
    await fill(redis, numbered(`${prefix}c:`, 6_000));
    let last: SweptBatch | undefined;
    let total = 0;
    const some = (more: Partial<SweepOptions>) =>
      sweepKeys(
        redis,
        options(`${prefix}c:*`, {
          onBatch: (batch) => ((last = batch), (total += batch.changed), Promise.resolve(true)),
          ...more,
        }),
      );
    const stopped = await some({
      onBatch: (batch) => ((last = batch), (total += batch.changed), Promise.resolve(total < 500)),
    });
    expect(stopped.finished).toBe(false);
    expect(await left()).toHaveLength(6_000 - total);
    const before = total;
    const limited = await some({ cursor: last?.cursor, remaining: () => before + 100 - total });
    expect(limited).toMatchObject({ changed: 100, finished: false });
    expect(await some({ cursor: last?.cursor })).toMatchObject({ finished: true });
    expect(await left()).toEqual([]);
    expect(total).toBe(6_000);
  });

  it('ends at once when its signal aborts', async () => {
    await fill(redis, numbered(`${prefix}c:`, 3_000));
    const controller = new AbortController();
    const onBatch = () => (controller.abort(new Error('enough')), Promise.resolve(true));
    await expect(sweepKeys(redis, options(`${prefix}c:*`, { signal: controller.signal, onBatch }))).rejects.toThrow(
      'enough',
    );
  });
});

describe('sweeping', () => {
  it('keeps a server at it for a fifth of the time at most', async () => {
    let [time, busyMs, rests] = [0, 0, 0];
    const clock: Clock = {
      ...systemClock,
      monotonic: () => time,
      sleep: (ms) => ((time += ms), (rests += ms), Promise.resolve()),
    };
    const spend = <Answer>(ms: number, answer: Answer): Promise<Answer> => (
      (time += ms),
      (busyMs += ms),
      Promise.resolve(answer)
    );
    let round = 0;
    const client: RedisClient = {
      callBuffer: (command) =>
        command === 'SCAN'
          ? spend(1.5, [Buffer.from(String(++round % 200)), [Buffer.from(`key:${round}`)]])
          : Promise.resolve(Buffer.from('')),
      pipeline: () => {
        let commands = 0;
        const pipeline = {
          callBuffer: () => ((commands += 1), pipeline),
          exec: () =>
            spend(
              2,
              Array.from({ length: commands }, (): [null, number] => [null, 1]),
            ),
        };
        return pipeline;
      },
    };
    await sweepKeys(client, options('key:*', { clock, dutyCycle: 0.2 }));
    expect(busyMs).toBeGreaterThan(600);
    expect(busyMs / (busyMs + rests)).toBeLessThan(0.21);
    expect(busyMs / (busyMs + rests)).toBeGreaterThan(0.15);
  });

  it('puts keys of one slot together', () => {
    const keys = ['a{tag}', 'b{tag}', 'c', '{}d', '{e', 'f}{'].map((it) => Buffer.from(it));
    expect(bySlot(keys).map((group) => group.map(String))).toEqual([
      ['a{tag}', 'b{tag}'],
      ['c'],
      ['{}d'],
      ['{e'],
      ['f}{'],
    ]);
  });
});

describe.skipIf(!startable.redis)('sweeping a Redis of its own (needs redis-server: npm run services)', () => {
  it('removes by DEL where there is no UNLINK, and does not guess at idle times that are not kept', async () => {
    const server = await startRedis(['--rename-command', 'UNLINK', '', '--maxmemory-policy', 'allkeys-lfu']);
    const redis = new Redis(server.port);
    try {
      await fill(redis, numbered('cache:', 50));
      await fill(redis, ['cache:large'], 'x'.repeat(10_000));
      const idle = options('cache:*', { treatment: { ...remove, minIdleSeconds: 1 } });
      await expect(sweepKeys(redis, idle)).rejects.toThrow(/LFU/);
      const large = options('cache:*', { treatment: { ...remove, minBytes: 5_000 } });
      expect(await sweepKeys(redis, large)).toMatchObject({ changed: 1 });
      expect(await sweepKeys(redis, options('cache:*'))).toMatchObject({ changed: 50 });
      expect(await redis.dbsize()).toBe(0);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });

  describe('that is a cluster of three', () => {
    const servers: OwnServer[] = [];
    let cluster: Cluster;
    beforeAll(async () => {
      for (let i = 0; i < 3; i++)
        servers.push(await startRedis(['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']));
      const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
      execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'ignore' });
      cluster = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
      while ((await cluster.set('probe', '1').catch(() => null)) !== 'OK')
        await new Promise((resolve) => setTimeout(resolve, 100));
      await cluster.del('probe');
    }, 60_000);
    afterAll(async () => {
      cluster?.disconnect();
      await Promise.all(servers.map((server) => server.stop()));
    });

    it('knows the slot of a key as the cluster does', async () => {
      const [node] = cluster.nodes('master');
      for (const key of ['', 'a', '{user}:1', 'x{}y', '{}', 'über{ü}', '{a}{b}', 'x}{y}', '\u0000'])
        expect(slotOf(Buffer.from(key)), key).toBe(await node?.cluster('KEYSLOT', key));
    });

    it('removes on every node what matches, and counts it before', async () => {
      await fill(cluster, numbered('cache:', 3_000));
      await fill(cluster, numbered('keep:', 30));
      await fill(cluster, numbered('cache:{tag}:', 300));
      expect(await countKeys(cluster, options('cache:*'))).toMatchObject({ keys: 3_300, exact: true });
      expect(await sweepKeys(cluster, options('cache:*'))).toMatchObject({ changed: 3_300, finished: true });
      const sizes = await Promise.all(cluster.nodes('master').map((node) => node.dbsize()));
      expect(sizes.reduce((a, b) => a + b)).toBe(30);
    });

    it('looks twice there, too, and repairs', async () => {
      await fill(cluster, numbered('c:small:', 100));
      await fill(cluster, numbered('c:large:', 20), 'x'.repeat(10_000));
      const large = { ...remove, minBytes: 5_000 };
      expect(await sweepKeys(cluster, options('c:*', { treatment: large }))).toMatchObject({ changed: 20 });
      expect(await sweepKeys(cluster, options('c:*', { treatment: expire }))).toMatchObject({ changed: 100 });
      expect(await sweepKeys(cluster, options('c:*', { treatment: expire }))).toMatchObject({ changed: 0 });
    });

    it('goes on with the nodes that are not done', async () => {
      await fill(cluster, numbered('c:', 3_000));
      const seen = { last: undefined as SweptBatch | undefined, total: 0 };
      const stop = (batch: SweptBatch) => (
        (seen.last = batch),
        (seen.total += batch.changed),
        Promise.resolve(seen.total < 1_500)
      );
      expect(await sweepKeys(cluster, options('c:*', { onBatch: stop }))).toMatchObject({ finished: false });
      const more = await sweepKeys(cluster, options('c:*', { cursor: seen.last?.cursor }));
      expect([more.finished, more.changed + seen.total]).toEqual([true, 3_000 + 100]);
    });

    it('finds keys whose slot moves while it is at work', async () => {
      const [from, to] = cluster.nodes('master') as [Redis, Redis];
      let key = '';
      for (const it of numbered('moving:', 1_000))
        if (await from.set(it, 'x').catch(() => null)) {
          key = it;
          break;
        }
      const slot = slotOf(Buffer.from(key));
      const [fromId, toId] = [await from.cluster('MYID'), await to.cluster('MYID')];
      const { host, port } = to.options;
      const client: RedisClient = {
        callBuffer: (command, ...args) => cluster.callBuffer(command, ...args),
        pipeline: () => cluster.pipeline(),
        nodes: () =>
          cluster.nodes('master').map((node) => ({
            pipeline: () => node.pipeline(),
            callBuffer: async (command, ...args) => {
              const answer = await node.callBuffer(command, ...args);
              if (command !== 'SCAN' || node !== from) return answer;
              await to.cluster('SETSLOT', slot, 'IMPORTING', fromId as string);
              await from.cluster('SETSLOT', slot, 'MIGRATING', toId as string);
              await from.migrate(host ?? '', port ?? 0, key, 0, 5_000);
              for (const it of [to, from]) await it.cluster('SETSLOT', slot, 'NODE', toId as string);
              return answer;
            },
          })),
      };
      expect(await sweepKeys(client, options('moving:*', { treatment: { ...remove, minBytes: 1 } }))).toMatchObject({
        changed: 1,
      });
      expect(await cluster.exists(key)).toBe(0);
    });
  });

  it('follows sentinels to another primary', async () => {
    const primary = await startRedis([]);
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(primary.port)]);
    const sentinel = await startSentinel(primary.port);
    const redis = new Redis({
      sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
      name: 'main',
      maxRetriesPerRequest: 50,
    });
    redis.on('error', () => undefined);
    try {
      await fill(redis, numbered('cache:', 1_000));
      await redis.wait(1, 5_000);
      expect(await sweepKeys(redis, options('cache:1*'))).toMatchObject({ finished: true });
      await redis.wait(1, 5_000);
      const control = new Redis(sentinel.port);
      await expect.poll(() => control.call('SENTINEL', 'REPLICAS', 'main'), { timeout: 20_000 }).toHaveLength(1);
      await primary.stop();
      const replicaNow = new Redis(replica.port);
      await expect.poll(async () => (await replicaNow.role())[0], { timeout: 60_000 }).toBe('master');
      replicaNow.disconnect();
      control.disconnect();
      const swept = await sweepKeys(redis, options('cache:*'));
      expect(swept).toMatchObject({ changed: 1_000 - 111, finished: true });
    } finally {
      redis.disconnect();
      for (const server of [sentinel, replica, primary]) await server.stop();
    }
  }, 120_000);
});
