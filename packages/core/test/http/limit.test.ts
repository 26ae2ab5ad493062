import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { addressKey, createLimiter } from '../../src/http/limit.js';
import { available, redisPrefix, redisUrl } from '../../../../test/support/services.js';

describe('an address as one caller', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
  ])('%s counts as %s', (address, expected) => {
    expect(addressKey(address)).toBe(expected);
  });
});

describe('a limiter', () => {
  it('admits exactly as many of a burst as the limit says', async () => {
    const limit = createLimiter('burst', { requests: 20 }, systemClock);
    const burst = await Promise.all(Array.from({ length: 100 }, () => limit('caller')));
    expect(burst.filter(({ exceeded }) => !exceeded)).toHaveLength(20);
    expect((await limit('another')).remaining).toBe(19);
  });

  it('has whoever asked for too much wait for a second at the least', async () => {
    const limit = createLimiter('brief', { requests: 1, windowSeconds: 1 }, systemClock);
    for (const exceeded of [false, true]) expect(await limit('caller')).toMatchObject({ exceeded, resetSeconds: 1 });
  });

  it.each([0, 0.5, 2_592_000, Number.NaN])('refuses a window of %s seconds', (windowSeconds) => {
    expect(() => createLimiter('w', { requests: 1, windowSeconds }, systemClock)).toThrow(/windowSeconds/);
  });

  describe.skipIf(!available.redis)('on Redis (needs Redis: npm run services)', () => {
    it('counts together with other processes, and alone when Redis is gone', async () => {
      const name = redisPrefix();
      const [one, two] = [new Redis(redisUrl), new Redis(redisUrl)];
      await Promise.all([one.ping(), two.ping()]);
      // By whose time Redis has all the time that it takes.
      const limits = [one, two].map((redis) => createLimiter(name, { requests: 10, redis }, fakeClock()));
      const burst = await Promise.all(Array.from({ length: 40 }, (_, index) => limits[index % 2]!('caller')));
      expect(burst.filter(({ exceeded }) => !exceeded)).toHaveLength(10);
      one.disconnect();
      expect((await limits[0]!('caller')).exceeded).toBe(false);
      for (const key of await two.keys(`dotmac:limit:${name}*`)) await two.del(key);
      two.disconnect();
    });

    it('counts apart from one of another name, and leaves no timer behind', async () => {
      const [name, redis, clock] = [redisPrefix(), new Redis(redisUrl), fakeClock()];
      await redis.ping();
      const [addresses, principals] = ['address', 'principal'].map((kind) =>
        createLimiter(`${name}${kind}`, { requests: 1, redis }, clock),
      );
      expect((await addresses?.('caller'))?.exceeded).toBe(false);
      expect((await principals?.('caller'))?.exceeded).toBe(false);
      expect((await addresses?.('caller'))?.exceeded).toBe(true);
      expect(clock.pending).toBe(0);
      for (const key of await redis.keys(`dotmac:limit:${name}*`)) await redis.del(key);
      redis.disconnect();
    });

    it('goes on alone when Redis freezes, and does not wait for it again', async () => {
      const { port, hostname } = new URL(redisUrl);
      const sockets: Socket[] = [];
      const proxy = createServer((socket) => {
        const upstream = connect(Number(port) || 6379, hostname);
        socket.pipe(upstream).pipe(socket);
        sockets.push(socket, upstream);
      }).listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const redis = new Redis((proxy.address() as AddressInfo).port, '127.0.0.1');
      redis.on('error', () => undefined);
      await redis.ping();
      const clock = fakeClock();
      const limit = createLimiter(redisPrefix(), { requests: 2, redis }, clock);
      for (const socket of sockets) socket.unpipe().pause();
      const first = limit('caller');
      await clock.advance(250);
      expect((await first).exceeded).toBe(false);
      // The clock stands still meanwhile: nobody waits for anything.
      for (const exceeded of [false, true]) expect((await limit('caller')).exceeded).toBe(exceeded);
      await clock.advance(5_000);
      const again = limit('caller');
      expect(clock.pending).toBe(1);
      await clock.advance(250);
      expect((await again).exceeded).toBe(true);
      redis.disconnect();
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
  });
});
