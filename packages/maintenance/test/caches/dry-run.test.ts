import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { available, redisPrefix, redisUrl } from '../../../../test/support/services.js';
import { createMaintenance, memoryMaintenanceStore, type CachePolicy, type MemoryCache } from '../../src/index.js';

/** Plans and dry runs of these caches; how many entries they found. */
async function look(caches: CachePolicy[]): Promise<number[]> {
  const maintenance = createMaintenance({ store: memoryMaintenanceStore(), caches });
  const { runs, plans } = maintenance.scope({ tenantId: 'acme' });
  const parameters = { redis_cleanup: true };
  const { plan } = await plans.create({ maintenanceType: 'cache_cleanup', parameters });
  const dry = { maintenanceType: 'cache_cleanup', parameters: { ...parameters, dry_run: true } };
  expect(await runs.execute(dry)).toMatchObject({ status: 'completed', itemsCleaned: 0 });
  return plan.targets.map(({ items }) => items);
}

it('a dry run asks a cache in memory for its size, and for nothing else', async () => {
  const cache = new LRUCache<string, string>({ max: 100, ttl: 3_600_000 });
  for (let i = 0; i < 20; i++) cache.set(`old ${i}`, 'x', { start: performance.now() - 7_200_000 });
  for (let i = 0; i < 10; i++) cache.set(`new ${i}`, 'x');
  const asked = new Set<string | symbol>();
  const spied: MemoryCache = new Proxy(cache, {
    get: (it, name) => (asked.add(name), Reflect.get(it, name, it) as unknown),
  });
  const caches = (['stale', 'all'] as const).map((remove) => ({ name: remove, memory: () => spied, remove }));
  expect(await look(caches)).toEqual([30, 30]);
  expect([...asked]).toEqual(['size']);
});

describe.skipIf(!available.redis)('a dry run on Redis (needs Redis: npm run services)', () => {
  const redis = new Redis(redisUrl);
  const prefix = redisPrefix();
  const keys = async () => (await redis.keysBuffer(`${prefix}*`)).sort((one, other) => one.compare(other));
  afterEach(async () => {
    const all = await keys();
    if (all.length > 0) await redis.unlink(...all);
  });
  afterAll(() => redis.disconnect());

  const expiresAt = async (key: string | Buffer) => Number(await redis.call('PEXPIRETIME', key));
  /** Each key with its value, byte by byte, and when it expires. */
  const dump = async () => {
    const all = await keys();
    return Promise.all(
      all.map(async (key) => {
        const [value, expires] = [await redis.dumpBuffer(key), await expiresAt(key)];
        return [key.toString('latin1'), value?.toString('hex'), expires];
      }),
    );
  };

  it('changes no value, time to live or idle time of any key, whatever its policy asks', async () => {
    const key = (name: string): string => `${prefix}cache:${name}`;
    const texts = Array.from({ length: 1_500 }, (_, i) => key(`text:${i}`));
    await Promise.all(texts.map((it, i) => redis.set(it, 'x'.repeat(i))));
    await redis.hset(key('hash'), { one: '1', two: '2' });
    await redis.rpush(key('list'), 'a', 'b', 'c');
    await redis.sadd(key('set'), 'a', 'b', 'c');
    await redis.zadd(key('sorted'), 1, 'a', 2, 'b');
    await redis.xadd(key('stream'), '1-1', 'field', 'value');
    await redis.set(Buffer.concat([Buffer.from(key('')), Buffer.of(0xff, 0xfe)]), Buffer.of(0, 1, 255));
    await redis.set(`${prefix}kept`, 'x');
    const expires = Date.now() + 3_600_000;
    await Promise.all(texts.slice(0, 200).map((it, i) => redis.pexpireat(it, expires + i)));
    const before = await dump();
    expect(before).toHaveLength(1_507);
    // As if nobody had read these for half a day: who looks at them must not count as a reader.
    const idle = texts.slice(0, 300);
    for (const it of idle) {
      const [value, at] = [(await redis.dumpBuffer(it)) as Buffer, await expiresAt(it)];
      const lasting = at < 0 ? [] : ['ABSTTL'];
      await redis.call('RESTORE', [it, Math.max(0, at), value, 'REPLACE', ...lasting, 'IDLETIME', 45_000]);
    }
    const common = { redis: () => redis, pattern: `${prefix}cache:*`, dutyCycle: 1 };
    const found = await look([
      { ...common, name: 'all' },
      { ...common, name: 'shared', maxShare: 0.1 },
      { ...common, name: 'lasting', action: 'expire', ttlSeconds: 500 },
      { ...common, name: 'idle', minIdleSeconds: 36_000 },
      { ...common, name: 'large', minBytes: 1_000 },
      { ...common, name: 'idle-lasting', action: 'expire', ttlSeconds: 500, minIdleSeconds: 36_000 },
    ]);
    expect(found).toEqual([1_506, 1_506, 1_306, 300, expect.any(Number), 100]);
    expect(found[4]).toBeGreaterThan(300);
    // Before the values, for whoever dumps one reads it.
    const idles = await Promise.all(texts.map((it) => redis.object('IDLETIME', it)));
    expect(texts.filter((_, i) => Number(idles[i]) > 40_000)).toEqual(idle);
    expect(await dump()).toEqual(before);
  });
});
