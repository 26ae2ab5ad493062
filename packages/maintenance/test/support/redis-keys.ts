import type { Cluster, Redis } from 'ioredis';
import { systemClock } from '@dotmac/core';
import type { SweepOptions } from '../../src/caches/redis/sweep.js';
import type { KeyTreatment } from '../../src/caches/redis/treatment.js';

/** Every key goes. */
export const remove: KeyTreatment = { action: 'remove', minIdleSeconds: null, minBytes: null, ttlSeconds: 100 };
/** Keys without a time to live get one. */
export const expire: KeyTreatment = { ...remove, action: 'expire' };
/** A sweep that nothing holds up. */
export const options = (pattern: string, more: Partial<SweepOptions> = {}): SweepOptions => ({
  clock: systemClock,
  signal: new AbortController().signal,
  pattern,
  treatment: remove,
  dutyCycle: 1,
  onBatch: () => Promise.resolve(true),
  ...more,
});
/** Sets these keys. */
export const fill = async (client: Redis | Cluster, keys: string[], value = 'x'.repeat(100)): Promise<void> => {
  for (let at = 0; at < keys.length; at += 500)
    await Promise.all(keys.slice(at, at + 500).map((key) => client.set(key, value)));
};
/** Sets a key that was last used so long ago. */
export const fillIdle = async (client: Redis, key: string, idleSeconds: number): Promise<void> => {
  await fill(client, [key]);
  const value = await client.dumpBuffer(key);
  await client.restore(key, 0, value as Buffer, 'REPLACE', 'IDLETIME', idleSeconds);
};
/** So many keys of a prefix. */
export const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
