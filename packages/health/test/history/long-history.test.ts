import { randomFrom } from '../support/random.js';
import { fakeClock } from '@dotmac/core/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { createHealth, endpointStatus, type BucketDelta } from '../../src/index.js';
import { pendingBuckets } from '../../src/history/pending-buckets.js';
import { endpointRecord } from '../support/endpoints.js';
import { HistoryOracle } from '../support/history-oracle.js';
import { healthStores } from '../support/stores.js';
import { expectTrend } from '../support/trends.js';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
const widths = { minute, hour, day };
const retentionDays = { minute: 1, hour: 35, day: 401 };
/** Neither a whole minute, nor a whole hour, nor a whole day. */
const now = Date.UTC(2026, 10, 30, 13, 37, 11, 250);
const endpoint = endpointRecord({ checkInterval: 1_800, createdAt: now - 420 * day });
const longestGapMs = (2 * endpoint.checkInterval + endpoint.timeout) * 1_000;
/** Every night for 90 minutes. */
const isPlanned = (at: number): boolean => at % day >= 2 * hour && at % day < 3.5 * hour;

const oracle = new HistoryOracle(longestGapMs, isPlanned);
const deltas: BucketDelta[] = [];

// What 400 days of checks come to, once for all stores: what would be gone by now is left out at once.
beforeAll(() => {
  const random = randomFrom(11);
  const pending = pendingBuckets();
  const { id: endpointId, tenantId } = endpoint;
  const before = { status: 'unknown' as (typeof endpointStatus.options)[number], checkedAt: null as number | null };
  const take = (): void => {
    for (const delta of pending.takeOf(endpointId, isPlanned))
      if (delta.bucket.start >= now - retentionDays[delta.resolution] * day) deltas.push(delta);
  };
  let status = before.status;
  for (let at = now - 402 * day; at <= now; at += 20 * minute + Math.floor(random() * 20 * minute)) {
    // Now and then nobody looks for hours.
    if (random() < 0.002) at += 7 * hour;
    if (at > now) break;
    if (random() < 0.1) status = endpointStatus.options[Math.floor(random() * 5)] ?? 'healthy';
    const responseTimeMs = status === 'offline' || status === 'unknown' ? null : Math.ceil(random() * 8_000) / 4;
    const found = { at, status, responseTimeMs };
    oracle.checked(found);
    if (before.checkedAt !== null && Math.floor(before.checkedAt / day) < Math.floor(at / day)) take();
    pending.add({ tenantId, endpointId, ...found, code: 'ok', message: '', phases: {} }, before, longestGapMs);
    Object.assign(before, { status, checkedAt: at });
  }
  take();
});

const startOf = (resolution: keyof typeof widths, at: number): number => at - (at % widths[resolution]);
/** What the finest sums are that are kept of an instant. */
const finestAt = (at: number): keyof typeof widths =>
  (['minute', 'hour'] as const).find((it) => at >= startOf(it, now - retentionDays[it] * day) + widths[it]) ?? 'day';

/** From and until, in days ago. */
const windows = [
  ...[
    [400, 0] as const,
    [365, 0] as const,
    [180.3, 0] as const,
    [36.4, 0] as const,
    [30, 0] as const,
    [7.7, 0] as const,
  ],
  ...[[1.1, 0] as const, [0.6, 0] as const, [399.9, 398.2] as const, [390, 299.5] as const, [300, 40.1] as const],
  ...[[200.5, 20.2] as const, [100, 0.4] as const, [33.3, 3.3] as const, [20.2, 0.2] as const, [0.9, 0.1] as const],
];

describe.each(healthStores)('four hundred days of history, $title', ({ open }) => {
  it('are told as they were, over any window, in the sums that are left', async () => {
    const { subject: store, close } = await open();
    const clock = fakeClock(now);
    try {
      await store.tenant('acme').insert(endpoint);
      for (let at = 0; at < deltas.length; at += 500)
        await store.settle({
          ...{ states: [], chunks: [], incidents: [], events: [] },
          deltas: deltas.slice(at, at + 500),
        });
      const health = createHealth({ store, clock, retentionDays, monitoring: false });
      await health.start();
      const { history } = health.scope({ tenantId: 'acme', actor: 'user:1' });
      for (const [ago, untilAgo] of windows) {
        const [from, until] = [now - ago * day, untilAgo === 0 ? now + 1 : now - untilAgo * day];
        const trend = await history.trend(endpoint.id, { from, until });
        expect(trend.from, `${ago} days`).toBe(startOf(finestAt(from), from));
        // To the end of the last that is summed up, and not beyond what has been.
        expect(trend.until).toBeGreaterThanOrEqual(until);
        expect(trend.until).toBeLessThan(untilAgo === 0 ? now + 2 : until + widths[finestAt(until)]);
        expectTrend(trend, oracle);
      }
      const span = { resolution: 'day', from: startOf('day', now - 400 * day), until: now } as const;
      const { counts } = oracle.within(span.from, now + 1, false);
      expect((await store.tenant('acme').total([endpoint.id], span)).counts).toEqual(counts);
      expect((await store.tenant('acme').sums([endpoint.id], span)).get(endpoint.id)?.counts).toEqual(counts);
      await health.stop();
    } finally {
      await close?.();
    }
  });
});
