import { Unreachable, WrongAnswer } from '../probes/probe.js';
import type { ServiceFacts } from './service-check.js';
import { shownRole, shownVersion } from './shown.js';
import type { ServiceTarget } from './target.js';

/** What a Redis is asked through: a client, or a connection of ours. */
export interface RedisConnection {
  ping(): Promise<string>;
  info(): Promise<string>;
}

/** The part of an ioredis client that is used: of a single node, or of what sentinels watch over. */
export interface RedisCheckClient extends RedisConnection {
  readonly status: string;
}

/**
 * A Redis that the host has a client for.
 *
 * @example
 * createHealth({ store, targets: { cache: redisTarget(client) } });
 */
export function redisTarget(client: RedisCheckClient): ServiceTarget {
  return {
    serviceType: 'redis',
    async check() {
      if (client.status === 'end') throw new Unreachable('Redis cannot be reached', { code: 'no_answer' });
      try {
        return { facts: await askRedis(client) };
      } catch (error) {
        // A ReplyError is Redis speaking: no password, still loading, out of memory.
        if (error instanceof Error && error.name === 'ReplyError')
          throw new WrongAnswer('Redis answered with an error', { code: 'service_refused' });
        throw new Unreachable('Redis cannot be reached', { code: 'no_answer' });
      }
    },
  };
}

/** The names of what {@link askRedis} finds out. */
export const redisFacts: readonly string[] = [
  'version',
  'role',
  'ping_ms',
  'uptime_seconds',
  'connected_clients',
  'blocked_clients',
  'max_clients',
  'clients_percent',
  'used_memory_bytes',
  'memory_percent',
  'evicted_keys',
];

/**
 * PING, and what INFO says of memory and load. `ping_ms` holds the wait behind commands that the client sent before;
 * percentages are of Redis's own limits, where it has them.
 */
export async function askRedis(client: RedisConnection): Promise<ServiceFacts> {
  const asked = performance.now();
  await client.ping();
  const pingMs = performance.now() - asked;
  const info = new Map(
    (await client.info()).split('\r\n').map((line) => line.split(':', 2) as [string, string | undefined]),
  );
  const number = (name: string): number => Number(info.get(name) ?? 0);
  const share = (fact: string, part: string, whole: string) =>
    number(whole) > 0 && { [fact]: Math.round((10_000 * number(part)) / number(whole)) / 100 };
  return {
    version: shownVersion(info.get('redis_version')),
    role: shownRole(info.get('role')),
    ping_ms: Math.round(1_000 * pingMs) / 1_000,
    uptime_seconds: number('uptime_in_seconds'),
    connected_clients: number('connected_clients'),
    blocked_clients: number('blocked_clients'),
    // Redis 7 and later tell how many clients there may be.
    ...(number('maxclients') > 0 && { max_clients: number('maxclients') }),
    ...share('clients_percent', 'connected_clients', 'maxclients'),
    used_memory_bytes: number('used_memory'),
    ...share('memory_percent', 'used_memory', 'maxmemory'),
    evicted_keys: number('evicted_keys'),
  };
}
