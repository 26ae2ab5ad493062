import type { Redis } from 'ioredis';
import { Unreachable, WrongAnswer } from '../probes/probe.js';
import type { ServiceFacts } from './service-check.js';
import type { ServiceTarget } from './target.js';

/**
 * A Redis that the host has a client for.
 *
 * @example
 * createHealth({ store, targets: { cache: redisTarget(client) } });
 */
export function redisTarget(client: Redis): ServiceTarget {
  return {
    serviceType: 'redis',
    async check() {
      if (client.status === 'end') throw new Unreachable('Redis cannot be reached');
      return { facts: await askRedis(client) };
    },
  };
}

/** PING, and what INFO says of memory and load. */
export async function askRedis(client: Redis): Promise<ServiceFacts> {
  try {
    await client.ping();
    const info = new Map(
      (await client.info()).split('\r\n').map((line) => line.split(':', 2) as [string, string | undefined]),
    );
    const number = (name: string): number => Number(info.get(name) ?? 0);
    return {
      version: info.get('redis_version') ?? '',
      role: info.get('role') ?? '',
      uptime_seconds: number('uptime_in_seconds'),
      connected_clients: number('connected_clients'),
      used_memory_bytes: number('used_memory'),
      evicted_keys: number('evicted_keys'),
    };
  } catch (error) {
    // A ReplyError is Redis speaking: no password, still loading, out of memory.
    if (error instanceof Error && error.name === 'ReplyError')
      throw new WrongAnswer('Redis answered with an error', null);
    throw new Unreachable('Redis cannot be reached');
  }
}
