import { silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it } from 'vitest';
import { isLong } from '../../../../test/support/length.js';
import { createHealth, type HealthStore } from '../../src/index.js';
import { bucketMs, resolutions, retentionOf, startOf, type Resolution } from '../../src/history/resolution.js';
import { createRetention, keptDaysOf } from '../../src/history/retention.js';
import { endpointRecord } from '../support/endpoints.js';
import { randomFrom } from '../support/random.js';
import { RawSeconds } from '../support/raw-seconds.js';
import { healthStores } from '../support/stores.js';
import { takingOn } from '../support/taking.js';
import { expectBucket, expectTrend, sumOf } from '../support/trends.js';

const [minute, day] = [60_000, 86_400_000];
/** Neither a whole minute, nor a whole hour, nor a whole day, nor a whole second. */
const begin = Date.UTC(2024, 0, 1, 7, 11, 13, 250);
const longestGapMs = 3_000;

/** Days of one check a second, by the store: a server takes ten times as long as a file. */
const daysOn: Record<string, number> = isLong ? { 'on SQLite': 365, 'in memory': 30 } : {};
const daysElsewhere = isLong ? 30 : 3;

const made = new Map<number, RawSeconds>();
/** The same for every store. */
function rawOf(days: number): RawSeconds {
  const raw = made.get(days) ?? new RawSeconds(begin, days * 86_400, longestGapMs);
  made.set(days, raw);
  return raw;
}

/**
 * Brings all of it into a store as the monitor does: judged one by one, settled together now and then, also within a minute
 * and beyond one, and deleted once it is old. Says what time it is then.
 */
async function lived(store: HealthStore, raw: RawSeconds, retention: Record<Resolution, number>) {
  const clock = fakeClock(begin);
  const endpoint = endpointRecord({ checkInterval: 1, timeout: 1, retryCount: 1, createdAt: begin });
  await store.tenant('acme').insert(endpoint);
  const lease = await store.leases.acquire('health/monitor', 'this', 365 * day);
  const { directory, monitor, recorder } = await takingOn(store, clock, {
    ...{ key: 'health/monitor', fence: lease?.fence ?? 0 },
  });
  const kept = directory.get(endpoint.id);
  if (!kept) throw new Error('The endpoint was not read');
  const pruning = createRetention({ store, clock, logger: silentLogger, retention, keptDays: keptDaysOf() });
  pruning.start();
  const random = randomFrom(3);
  for (let second = 0; second < raw.seconds;) {
    const until = Math.min(raw.seconds, second + Math.ceil(random() * 1_140));
    await clock.advance((until - second) * 1_000);
    for (; second < until; second++) {
      const seen = raw.seen(second);
      if (seen) monitor.take(kept, { ...seen, code: 'seen', message: 'Seen' }, seen.at);
    }
    await recorder.flush();
  }
  const { buckets } = store.tenant('acme');
  /** Sums that are older than they are kept, and were so when retention came last: that is every ten minutes. */
  const overdue = async (): Promise<number> => {
    const found = resolutions.map((resolution) =>
      buckets(endpoint.id, { resolution, from: 0, until: clock.now() - retention[resolution] - 11 * minute }),
    );
    return (await Promise.all(found)).flat().length;
  };
  await clock.advance(11 * minute);
  // What a busy database refused to one pass is deleted by the next, which is ten minutes later.
  const passes = async (): Promise<number> => {
    await clock.advance(minute);
    return overdue();
  };
  await expect.poll(passes, { timeout: 60_000 }).toBe(0);
  await pruning.stop();
  await store.leases.release('health/monitor', 'this', lease?.fence ?? 0);
  return { clock, endpoint };
}

describe.each(healthStores)('one check a second, $title', ({ title, open }) => {
  const days = daysOn[title] ?? daysElsewhere;
  it(
    `of ${days} days comes to what the raw results come to, in the sums that are left and in trends`,
    async () => {
      const { subject: store, close } = await open();
      const raw = rawOf(days);
      const retentionDays = { minute: 1, hour: days / 2, day: 0.8 * days };
      const retention = retentionOf(retentionDays);
      try {
        const { clock, endpoint } = await lived(store, raw, retention);
        const now = clock.now();
        let checks = 0;
        for (const resolution of resolutions) {
          const width = bucketMs[resolution];
          const from = startOf(resolution, now - retention[resolution]) + width;
          const stored = await store.tenant('acme').buckets(endpoint.id, { resolution, from, until: now });
          const expected = new Map<number, ReturnType<typeof raw.within>>();
          for (let start = from; start < now; start += width) {
            const reckoned = raw.within(start, start + width);
            if (sumOf(reckoned.counts) + sumOf(reckoned.durationMs) > 0) expected.set(start, reckoned);
          }
          expect(stored.map(({ start }) => start)).toEqual([...expected.keys()]);
          for (const bucket of stored) {
            expectBucket(bucket, expected.get(bucket.start) ?? raw.within(0, 0));
            checks += sumOf(bucket.counts);
          }
        }
        expect(checks).toBeGreaterThan(86_400 * days);

        const health = createHealth({ store, clock, retentionDays, monitoring: false });
        await health.start();
        try {
          const { history } = health.scope({ tenantId: 'acme', actor: 'user:1' });
          for (const [ago, untilAgo] of [
            ...[[0.02, 0] as const, [0.9, 0] as const, [1.2, 0] as const, [0.45 * days, 0] as const],
            ...[[0.75 * days, 0] as const, [0.7 * days, 0.3 * days] as const, [0.4 * days, 0.1 * days] as const],
          ]) {
            const [from, until] = [now - ago * day, untilAgo === 0 ? now + 1 : now - untilAgo * day];
            const trend = await history.trend(endpoint.id, { from, until });
            expect(trend.from).toBeLessThanOrEqual(from);
            expect(trend.from).toBeGreaterThan(from - day);
            expectTrend(trend, raw);
          }
        } finally {
          await health.stop();
        }
      } finally {
        await close?.();
      }
    },
    isLong ? 7_200_000 : 300_000,
  );
});
