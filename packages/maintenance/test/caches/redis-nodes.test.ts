import { execFileSync } from 'node:child_process';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisClient } from '../../src/caches/redis/client.js';
import { countKeys } from '../../src/caches/redis/count.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { slotOf } from '../../src/caches/redis/slot.js';
import { sweepKeys, type SweptBatch } from '../../src/caches/redis/sweep.js';
import { startable, startRedis, startSentinel, type OwnServer } from '../support/own-servers.js';
import { expire, fill, numbered, options, remove } from '../support/redis-keys.js';

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
      for (let i = 0; i < 3; i++) servers.push(await startRedis(['--cluster-enabled', 'yes']));
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
      for (const key of ['', 'a', 'a}b', '{user}:1', 'x{}y', '{}', 'über{ü}', '{a}{b}', 'x}{y}', '\u0000'])
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

    it('has the memory of all its nodes together, before and after', async () => {
      const used = () =>
        Promise.all(
          cluster.nodes('master').map(async (it) => Number(/^used_memory:(\d+)/m.exec(await it.info('memory'))?.[1])),
        );
      await fill(cluster, numbered('cache:', 3_000), 'x'.repeat(10_000));
      const [before, swept] = [await used(), await sweepKeys(cluster, options('cache:*'))];
      const [sumBefore, sumAfter] = [before, await used()].map((all) => all.reduce((a, b) => a + b)) as [
        number,
        number,
      ];
      // Of which buffers of connections come and go.
      expect(Math.abs((swept.memoryBefore ?? 0) - sumBefore)).toBeLessThan(4e6);
      expect(Math.abs((swept.memoryAfter ?? 0) - sumAfter)).toBeLessThan(4e6);
      expect((swept.memoryBefore ?? 0) - (swept.memoryAfter ?? 0)).toBeGreaterThan(28e6);
      expect(Math.max(...before)).toBeLessThan(20e6);
    });

    it('is cleaned as a plan says, and from node to node by the runs that go on from one at its budget', async () => {
      const policy = { name: 'pages', redis: () => cluster, pattern: 'pages:*', dutyCycle: 1 };
      const store = memoryMaintenanceStore();
      const { plans, runs } = createMaintenance({ store, caches: [policy], throttle: [] }).scope({ tenantId: 'acme' });
      const asked = { maintenanceType: 'cache_cleanup', parameters: { redis_cleanup: true } };
      const nodes = await Promise.all(
        cluster.nodes('master').map(async (node) => ({ id: String(await node.cluster('MYID')), node })),
      );
      const left = async () => Promise.all(nodes.map(async ({ node }) => (await node.keys('pages:*')).length));

      await fill(cluster, numbered('pages:', 3_000));
      const { id, plan } = await plans.create(asked);
      expect(plan.targets).toMatchObject([{ target: 'redis:pages', items: 3_000, exact: true }]);
      expect((await left()).reduce((a, b) => a + b)).toBe(3_000);
      expect(await plans.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: 3_000 });
      expect(await left()).toEqual([0, 0, 0]);

      await fill(cluster, numbered('pages:', 3_000));
      let last = await runs.execute({ ...asked, parameters: { ...asked.parameters, max_items: 1_200 } });
      expect(last).toMatchObject({ itemsCleaned: 1_200, stopReason: 'items', resumable: true });
      const cursor = (await store.runs('acme').get(last.taskId))?.cursors['redis:pages']?.cursor as Record<
        string,
        string
      >;
      const [first, second, third] = nodes.map((it) => cursor[it.id]);
      expect([first, second === 'done', third]).toEqual(['done', false, undefined]);
      // What comes to a node that is done stays: nobody looks there again.
      const { node } = nodes[0]!;
      const late = [];
      for (const key of numbered('pages:late:', 50)) if (await node.set(key, 'x').catch(() => null)) late.push(key);
      for (let tries = 0; last.resumable && tries < 10; tries++) {
        const { taskId } = await runs.resume(last.taskId);
        await expect.poll(async () => (await runs.get(taskId)).status).toBe('completed');
        last = await runs.get(taskId);
      }
      expect(await left()).toEqual([late.length, 0, 0]);
      expect(late.length).toBeGreaterThan(0);
      expect(last.itemsCleaned).toBe(600);
      await Promise.all(late.map((key) => cluster.del(key)));
    });

    it('is connected first by a client that is so only when it is asked something', async () => {
      await fill(cluster, numbered('lazy:', 300));
      const lazy = new Cluster(
        servers.map(({ port }) => ({ host: '127.0.0.1', port })),
        { lazyConnect: true },
      );
      try {
        expect(await sweepKeys(lazy, options('lazy:*'))).toMatchObject({ changed: 300, finished: true });
      } finally {
        lazy.disconnect();
      }
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
    // Whoever follows it has what it has at once.
    const primary = await startRedis(['--repl-diskless-sync-delay', '0']);
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
      expect(await sweepKeys(redis, options('cache:1*'))).toMatchObject({ finished: true });
      // Without an end: what the replica has not got is lost with the primary.
      expect(await redis.wait(1, 0)).toBe(1);
      const control = new Redis(sentinel.port);
      await expect.poll(() => control.call('SENTINEL', 'REPLICAS', 'main'), { timeout: 20_000 }).toHaveLength(1);
      await primary.stop();
      await control.call('SENTINEL', 'SET', 'main', 'down-after-milliseconds', '1000');
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
