import type { Clock } from '@dotmac/core';
import type { RedisNode } from './client.js';
import { scan } from './scan.js';
import { treatKeys } from './treat-keys.js';
import type { KeyTreatment, Treated } from './treatment.js';

/** What came of one round on one node. */
export interface Round extends Treated {
  seen: number;
  /** Where the next one begins. */
  next: string;
  /** Nothing is left on the node. */
  isLast: boolean;
  /** Keys were left because no more might be changed. */
  cutShort: boolean;
  /** How long it kept the server. */
  busyMs: number;
}

/** Scans on from a cursor, and treats what matches; `most` of it are changed at most. */
export type DoRound = (from: string, most: number) => Promise<Round>;

/** What rounds are made of. */
export interface RoundOptions {
  clock: Clock;
  /** As `MATCH` of SCAN takes it. */
  pattern: string;
  treatment: KeyTreatment;
  /** The share of time that the servers may be kept at it; in between they are left alone. */
  dutyCycle: number;
}

/** Shorter rests between rounds are saved up: no timer is that exact. */
export const leastRestMs = 4;

/** Rounds whose keys come here and go back by name. The next keys are scanned while the last ones are treated. */
export function pipelinedRounds(node: RedisNode, { clock, pattern, treatment }: RoundOptions): DoRound {
  let ahead: ReturnType<typeof scan> | undefined;
  return async (from, most) => {
    const startedAt = clock.monotonic();
    const { next, keys } = await (ahead ?? scan(node, from, pattern));
    ahead = next === '0' || keys.length > most ? undefined : scan(node, next, pattern);
    ahead?.catch(() => undefined);
    const { seen, ...total } = await treatAtMost(node, keys, treatment, most);
    const cutShort = seen < keys.length;
    const busyMs = clock.monotonic() - startedAt;
    return { ...total, seen, next: cutShort ? from : next, isLast: next === '0' && !cutShort, cutShort, busyMs };
  };
}

/**
 * Treats keys in their order until `most` were changed: never more at once than may still be. Those that are left as they are
 * take nothing of it; where little of it is left, they are counted first, the more at once the longer none was meant.
 */
async function treatAtMost(node: RedisNode, keys: readonly Buffer[], treatment: KeyTreatment, most: number) {
  const total = { seen: 0, changed: 0, bytes: 0 };
  let size = most;
  while (total.seen < keys.length && total.changed < most) {
    const left = most - total.changed;
    const some = keys.slice(total.seen, total.seen + size);
    const isCounted = some.length > left;
    const { changed, bytes } = await treatKeys(node, some, treatment, isCounted ? 'count' : 'act');
    size = changed === 0 ? size * 2 : isCounted ? Math.max(left, Math.floor(some.length / 2)) : left - changed;
    if (isCounted && changed > 0) continue;
    total.seen += some.length;
    total.changed += changed;
    total.bytes += bytes;
  }
  return total;
}
