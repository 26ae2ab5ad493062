import type { RedisClient } from '../policies/policy.js';

/** What was found and removed. */
export interface ClearedKeys {
  seen: number;
  removed: number;
  /** What they took, estimated from a sample by MEMORY USAGE. */
  bytes: number;
}

/** Options of {@link clearKeys}. */
export interface ClearKeysOptions {
  dryRun: boolean;
  signal: AbortSignal;
}

const scanSize = 500;
const samplesABatch = 5;
const mostRounds = 1_000_000;

/**
 * Removes the keys that match, by SCAN and UNLINK, in rounds that each stall the server for less than a millisecond.
 * SCAN may show a key twice: a dry run remembers what it has seen.
 */
export async function clearKeys(
  redis: RedisClient,
  pattern: string,
  { dryRun, signal }: ClearKeysOptions,
): Promise<ClearedKeys> {
  const counted = new Set<string>();
  const total: ClearedKeys = { seen: 0, removed: 0, bytes: 0 };
  let cursor = '0';
  for (let round = 0; round < mostRounds; round++) {
    signal.throwIfAborted();
    const [next, found] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', scanSize);
    const keys = [...new Set(found)].filter((key) => !dryRun || (!counted.has(key) && counted.add(key)));
    if (keys.length > 0) {
      const meanBytes = await sampleBytes(redis, keys.slice(0, samplesABatch));
      const removed = dryRun ? keys.length : await redis.unlink(...keys);
      total.seen += removed;
      total.removed += removed;
      total.bytes += Math.round(meanBytes * removed);
    }
    cursor = next;
    if (cursor === '0') break;
  }
  return total;
}

async function sampleBytes(redis: RedisClient, keys: readonly string[]): Promise<number> {
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / keys.length;
}
