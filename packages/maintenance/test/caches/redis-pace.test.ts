import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import type { RedisClient } from '../../src/caches/redis/client.js';
import { bySlot } from '../../src/caches/redis/slot.js';
import { sweepKeys } from '../../src/caches/redis/sweep.js';
import { startable, startRedis } from '../support/own-servers.js';
import { options } from '../support/redis-keys.js';

describe('sweeping', () => {
  /** Time that passes only when the server works or somebody sleeps. */
  const slowTime = () => {
    let [time, busyMs, rests] = [0, 0, 0];
    const clock: Clock = {
      ...systemClock,
      monotonic: () => time,
      sleep: (ms) => ((time += ms), (rests += ms), Promise.resolve()),
    };
    const spend = <Answer>(ms: number, answer: Answer): Promise<Answer> => (
      (time += ms),
      (busyMs += ms),
      Promise.resolve(answer)
    );
    return { clock, spend, now: () => time, share: () => busyMs / (busyMs + rests), busyMs: () => busyMs };
  };

  it('keeps a server at it for a fifth of the time at most, in pipelines', async () => {
    const { clock, spend, share, busyMs } = slowTime();
    const refuse = () => Promise.reject(Object.assign(new Error('NOPERM'), { name: 'ReplyError' }));
    let round = 0;
    const client: RedisClient = {
      callBuffer: (command) =>
        command === 'SCAN'
          ? spend(1.5, [Buffer.from(String(++round % 200)), [Buffer.from(`key:${round}`)]])
          : Promise.resolve(Buffer.from('')),
      pipeline: () => {
        const commands: string[] = [];
        const pipeline = {
          callBuffer: (command: string) => (commands.push(command), pipeline),
          exec: () =>
            commands.includes('EVALSHA')
              ? refuse()
              : spend(
                  2,
                  commands.map((): [null, number] => [null, 1]),
                ),
        };
        return pipeline;
      },
    };
    await sweepKeys(client, options('key:*', { clock, dutyCycle: 0.2 }));
    expect(busyMs()).toBeGreaterThan(600);
    expect(share()).toBeLessThan(0.21);
    expect(share()).toBeGreaterThan(0.15);
  });

  it.each([0.25, 1, 3])('keeps a server for a few milliseconds a call, where a step takes %d ms', async (stepMs) => {
    const { clock, spend, now, share } = slowTime();
    let steps = 0;
    const calls: number[] = [];
    const time = () => [Math.floor(now() / 1_000), (now() % 1_000) * 1_000];
    const script = async (taken: number): Promise<unknown> => {
      calls.push(taken * stepMs);
      steps += taken;
      return spend(taken * stepMs, [steps >= 2_000 ? '0' : '7', 250, 250, 500, 5, 0]);
    };
    const client: RedisClient = {
      callBuffer: () => Promise.resolve(Buffer.from('')),
      pipeline: () => {
        const commands: unknown[][] = [];
        const pipeline = {
          callBuffer: (...command: unknown[]) => (commands.push(command), pipeline),
          exec: async () => {
            const answers: [null, unknown][] = [];
            for (const [name, ...args] of commands)
              answers.push([null, name === 'TIME' ? time() : await script(Number(args.at(-2)))]);
            return answers;
          },
        };
        return pipeline;
      },
    };
    expect(await sweepKeys(client, options('key:*', { clock, dutyCycle: 0.2 }))).toMatchObject({ finished: true });
    expect(share()).toBeLessThan(0.21);
    expect(share()).toBeGreaterThan(0.15);
    const settled = calls.slice(5, -1);
    expect(Math.max(...settled)).toBeLessThanOrEqual(Math.max(2, stepMs));
    expect(Math.min(...settled)).toBeGreaterThan(1);
  });

  it.skipIf(!startable.redis)(
    'takes of a real server’s processor about a fifth of the time at most (needs redis-server)',
    async () => {
      const server = await startRedis([]);
      const redis = new Redis(server.port);
      onTestFinished(async () => {
        redis.disconnect();
        await server.stop();
      });
      await redis.eval(`for i = 1, 200000 do redis.call('SET', 'key:' .. i, 'x') end`, 0);
      const cpuSeconds = async () =>
        [...(await redis.info('cpu')).matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].reduce(
          (sum, it) => sum + Number(it[1]),
          0,
        );
      // Where others use the machine, what it takes is less of the time, never more.
      const [cpu, startedAt] = [await cpuSeconds(), performance.now()];
      expect(await sweepKeys(redis, options('key:*', { dutyCycle: 0.2 }))).toMatchObject({ changed: 200_000 });
      const seconds = (performance.now() - startedAt) / 1_000;
      expect(((await cpuSeconds()) - cpu) / seconds).toBeLessThan(0.3);
    },
  );

  it('puts keys of one slot together', () => {
    const keys = ['a{tag}', 'b{tag}', 'c', '{}d', '{e', 'f}{'].map((it) => Buffer.from(it));
    expect(bySlot(keys).map((group) => group.map(String))).toEqual([
      ['a{tag}', 'b{tag}'],
      ['c'],
      ['{}d'],
      ['{e'],
      ['f}{'],
    ]);
  });
});
