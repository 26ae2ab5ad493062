import { expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import type { RedisArgument, RedisClient } from '../../src/caches/redis/client.js';
import { pipelinedRounds } from '../../src/caches/redis/rounds.js';
import { expire, numbered } from '../support/redis-keys.js';

/** A server of a page of 1,000 keys, of which some have no time to live. */
function serverOf(lasting: readonly number[]) {
  const without = new Set(lasting.map((n) => `key:${n}`));
  let trips = 0;
  const answer = ([command, key]: readonly RedisArgument[]): number => {
    const isLasting = without.has(String(key));
    if (command === 'TTL') return isLasting ? -1 : 50;
    return without.delete(String(key)) ? 1 : 0;
  };
  const client: RedisClient = {
    callBuffer: () => Promise.resolve([Buffer.from('0'), numbered('key:', 1_000).map((it) => Buffer.from(it))]),
    pipeline: () => {
      const commands: RedisArgument[][] = [];
      const pipeline = {
        callBuffer: (...command: RedisArgument[]) => (commands.push(command), pipeline),
        exec: () => ((trips += 1), Promise.resolve(commands.map((it): [null, number] => [null, answer(it)]))),
      };
      return pipeline;
    },
  };
  const round = pipelinedRounds(
    { id: 'single', client, cluster: null },
    { clock: systemClock, pattern: 'key:*', treatment: expire, dutyCycle: 1 },
  );
  return { round, trips: () => trips, left: () => without.size };
}

it.each([
  ['none of the keys is meant', [], 1, { changed: 0, seen: 1_000, isLast: true }],
  ['a key in their midst is', [600], 2, { changed: 1, seen: 1_000, isLast: true }],
  ['more are than may be changed', [300, 600, 900], 2, { changed: 2, seen: 601, cutShort: true, next: '0' }],
  ['all are', Array.from({ length: 1_000 }, (_, n) => n), 500, { changed: 500, seen: 500, cutShort: true }],
])('near the end of the budget, where %s, a round takes few trips', async (_, lasting, most, comes) => {
  const { round, trips, left } = serverOf(lasting);
  expect(await round('0', most)).toMatchObject(comes);
  expect(left()).toBe(lasting.length - comes.changed);
  expect(trips()).toBeLessThan(50);
});
