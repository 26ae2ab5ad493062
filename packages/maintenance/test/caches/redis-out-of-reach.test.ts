import { Cluster } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import type { RedisClient } from '../../src/caches/redis/client.js';
import { countKeys } from '../../src/caches/redis/count.js';
import { sweepKeys } from '../../src/caches/redis/sweep.js';
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
