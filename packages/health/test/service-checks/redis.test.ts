import { Redis, type RedisOptions } from 'ioredis';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available, redisUrl } from '../../../../test/support/services.js';
import { closedPort } from '../../../../test/support/ports.js';
import { redisTarget } from '../../src/index.js';
import { checksWith } from '../support/checking.js';
import { serving } from '../support/probing.js';

const check = (client: Redis, timeout = 5) =>
  checksWith({ targets: { cache: redisTarget(client) } }).run({ serviceType: 'redis', target: 'cache', timeout });
function client(url: string, options: RedisOptions = {}): Redis {
  const made = new Redis(url, options);
  made.on('error', () => undefined);
  onTestFinished(() => made.disconnect());
  return made;
}

describe.skipIf(!available.redis)('a Redis (needs Redis: npm run services)', () => {
  it('is healthy, with what INFO says of it', async () => {
    const answer = await check(client(redisUrl));
    const { connected_clients: clients, max_clients: most, ...facts } = answer.details as Record<string, number>;
    expect(facts['clients_percent']).toBe(Math.round((10_000 * (clients ?? NaN)) / (most ?? NaN)) / 100);
    expect(facts['ping_ms']).toBeGreaterThan(0);
    expect(facts['ping_ms']).toBeLessThanOrEqual(1_000 * (answer.responseTime ?? NaN) + 0.001);
    expect(answer).toEqual({
      status: 'healthy',
      code: 'ok',
      responseTime: expect.any(Number) as number,
      message: 'It answered as expected',
      details: {
        version: expect.stringMatching(/^\d+\.\d+/) as string,
        role: 'master',
        ping_ms: expect.any(Number) as number,
        uptime_seconds: expect.any(Number) as number,
        connected_clients: expect.any(Number) as number,
        blocked_clients: expect.any(Number) as number,
        max_clients: expect.any(Number) as number,
        clients_percent: expect.any(Number) as number,
        used_memory_bytes: expect.any(Number) as number,
        evicted_keys: expect.any(Number) as number,
      },
    });
  });

  it('leaves the client of the host as it was', async () => {
    const shared = client(redisUrl);
    await check(shared);
    expect(shared.status).toBe('ready');
    expect(await shared.ping()).toBe('PONG');
  });
});

describe('a Redis client', () => {
  it('that has ended is offline', async () => {
    const ended = client(`redis://127.0.0.1:${await closedPort()}`, { lazyConnect: true, retryStrategy: () => null });
    await ended.connect().catch(() => undefined);
    expect(await check(ended)).toMatchObject({ status: 'offline', details: {} });
  });

  it('that is refused, and keeps trying, is offline within the time', async () => {
    const refused = client(`redis://:hunter2@127.0.0.1:${await closedPort()}`);
    const answer = await check(refused, 0.5);
    expect(answer).toMatchObject({ status: 'offline', message: 'No answer in time' });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  it('whose server never answers is offline when the time is up', async () => {
    const { port } = await serving(createServer());
    const answer = await check(client(`redis://127.0.0.1:${port}`, { enableReadyCheck: false }), 0.3);
    expect(answer).toMatchObject({ status: 'offline', message: 'No answer in time' });
  });

  it('whose server answers with errors is critical, and their text stays here', async () => {
    const complain = (socket: Socket) =>
      void socket.on('data', (data) => {
        const commands = data.toString().match(/^\*\d+\r$/gm)?.length ?? 0;
        socket.write('-NOAUTH hunter2 is not the password\r\n'.repeat(commands));
      });
    const { port } = await serving(createServer(), undefined, complain);
    const answer = await check(client(`redis://127.0.0.1:${port}`, { enableReadyCheck: false }));
    expect(answer).toMatchObject({ status: 'critical', message: 'Redis answered with an error' });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  it('whose server has limits is shown with its shares of them, and with how long it took to answer', async () => {
    const numbers = {
      ...{ redis_version: '7.2.4', role: 'slave', uptime_in_seconds: 86_400, connected_clients: 3, blocked_clients: 1 },
      ...{ maxclients: 40, used_memory: 1_000_000, maxmemory: 3_000_000, evicted_keys: 12 },
    };
    const info = Object.entries(numbers).map(([name, value]) => `${name}:${value}`);
    const said = `# Server\r\n${info.join('\r\n')}\r\n`;
    const slow = (socket: Socket) =>
      void socket.on('data', (data) => {
        for (const [asked] of data.toString().matchAll(/^(?:info|ping)\r$/gim))
          if (/^info/i.test(asked)) socket.write(`$${Buffer.byteLength(said)}\r\n${said}\r\n`);
          else setTimeout(() => socket.write('+PONG\r\n'), 30);
      });
    const { port } = await serving(createServer(), undefined, slow);
    const limited = client(`redis://127.0.0.1:${port}`, { enableReadyCheck: false, disableClientInfo: true });
    const { details } = await check(limited);
    expect(details).toEqual({
      ...{ version: '7.2.4', role: 'slave', ping_ms: expect.any(Number) as number, uptime_seconds: 86_400 },
      ...{ connected_clients: 3, blocked_clients: 1, max_clients: 40, clients_percent: 7.5 },
      ...{ used_memory_bytes: 1_000_000, memory_percent: 33.33, evicted_keys: 12 },
    });
    // A timer may fire a little early by the other clock.
    expect((details as { ping_ms: number }).ping_ms).toBeGreaterThan(28);
  });

  it.each([
    ['longer than any version', 'x'.repeat(100_000), 'x'.repeat(65), null],
    ['a banner', 'SSH-2.0-OpenSSH_9.2', 'sesame', null],
    ['more than numbers', '7.2<script>', 'master\u001b[2J', '7.2'],
    ['more than a version', '7.2.'.repeat(20), 'masters', null],
  ])('whose server says of itself what is %s has no word of it shown', async (_, version, role, shown) => {
    const info = `redis_version:${version}\r\nrole:${role}\r\nconnected_clients:1`;
    const answers = [`$${Buffer.byteLength(info)}\r\n${info}\r\n`, '+PONG\r\n'] as const;
    const brag = (socket: Socket) =>
      void socket.on('data', (data) => {
        for (const [asked] of data.toString().matchAll(/^(?:info|ping)\r$/gim))
          socket.write(/^info/i.test(asked) ? answers[0] : answers[1]);
      });
    const { port } = await serving(createServer(), undefined, brag);
    const bragging = client(`redis://127.0.0.1:${port}`, { enableReadyCheck: false, disableClientInfo: true });
    expect(await check(bragging)).toMatchObject({
      status: 'healthy',
      details: { version: shown, role: null, connected_clients: 1 },
    });
  });
});
