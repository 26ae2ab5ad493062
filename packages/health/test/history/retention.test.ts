import { silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import { createRetention } from '../../src/history/retention.js';
import { memoryHealthStore } from '../../src/index.js';

const round = 600_000;
const retentionMs = 7 * 86_400_000;

/** Retention over a store that holds so many old checks; what it is asked for is noted. */
function stage(old: number) {
  const clock = fakeClock();
  const asked: { before: number; limit: number; at: number }[] = [];
  const reach = { broken: false };
  const pruneSamples = (before: number, limit: number): Promise<number> => {
    asked.push({ before, limit, at: clock.now() });
    if (reach.broken) return Promise.reject(new Error('out of reach'));
    const deleted = Math.min(old, limit);
    old -= deleted;
    return Promise.resolve(deleted);
  };
  const store = { ...memoryHealthStore(), pruneSamples };
  const retention = createRetention({ store, clock, logger: silentLogger, retentionMs });
  return { clock, asked, reach, retention };
}

describe('retention', () => {
  it('deletes what is past it, in bounded batches with pauses between them', async () => {
    const { clock, asked, retention } = stage(2_500);
    retention.start();
    await clock.advance(round + 1_000);
    expect(asked.map(({ limit }) => limit)).toEqual([1_000, 1_000, 1_000]);
    for (const { before, at } of asked) expect(before).toBe(at - retentionMs);
    expect(asked[1]?.at).toBeGreaterThan(asked[0]?.at ?? Infinity);
    await retention.stop();
  });

  it('goes on in the next round after the store was out of reach', async () => {
    const { clock, asked, reach, retention } = stage(10);
    reach.broken = true;
    retention.start();
    await clock.advance(round);
    reach.broken = false;
    await clock.advance(round);
    expect(asked).toHaveLength(2);
    await retention.stop();
  });

  it('stops between two batches, and holds no timer', async () => {
    const { clock, asked, retention } = stage(1_000_000);
    retention.start();
    await clock.advance(round + 120);
    await retention.stop();
    expect(clock.pending).toBe(0);
    const { length } = asked;
    await clock.advance(10 * round);
    expect(asked).toHaveLength(length);
  });
});
