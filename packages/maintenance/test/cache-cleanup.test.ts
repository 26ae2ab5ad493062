import { Cluster, Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { available, redisPrefix, redisUrl } from '../../../test/support/services.js';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions, type MemoryCache } from '../src/index.js';
import { resourceKey } from '../src/runs/lease-keys.js';
import { startable, startRedis, type OwnServer } from './support/own-servers.js';

const scope = (caches: MaintenanceOptions['caches']) =>
  createMaintenance({ store: memoryMaintenanceStore(), caches: caches ?? [] }).scope({ tenantId: 'acme' });
const clean = (runs: ReturnType<typeof scope>['runs'], more: object = {}) =>
  runs.run('cache_cleanup', { redisCleanup: true, ...more });

describe('cleaning a cache in memory', () => {
  it('removes what has expired of an lru-cache, or everything', async () => {
    const cache = new LRUCache<string, string>({ max: 100, ttl: 3_600_000 });
    for (let i = 0; i < 30; i++) cache.set(`old ${i}`, 'x', { start: performance.now() - 7_200_000 });
    for (let i = 0; i < 10; i++) cache.set(`new ${i}`, 'x');
    const stale = scope([{ name: 'lru', memory: () => cache }]);
    const plan = await clean(stale.runs, { dryRun: true });
    expect(plan).toMatchObject({ status: 'completed', itemsCleaned: 0 });
    expect(cache.size).toBe(40);
    expect(await clean(stale.runs)).toMatchObject({
      status: 'completed',
      itemsCleaned: 30,
      details: { policies: [{ policy: 'lru', kind: 'memory', seen: 40, removed: 30 }] },
    });
    expect(cache.size).toBe(10);
    const all = scope([{ name: 'lru', memory: () => cache, remove: 'all' }]);
    expect((await clean(all.runs)).itemsCleaned).toBe(10);
    expect(cache.size).toBe(0);
  });

  it('asks before more is cleared than its share; of what has expired nobody asks', async () => {
    const cache = new LRUCache<string, string>({ max: 2_000, ttl: 3_600_000 });
    const fill = () => {
      for (let i = 0; i < 1_500; i++) cache.set(`${i}`, 'x', { start: performance.now() - 7_200_000 });
    };
    fill();
    const policy = { name: 'lru', memory: () => cache, maxShare: 0.9 };
    expect(await clean(scope([policy]).runs)).toMatchObject({ status: 'completed', itemsCleaned: 1_500 });
    fill();
    const { runs } = scope([{ ...policy, remove: 'all' }]);
    const asked = await clean(runs);
    expect(asked).toMatchObject({
      ...{ status: 'needs_confirmation', itemsCleaned: 0 },
      details: { policies: [{ outcome: 'unconfirmed' }], asked: [{ target: 'memory:lru', planned: 1_500 }] },
    });
    expect(cache.size).toBe(1_500);
    const { taskId } = await runs.confirm(asked.taskId);
    await expect.poll(async () => (await runs.get(taskId)).status).toBe('completed');
    expect(cache.size).toBe(0);
    expect(() => scope([{ ...policy, maxShare: 0 }])).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it.each(['stale', 'all'] as const)(
    'lets go of none, with %s, where more may go at once than the budget',
    async (remove) => {
      const cache = new LRUCache<string, string>({ max: 100, ttl: 3_600_000 });
      for (let i = 0; i < 20; i++) cache.set(`old ${i}`, 'x', { start: performance.now() - 7_200_000 });
      const { runs } = scope([
        { name: 'lru', memory: () => cache, remove },
        { name: 'other', memory: () => new LRUCache<string, string>({ max: 1 }) },
      ]);
      expect(await clean(runs, { maxItems: 19 })).toMatchObject({
        ...{ status: 'completed', stopReason: 'items', itemsCleaned: 0 },
        details: { policies: [{ policy: 'lru', outcome: 'partial', removed: 0 }, { outcome: 'done' }] },
      });
      expect(cache.size).toBe(20);
      expect(await clean(runs, { maxItems: 20 })).toMatchObject({ status: 'completed', itemsCleaned: 20 });
      expect(cache.size).toBe(0);
    },
  );

  it('takes anything with a size and two functions', async () => {
    const map = new Map([['a', 1]]);
    const cache: MemoryCache = {
      get size() {
        return map.size;
      },
      purgeStale: () => map.delete('a'),
      clear: () => map.clear(),
    };
    expect((await clean(scope([{ name: 'map', memory: () => cache }]).runs)).itemsCleaned).toBe(1);
  });
});

describe.skipIf(!available.redis)('cleaning Redis (needs Redis: npm run services)', () => {
  const redis = new Redis(redisUrl);
  const prefix = redisPrefix();
  const fill = async (count: number) => {
    for (let at = 0; at < count; at += 1_000)
      await Promise.all(
        Array.from({ length: Math.min(1_000, count - at) }, (_, i) => redis.set(`${prefix}cache:${at + i}`, 'x')),
      );
  };
  const left = async () => (await redis.keys(`${prefix}*`)).length;
  afterEach(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
  });
  afterAll(() => redis.disconnect());
  const policy = { name: 'pages', redis: () => redis, pattern: `${prefix}cache:*`, dutyCycle: 1 };

  it('asks before more goes than its share, and reckons how long it takes', async () => {
    await fill(2_500);
    const { runs } = scope([{ ...policy, maxShare: 0.000_001 }]);
    const asked = await clean(runs);
    expect(asked).toMatchObject({ status: 'needs_confirmation', itemsCleaned: 0 });
    expect(await left()).toBe(2_500);
    const { taskId } = await runs.confirm(asked.taskId);
    await expect.poll(async () => (await runs.get(taskId)).status).toBe('completed');
    expect(await runs.get(taskId)).toMatchObject({ itemsCleaned: 2_500, progress: { planned: 2_500, etaSeconds: 0 } });
    expect(await left()).toBe(0);
  });

  it('says what it would do, and then does just that', async () => {
    await fill(2_500);
    const { runs } = scope([policy]);
    expect(await clean(runs, { dryRun: true })).toMatchObject({
      itemsCleaned: 0,
      details: { plan: { targets: [{ items: 2_500, to_see: 2_500, exact: true }] } },
    });
    expect(await left()).toBe(2_500);
    const result = await clean(runs);
    expect(result).toMatchObject({ status: 'completed', itemsCleaned: 2_500, spaceFreedMb: 0 });
    expect(result.spaceEstimatedMb).toBeGreaterThan(0.05);
    const [report] = result.details['policies'] as { memory: { before_mb: number } }[];
    expect(report?.memory.before_mb).toBeGreaterThan(0.5);
    expect(await left()).toBe(0);
  });

  it('stops at its budget, and the runs that resume it do the rest', async () => {
    await fill(5_000);
    const { runs } = scope([policy]);
    const first = await clean(runs, { maxItems: 700 });
    expect(first).toMatchObject({ itemsCleaned: 700, stopReason: 'items', resumable: true });
    expect(await left()).toBe(4_300);
    let last = first;
    for (let tries = 0; last.resumable && tries < 10; tries++) {
      const { taskId } = await runs.resume(last.taskId);
      await expect.poll(async () => (await runs.get(taskId)).status).toBe('completed');
      last = await runs.get(taskId);
    }
    expect(await left()).toBe(0);
  });

  it('gives keys a time to live where the policy says so, and removes none', async () => {
    await fill(300);
    const result = await clean(scope([{ ...policy, action: 'expire', ttlSeconds: 500 }]).runs);
    expect(result).toMatchObject({ itemsCleaned: 300, details: { policies: [{ removed: 0, expiring: 300 }] } });
    expect(await left()).toBe(300);
    expect(await redis.ttl(`${prefix}cache:0`)).toBeGreaterThan(400);
  });

  it('says of a store that fails not that the cache does', async () => {
    await fill(20);
    const store = memoryMaintenanceStore();
    const acquire = store.leases.acquire.bind(store.leases);
    vi.spyOn(store.leases, 'acquire').mockImplementation((key, ...more) =>
      key === resourceKey('redis:pages', '') ? Promise.reject(new Error('the store is away')) : acquire(key, ...more),
    );
    const { runs } = createMaintenance({ store, caches: [policy] }).scope({ tenantId: 'acme' });
    const run = await clean(runs);
    expect(run).toMatchObject({ status: 'failed', itemsCleaned: 0, errorMessage: expect.any(String) });
    expect(run.errorMessage).not.toContain('did not answer');
    expect(await left()).toBe(20);
  });

  it.each<[string, () => Redis | Cluster]>([
    ['its own', () => new Redis(redisUrl, { keyPrefix: prefix })],
    ['that of its nodes', () => new Cluster([redisUrl], { lazyConnect: true, redisOptions: { keyPrefix: prefix } })],
  ])('refuses a client that puts a prefix before keys, %s', async (_, open) => {
    await fill(20);
    const client = open();
    onTestFinished(() => client.disconnect());
    const { runs, plans } = scope([{ ...policy, redis: () => client }]);
    expect(await clean(runs)).toMatchObject({
      ...{ status: 'failed', itemsCleaned: 0 },
      errorMessage: expect.stringContaining('prefix of its own'),
    });
    await expect(plans.create({ maintenanceType: 'cache_cleanup', parameters: {} })).rejects.toThrow(
      expect.objectContaining({ code: 'PLAN_NOT_MADE' }),
    );
    expect(await left()).toBe(20);
  });

  it.each([
    [{ ttlSeconds: 0 }],
    [{ dutyCycle: 0 }],
    [{ dutyCycle: 1.1 }],
    [{ minBytes: -1 }],
    [{ minIdleSeconds: Number.NaN }],
    [{ pattern: '*' }],
  ])('refuses a policy with %j', (more) => {
    expect(() => scope([{ ...policy, ...more }])).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe.skipIf(!startable.redis)('a Redis that nobody else uses (needs redis-server)', () => {
  it('has less memory in use after a run than before it, by as much as the keys took', async () => {
    const server = await startRedis([]);
    const redis = new Redis(server.port);
    onTestFinished(async () => {
      redis.disconnect();
      await server.stop();
    });
    const lua = `for i = 1, 2000 do redis.call('SET', 'cache:' .. i, string.rep('x', 10000)) end`;
    await redis.eval(lua, 0);
    const caches = [{ name: 'pages', redis: () => redis, pattern: 'cache:*', dutyCycle: 1 }];
    const maintenance = createMaintenance({ store: memoryMaintenanceStore(), caches, throttle: [] });
    const result = await clean(maintenance.scope({ tenantId: 'acme' }).runs);
    expect(result).toMatchObject({ status: 'completed', itemsCleaned: 2_000, spaceFreedMb: 0 });
    const [report] = result.details['policies'] as { memory: Record<'before_mb' | 'after_mb', number> }[];
    const { before_mb: before, after_mb: after } = report?.memory ?? { before_mb: 0, after_mb: 0 };
    expect(after).toBeGreaterThan(0.5);
    expect(after).toBeLessThan(before);
    expect(before - after).toBeGreaterThan((2_000 * 10_000) / 2 ** 20);
  });
});

describe.skipIf(!startable.redis)('a Redis that cannot do what a policy asks (needs redis-server)', () => {
  let server: OwnServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis(['--maxmemory-policy', 'allkeys-lfu']);
    redis = new Redis(server.port, { maxRetriesPerRequest: 1, retryStrategy: () => null });
    redis.on('error', () => undefined);
  });
  afterAll(() => server.stop());

  it('fails the run with a reason, and removes nothing', async () => {
    await redis.set('cache:1', 'x');
    const { runs } = scope([{ name: 'pages', redis: () => redis, pattern: 'cache:*', minIdleSeconds: 1 }]);
    expect(await clean(runs)).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('idle') });
    expect(await redis.exists('cache:1')).toBe(1);
    await server.stop();
    expect(await clean(runs)).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('did not answer'),
    });
  });

  it('says which permission a policy lacks', async () => {
    const own = await startRedis([]);
    const admin = new Redis(own.port);
    await admin.acl('SETUSER', 'cleaner', 'on', '>secret', '~*', '+@all', '-@scripting');
    await admin.set('cache:1', 'x');
    const cleaner = new Redis(own.port, { username: 'cleaner', password: 'secret' });
    try {
      const { runs } = scope([{ name: 'pages', redis: () => cleaner, pattern: 'cache:*', minBytes: 1 }]);
      expect(await clean(runs)).toMatchObject({ status: 'failed', errorMessage: expect.stringContaining('script') });
      expect(await admin.exists('cache:1')).toBe(1);
    } finally {
      cleaner.disconnect();
      admin.disconnect();
      await own.stop();
    }
  });
});
