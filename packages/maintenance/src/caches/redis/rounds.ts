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

/** Scans on from a cursor, and treats what matches; `most` of it at most. */
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
    const allowed = keys.slice(0, most);
    const cutShort = allowed.length < keys.length;
    const isLast = next === '0' && !cutShort;
    ahead = isLast || cutShort ? undefined : scan(node, next, pattern);
    ahead?.catch(() => undefined);
    const outcome = await treatKeys(node, allowed, treatment, 'act');
    const busyMs = clock.monotonic() - startedAt;
    return { ...outcome, seen: allowed.length, next: cutShort ? from : next, isLast, cutShort, busyMs };
  };
}
