import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countKeys } from '../../src/caches/redis/count.js';
import type { RedisClient } from '../../src/caches/redis/client.js';
import { sweepKeys } from '../../src/caches/redis/sweep.js';
import { startable, startRedis, type OwnServer } from '../support/own-servers.js';
import { expire, fill, fillIdle, numbered, options, remove } from '../support/redis-keys.js';

describe.skipIf(!startable.redis)(
  'sweeping a Redis whose users may do this or that (needs redis-server: npm run services)',
  () => {
    let server: OwnServer;
    let admin: Redis;
    beforeAll(async () => {
      server = await startRedis([]);
      admin = new Redis(server.port);
    });
    afterEach(() => admin.flushall());
    afterAll(async () => {
      admin.disconnect();
      await server.stop();
    });
    const as = async (...permissions: string[]): Promise<Redis> => {
      await admin.acl('SETUSER', 'cleaner', 'reset', 'on', '>secret', '~*', ...permissions);
      return new Redis(server.port, { username: 'cleaner', password: 'secret' });
    };
    const calls = async (command: string): Promise<number> =>
      Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await admin.info('commandstats'))?.[1] ?? 0);

    it('sends no name of a key to and fro where scripts are allowed', async () => {
      await fill(admin, numbered('cache:', 20_000));
      const before = await admin.info('stats');
      expect(await sweepKeys(admin, options('cache:*'))).toMatchObject({ changed: 20_000, finished: true });
      const bytes = (info: string) =>
        ['input', 'output'].reduce(
          (sum, it) => sum + Number(new RegExp(`total_net_${it}_bytes:(\\d+)`).exec(info)?.[1]),
          0,
        );
      expect(bytes(await admin.info('stats')) - bytes(before)).toBeLessThan(20_000 * 'cache:12345'.length);
    });

    it('teaches the script to a server that has forgotten it', async () => {
      await fill(admin, numbered('cache:', 5_000));
      const onBatch = async () => (await admin.script('FLUSH'), true);
      const evals = await calls('eval');
      expect(await sweepKeys(admin, options('cache:*', { onBatch }))).toMatchObject({ changed: 5_000, finished: true });
      expect(await calls('eval')).toBeGreaterThan(evals + 1);
    });

    it('counts and removes without a script where none is allowed', async () => {
      const redis = await as('+@all', '-@scripting');
      try {
        await fill(admin, numbered('cache:', 3_000));
        await fill(admin, numbered('keep:', 10));
        const counted = await countKeys(redis, options('cache:*'));
        expect(counted).toMatchObject({ keys: 3_000, exact: true });
        expect(counted.bytes).toBeGreaterThan(3_000 * 100);
        expect(await sweepKeys(redis, options('cache:*'))).toMatchObject({ changed: 3_000, finished: true });
        expect(await admin.dbsize()).toBe(10);
      } finally {
        redis.disconnect();
      }
    });

    it('looks at no key twice without scripts: it says what is missing, and removes none', async () => {
      const redis = await as('+@all', '-@scripting');
      try {
        await fill(admin, numbered('cache:', 50));
        const large = options('cache:*', { treatment: { ...remove, minBytes: 1 } });
        await expect(sweepKeys(redis, large)).rejects.toThrow(/NOPERM.*eval/);
        await expect(countKeys(redis, large)).rejects.toThrow(/NOPERM.*eval/);
        expect(await admin.dbsize()).toBe(50);
      } finally {
        redis.disconnect();
      }
    });

    it('gives keys without a time to live one where no script is allowed, and touches no other', async () => {
      const redis = await as('+@all', '-@scripting');
      try {
        await fill(admin, numbered('cache:', 3_000));
        await fill(admin, numbered('keep:', 10));
        await Promise.all(numbered('cache:', 500).map((key) => admin.expire(key, 50_000)));
        const lasting = options('cache:*', { treatment: { ...expire, ttlSeconds: 1_000 } });
        expect(await countKeys(redis, lasting)).toMatchObject({ keys: 2_500, exact: true });
        expect(await sweepKeys(redis, lasting)).toMatchObject({ seen: 3_000, changed: 2_500, finished: true });
        const ttls = await Promise.all(numbered('cache:', 3_000).map((key) => admin.ttl(key)));
        expect(ttls.filter((ttl) => ttl > 49_000)).toHaveLength(500);
        const given = ttls.filter((ttl) => ttl <= 49_000);
        expect([Math.min(...given) > 900, Math.max(...given) <= 1_100]).toEqual([true, true]);
        // Not all at once.
        expect(new Set(given).size).toBeGreaterThan(50);
        expect(await admin.ttl('keep:1')).toBe(-1);
        expect(await sweepKeys(redis, lasting)).toMatchObject({ changed: 0, finished: true });
      } finally {
        redis.disconnect();
      }
    });

    it('without scripts, too, changes as many keys as it may, however many it looks at on the way', async () => {
      const redis = await as('+@all', '-@scripting');
      try {
        await fill(admin, numbered('cache:', 3_000));
        // What a scan comes upon first needs nothing.
        const [, first] = (await admin.scan(0, 'COUNT', 1_000)) as [string, string[]];
        await Promise.all(first.slice(0, 500).map((key) => admin.expire(key, 50_000)));
        let left = 250;
        const limited = options('cache:*', {
          treatment: expire,
          remaining: () => left,
          onBatch: ({ changed }) => Promise.resolve((left -= changed) > 0),
        });
        const cut = await sweepKeys(redis, limited);
        expect(cut).toMatchObject({ changed: 250, finished: false });
        expect(cut.seen).toBeGreaterThanOrEqual(750);
        left = 10_000;
        expect(await sweepKeys(redis, limited)).toMatchObject({ changed: 2_250, finished: true });
      } finally {
        redis.disconnect();
      }
    });

    it('asks a server that knows no condition of EXPIRE by a script, and says what is missing where it may not', async () => {
      const redis = await as('+@all', '-evalsha');
      // What Redis 6 answers.
      const older = (client: Redis): RedisClient => ({
        callBuffer: (command, ...args) => client.callBuffer(command, ...args),
        pipeline() {
          const real = client.pipeline();
          let refused = false;
          return {
            callBuffer(command, ...args) {
              if (args.at(-1) === 'NX') refused = true;
              return real.callBuffer(command, ...args);
            },
            exec: async () =>
              refused
                ? [
                    [
                      Object.assign(new Error("ERR wrong number of arguments for 'expire' command"), {
                        name: 'ReplyError',
                      }),
                      null,
                    ],
                  ]
                : real.exec(),
          };
        },
      });
      try {
        await fill(admin, numbered('cache:', 50));
        await admin.expire('cache:1', 50_000);
        const lasting = options('cache:*', { treatment: expire });
        expect(await sweepKeys(older(redis), lasting)).toMatchObject({ changed: 49, finished: true });
        expect(await admin.ttl('cache:1')).toBeGreaterThan(49_000);
        expect(await admin.ttl('cache:2')).toBeGreaterThan(0);
        await admin.acl('SETUSER', 'cleaner', '-@scripting');
        await expect(sweepKeys(older(redis), lasting)).rejects.toThrow(/NOPERM.*eval/);
      } finally {
        redis.disconnect();
      }
    });

    it('goes on by the same cursor when scripts are forbidden on the way', async () => {
      const redis = await as('+@all');
      try {
        await fill(admin, numbered('cache:', 8_000));
        const onBatch = async () => (await admin.acl('SETUSER', 'cleaner', '-@scripting'), true);
        expect(await sweepKeys(redis, options('cache:*', { onBatch }))).toMatchObject({
          changed: 8_000,
          finished: true,
        });
        expect(await admin.dbsize()).toBe(0);
      } finally {
        redis.disconnect();
      }
    });

    it('keeps a key that was written after a pipeline found it', async () => {
      const redis = await as('+@all', '-evalsha');
      try {
        for (const key of ['c:idle', 'c:rewritten']) await fillIdle(admin, key, 1_000);
        const client: RedisClient = {
          callBuffer: async (command, ...args) => {
            const answer = await redis.callBuffer(command, ...args);
            if (command === 'SCAN') await admin.set('c:rewritten', 'new');
            return answer;
          },
          pipeline: () => redis.pipeline(),
        };
        const idle = options('c:*', { treatment: { ...remove, minIdleSeconds: 600 } });
        expect(await sweepKeys(client, idle)).toMatchObject({ changed: 1 });
        expect(await admin.keys('*')).toEqual(['c:rewritten']);
      } finally {
        redis.disconnect();
      }
    });
  },
);
