import { Cluster } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import type { RedisClient } from '../../src/caches/redis/client.js';
import { countKeys } from '../../src/caches/redis/count.js';
import { sweepKeys } from '../../src/caches/redis/sweep.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { asTimePasses } from '../support/as-time-passes.js';
import { options } from '../support/redis-keys.js';

describe('a cluster that is out of reach', () => {
  const noPermission = Object.assign(new Error("NOPERM User app has no permissions to run the 'ping' command"), {
    name: 'ReplyError',
  });
  it('is none without keys', async () => {
    const away = new Cluster([{ host: '127.0.0.1', port: 1 }]);
    away.on('error', () => undefined);
    try {
      const clock = fakeClock();
      const counting = countKeys(away, options('cache:*', { clock })).catch(String);
      const sweeping = sweepKeys(away, options('cache:*', { clock })).catch(String);
      await clock.advance(10_000);
      expect(await Promise.all([counting, sweeping])).toEqual(
        Array(2).fill('Error: The Redis cluster does not answer.'),
      );
    } finally {
      away.disconnect();
    }
  });

  it.each([
    ['which answers', () => Promise.resolve('PONG')],
    ['which may not be asked', () => Promise.reject(noPermission)],
  ])('has some node at least, one %s', async (_, answer) => {
    const client: RedisClient = { callBuffer: answer, pipeline: () => expect.unreachable(), nodes: () => [] };
    await expect(countKeys(client, options('cache:*'))).rejects.toThrow('no primary');
  });

  it('fails as what it was asked failed', async () => {
    const gone = () => Promise.reject(new Error('None of startup nodes is available'));
    const client: RedisClient = { callBuffer: gone, pipeline: () => expect.unreachable(), nodes: () => [] };
    await expect(countKeys(client, options('cache:*'))).rejects.toThrow('None of startup nodes');
  });
});

describe.each([
  ['a dry run', { dryRun: true }, {}],
  ['a run', { dryRun: false }, {}],
  ['a run that counts first', { dryRun: false }, { maxShare: 0.5 }],
])('a client that the host never gives keeps %s', (_, request, policy) => {
  const begin = async () => {
    let asked = 0;
    const redis = () => ((asked += 1), new Promise<never>(() => undefined));
    const clock = fakeClock();
    const maintenance = createMaintenance({
      ...{ store: memoryMaintenanceStore(), throttle: [], startScheduler: false, clock },
      caches: [{ name: 'pages', pattern: 'page:*', redis, ...policy }],
    });
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    const { taskId } = await runs.beginRun('cache_cleanup', { redisCleanup: true, ...request });
    await expect.poll(() => asked).toBe(1);
    return { clock, runs, taskId };
  };

  it('for ten seconds', async () => {
    const { clock, runs, taskId } = await begin();
    await clock.advance(9_000);
    expect(await runs.get(taskId)).toMatchObject({ status: 'running' });
    await clock.advance(1_000);
    await expect
      .poll(asTimePasses(clock, () => runs.get(taskId)))
      .toMatchObject({ status: 'failed', errorMessage: 'The cache of the policy pages did not answer.' });
  });

  it('for a second when it is cancelled', async () => {
    const { clock, runs, taskId } = await begin();
    await runs.cancel(taskId);
    await clock.advance(1_000);
    await expect.poll(asTimePasses(clock, async () => (await runs.get(taskId)).status)).toBe('cancelled');
  });
});
