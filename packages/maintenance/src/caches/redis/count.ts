import type { Relief } from '../../files/steps.js';
import type { RedisClient } from './client.js';
import { nodesOf } from './nodes.js';
import { leastRestMs, type RoundOptions } from './rounds.js';
import { scan } from './scan.js';
import { treatKeys } from './treat-keys.js';
import { meansAll } from './treatment.js';

/** Keys that a count remembers, so as not to count one twice. */
const mostRemembered = 1_000_000;

/** What a sweep would find. Not exact past a million keys. */
export interface CountedKeys {
  keys: number;
  /** Keys that match the pattern, whether a sweep would change them or not. */
  seen: number;
  bytes: number;
  exact: boolean;
  sample: string[];
}

/** Counts the keys that a sweep would change, and changes none. */
export async function countKeys(
  client: RedisClient,
  { clock, signal, relief, pattern, treatment, dutyCycle }: RoundOptions & { signal: AbortSignal; relief?: Relief },
): Promise<CountedKeys> {
  const counted: CountedKeys = { keys: 0, seen: 0, bytes: 0, exact: true, sample: [] };
  for (const node of await nodesOf(client, { clock, signal })) {
    const remembered = new Set<string>();
    let from = '0';
    do {
      await relief?.();
      signal.throwIfAborted();
      const startedAt = clock.monotonic();
      const { next, keys } = await scan(node, from, pattern);
      const fresh = keys.filter((key) => !remembered.has(key.toString('latin1')));
      if (remembered.size < mostRemembered) for (const key of fresh) remembered.add(key.toString('latin1'));
      else counted.exact = false;
      const { changed, bytes } = await treatKeys(node, fresh, treatment, 'count');
      counted.seen += fresh.length;
      counted.keys += changed;
      counted.bytes += bytes;
      // With conditions nobody says which keys they hold for.
      if (meansAll(treatment)) counted.sample.push(...fresh.slice(0, 10 - counted.sample.length).map(String));
      from = next;
      const restMs = (clock.monotonic() - startedAt) * (1 / dutyCycle - 1);
      if (from !== '0' && restMs >= leastRestMs) await clock.sleep(restMs, signal);
    } while (from !== '0');
  }
  return counted;
}
