import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { countKeys } from '../../src/caches/redis/count.js';
import { sweepKeys } from '../../src/caches/redis/sweep.js';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceModule } from '../../src/index.js';
import { startable, startRedis, type OwnServer } from '../support/own-servers.js';
import { fill, numbered, options } from '../support/redis-keys.js';

/** In what ways a server is away. */
const ways = [
  ['is stopped', 'SIGSTOP'],
  ['has gone', 'SIGKILL'],
] as const;

for (const [away, kill] of startable.redis ? ways : [])
  describe(`a server that ${away}, of a client that tries for as long as it takes`, () => {
    let server: OwnServer;
    let client: Redis;
    beforeEach(async () => {
      server = await startRedis([]);
      client = new Redis(server.port, { maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      await fill(client, numbered('cache:', 5_000));
    });
    afterEach(async () => {
      client.disconnect();
      await server.stop();
    });
    const leave = () => void server.process.kill(kill);
    let asked = 0;
    const cleaning = (): MaintenanceModule => {
      asked = 0;
      const redis = () => ((asked += 1), client);
      const caches = [{ name: 'cache', pattern: 'cache:*', dutyCycle: 1, redis }];
      return createMaintenance({ store: memoryMaintenanceStore(), throttle: [], caches });
    };

    it('is waited for ten seconds at first', async () => {
      leave();
      const clock = fakeClock();
      const counting = countKeys(client, options('cache:*', { clock })).catch(String);
      const sweeping = sweepKeys(client, options('cache:*', { clock })).catch(String);
      await clock.advance(10_000);
      expect(await Promise.all([counting, sweeping])).toEqual(Array(2).fill('Error: Redis does not answer.'));
      expect(clock.pending).toBe(0);
    });

    it('is waited for half a minute amid a sweep', async () => {
      const clock = fakeClock();
      let rounds = 0;
      const onBatch = () => ((rounds += 1), leave(), Promise.resolve(true));
      let failure: string | undefined;
      const sweeping = sweepKeys(client, options('cache:*', { clock, onBatch })).catch(
        (error: unknown) => (failure = String(error)),
      );
      await expect.poll(() => rounds).toBe(1);
      await clock.advance(29_000);
      expect(failure).toBeUndefined();
      await clock.advance(1_000);
      await sweeping;
      expect(failure).toBe('Error: Redis does not answer.');
    });

    it.each([
      ['dry runs', true],
      ['runs', false],
    ])('keeps none of %s from being cancelled', async (_, dryRun) => {
      leave();
      const { runs } = cleaning().scope({ tenantId: 'acme' });
      const { taskId } = await runs.beginRun('cache_cleanup', { redisCleanup: true, dryRun });
      await expect.poll(() => asked).toBe(1);
      await runs.cancel(taskId);
      await expect.poll(async () => (await runs.get(taskId)).status).toBe('cancelled');
    });

    it('keeps nobody from stopping', async () => {
      const maintenance = cleaning();
      await maintenance.start();
      const { runs } = maintenance.scope({ tenantId: 'acme' });
      leave();
      const { taskId } = await runs.beginRun('cache_cleanup', { redisCleanup: true });
      await expect.poll(() => asked).toBe(1);
      await maintenance.stop();
      expect(await runs.get(taskId)).toMatchObject({ status: 'cancelled', stopReason: 'stopped' });
    });
  });
