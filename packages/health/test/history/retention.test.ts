import { silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import { createRetention } from '../../src/history/retention.js';
import type { Resolution } from '../../src/history/resolution.js';
import { memoryHealthStore } from '../../src/index.js';

const round = 600_000;
const day = 86_400_000;
const retention = { minute: 2 * day, hour: 35 * day, day: 400 * day };

/** Retention over a store that holds so many old checks; what it is asked for is noted. */
function stage(old: number) {
  const clock = fakeClock();
  const asked: { resolution: Resolution; before: number; limit: number; at: number }[] = [];
  const reach = { broken: false };
  const pruneBuckets = (resolution: Resolution, before: number, limit: number): Promise<number> => {
    asked.push({ resolution, before, limit, at: clock.now() });
    if (reach.broken) return Promise.reject(new Error('out of reach'));
    const deleted = resolution === 'minute' ? Math.min(old, limit) : 0;
    old -= deleted;
    return Promise.resolve(deleted);
  };
  const store = { ...memoryHealthStore(), pruneBuckets };
  const keptDays = { incidents: 400, undelivered: 90 };
  const pruning = createRetention({ store, clock, logger: silentLogger, retention, keptDays });
  return { clock, asked, reach, pruning };
}

describe('retention', () => {
  it('deletes what is past it, in bounded batches with pauses between them', async () => {
    const { clock, asked, pruning } = stage(2_500);
    pruning.start();
    await clock.advance(round + 1_000);
    expect(asked.map(({ resolution, limit }) => [resolution, limit])).toEqual([
      ['minute', 1_000],
      ['minute', 1_000],
      ['minute', 1_000],
      ['hour', 1_000],
      ['day', 1_000],
    ]);
    for (const { resolution, before, at } of asked) expect(before).toBe(at - retention[resolution]);
    expect(asked[1]?.at).toBeGreaterThan(asked[0]?.at ?? Infinity);
    await pruning.stop();
  });

  it('goes on in the next round after the store was out of reach', async () => {
    const { clock, asked, reach, pruning } = stage(10);
    reach.broken = true;
    pruning.start();
    await clock.advance(round);
    reach.broken = false;
    await clock.advance(round);
    const each = ['minute', 'hour', 'day'];
    expect(asked.map(({ resolution }) => resolution)).toEqual([...each, ...each]);
    await pruning.stop();
  });

  it('leaves what processes tell each other to be read, though its own clock was set an hour forward', async () => {
    const clock = fakeClock();
    const store = memoryHealthStore({ clock: { ...clock, now: () => clock.now() - 3_600_000 } });
    const keptDays = { incidents: 400, undelivered: 90 };
    const pruning = createRetention({ store, clock, logger: silentLogger, retention, keptDays });
    pruning.start();
    await store.transaction((trx) => store.noteChanges([{ tenantId: 'acme', endpointId: 'web' }], 'other', trx));
    const left = () => store.changesSince({ origin: 'this', since: 0, after: null, limit: 10 });
    await clock.advance(round + 1_000);
    expect(await left()).toHaveLength(1);
    await clock.advance(3_600_000 + round);
    expect(await left()).toEqual([]);
    await pruning.stop();
  });

  it('stops between two batches, and holds no timer', async () => {
    const { clock, asked, pruning } = stage(1_000_000);
    pruning.start();
    await clock.advance(round + 120);
    await pruning.stop();
    expect(clock.pending).toBe(0);
    const { length } = asked;
    await clock.advance(10 * round);
    expect(asked).toHaveLength(length);
  });
});
