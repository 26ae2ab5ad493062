import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { available, redisPrefix, redisUrl } from '../../../../test/support/services.js';
import type { RedisClient } from '../../src/caches/redis/client.js';
import { countKeys } from '../../src/caches/redis/count.js';
import { sweepKeys, type SweepOptions, type SweptBatch } from '../../src/caches/redis/sweep.js';
import { expire, fill, fillIdle, numbered, options, remove } from '../support/redis-keys.js';

describe.skipIf(!available.redis).each([
  ['within the server', '+@all'],
  ['in pipelines, where its user may not run kept scripts', '+@all -evalsha'],
])('sweeping Redis %s (needs Redis: npm run services)', (_, permissions) => {
  const prefix = redisPrefix();
  const [username, password] = [prefix.replaceAll(':', '-'), 'cleaner'];
  const admin = new Redis(redisUrl);
  const redis = new Redis(redisUrl, { username, password, lazyConnect: true });
  beforeAll(async () => {
    await admin.acl('SETUSER', username, 'on', `>${password}`, '~*', '&*', ...permissions.split(' '));
    await redis.connect();
  });
  const left = async (pattern = '*') =>
    (await redis.keys(prefix + pattern)).map((it) => it.slice(prefix.length)).sort();
  afterEach(async () => {
    const keys = await redis.keysBuffer(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
  });
  afterAll(async () => {
    redis.disconnect();
    await admin.acl('DELUSER', username);
    admin.disconnect();
  });

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

  it('counts a key once that a scan shows again', async () => {
    await fill(redis, numbered(`${prefix}cache:`, 10));
    // As while the server makes its table larger or smaller.
    const twice: RedisClient = {
      pipeline: () => redis.pipeline(),
      callBuffer: async (command, ...args) =>
        command === 'SCAN'
          ? [Buffer.from(args[0] === '0' ? '1' : '0'), await redis.keysBuffer(`${prefix}cache:*`)]
          : redis.callBuffer(command, ...args),
    };
    expect(await countKeys(twice, options(`${prefix}cache:*`))).toMatchObject({ keys: 10, seen: 10, exact: true });
  });

  it('may be held up between the rounds of a count, and cut short there', async () => {
    await fill(redis, numbered(`${prefix}cache:`, 3_000));
    let asked = 0;
    const relief = () => Promise.resolve(void (asked += 1));
    await countKeys(redis, { ...options(`${prefix}cache:*`), relief });
    expect(asked).toBeGreaterThan(1);
    const enough = () => Promise.reject(new Error('enough'));
    await expect(countKeys(redis, { ...options(`${prefix}cache:*`), relief: enough })).rejects.toThrow('enough');
  });

  it('removes keys whose names are no text', async () => {
    const odd = Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0xc3, 0x28]);
    await redis.set(Buffer.concat([Buffer.from(`${prefix}cache:`), odd]), 'x');
    expect(await sweepKeys(redis, options(`${prefix}cache:*`))).toMatchObject({ changed: 1 });
    expect(await left()).toEqual([]);
  });

  it('keeps what is used', async () => {
    await fillIdle(redis, `${prefix}c:idle`, 1_000);
    await fill(redis, [`${prefix}c:fresh`]);
    const idle = options(`${prefix}c:*`, { treatment: { ...remove, minIdleSeconds: 600 } });
    expect((await countKeys(redis, idle)).keys).toBe(1);
    expect(await sweepKeys(redis, idle)).toMatchObject({ changed: 1, seen: 2 });
    expect(await left()).toEqual(['c:fresh']);
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
    await redis.set(`${prefix}c:short`, 'x', 'EX', 70);
    const repair = options(`${prefix}c:*`, { treatment: expire });
    expect((await countKeys(redis, repair)).keys).toBe(200);
    expect(await sweepKeys(redis, repair)).toMatchObject({ changed: 200, seen: 201 });
    expect(await redis.ttl(`${prefix}c:short`)).toBeLessThanOrEqual(70);
    const ttls = await Promise.all(numbered(`${prefix}c:`, 200).map((key) => redis.ttl(key)));
    expect(Math.min(...ttls)).toBeGreaterThan(70);
    expect(Math.max(...ttls)).toBeLessThanOrEqual(110);
    expect(new Set(ttls).size).toBeGreaterThan(5);
    expect(await sweepKeys(redis, repair)).toMatchObject({ changed: 0 });
    expect(await left()).toHaveLength(201);
  });

  it('means keys from the very size and idle time on that are asked for', async () => {
    await fill(redis, [`${prefix}c:at`, `${prefix}c:under`], 'x'.repeat(9_000));
    await fill(redis, [`${prefix}c:under`], 'x');
    const minBytes = Number(await redis.memory('USAGE', `${prefix}c:at`));
    const large = options(`${prefix}c:*`, { treatment: { ...remove, minBytes } });
    expect((await countKeys(redis, large)).keys).toBe(1);
    expect(await sweepKeys(redis, large)).toMatchObject({ changed: 1 });
    expect(await left()).toEqual(['c:under']);
    // It has been idle for longer by now, if anything.
    await fillIdle(redis, `${prefix}c:idle`, 100_000);
    const idle = options(`${prefix}c:*`, { treatment: { ...remove, minIdleSeconds: 100_000 } });
    expect(await sweepKeys(redis, idle)).toMatchObject({ changed: 1 });
    expect(await left()).toEqual(['c:under']);
  });

  it('gives only keys a time to live that are idle, and large, where that is asked for', async () => {
    const without = async () => {
      const keys = await left();
      const ttls = await Promise.all(keys.map((key) => redis.ttl(prefix + key)));
      return keys.filter((_, place) => ttls[place] === -1);
    };
    await fillIdle(redis, `${prefix}c:idle`, 1_000);
    await fill(redis, [`${prefix}c:fresh`]);
    await fill(redis, [`${prefix}c:large`], 'x'.repeat(10_000));
    const idle = options(`${prefix}c:*`, { treatment: { ...expire, minIdleSeconds: 600 } });
    expect((await countKeys(redis, idle)).keys).toBe(1);
    expect(await sweepKeys(redis, idle)).toMatchObject({ changed: 1, seen: 3 });
    expect(await without()).toEqual(['c:fresh', 'c:large']);
    const large = options(`${prefix}c:*`, { treatment: { ...expire, minBytes: 5_000 } });
    expect(await sweepKeys(redis, large)).toMatchObject({ changed: 1, seen: 3 });
    expect(await without()).toEqual(['c:fresh']);
  });

  it('does nothing more where an earlier sweep was done', async () => {
    await fill(redis, numbered(`${prefix}c:`, 10));
    let last: SweptBatch | undefined;
    await sweepKeys(redis, options(`${prefix}c:*`, { onBatch: (batch) => ((last = batch), Promise.resolve(true)) }));
    await fill(redis, numbered(`${prefix}c:`, 10));
    const again = await sweepKeys(redis, options(`${prefix}c:*`, { cursor: last?.cursor }));
    expect(again).toMatchObject({ seen: 0, changed: 0, finished: true });
    expect(await left()).toHaveLength(10);
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

  it('changes no more than it may where only some keys are meant, and misses none of the rest', async () => {
    await fill(redis, numbered(`${prefix}c:small`, 2_000));
    await fill(redis, numbered(`${prefix}c:large`, 300), 'x'.repeat(10_000));
    const treatment = { ...remove, minBytes: 5_000 };
    let [total, cursor] = [0, undefined as SweptBatch['cursor'] | undefined];
    const onBatch = (batch: SweptBatch) => ((total += batch.changed), (cursor = batch.cursor), Promise.resolve(true));
    for (let finished = false, runs = 1; !finished; runs++) {
      const remaining = (): number => runs * 120 - total;
      ({ finished } = await sweepKeys(redis, options(`${prefix}c:*`, { treatment, cursor, remaining, onBatch })));
      expect(total).toBeLessThanOrEqual(runs * 120);
      expect(runs).toBeLessThan(50);
    }
    expect(total).toBe(300);
    expect(await left()).toHaveLength(2_000);
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
