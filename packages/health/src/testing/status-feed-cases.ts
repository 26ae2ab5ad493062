import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { SuiteCase } from '@dotmac/core/testing';
import { addCheck, addDuration, emptyBucket, type Bucket } from '../history/bucket.js';
import type { StatusFeedRecord } from '../status-feeds/status-feed.js';
import type { HealthStore } from '../store/store.js';
import { endpointOf } from './endpoint-of.js';

const feedOf = (tenantId: string): StatusFeedRecord => ({
  id: newId(),
  tenantId,
  name: 'customers',
  title: 'Bücher & <Netze>',
  tags: ['core'],
  endpoints: [{ id: newId(), displayName: null }],
  tokenHash: newId(),
  createdAt: 5,
  updatedAt: 5,
});

const bucketOf = (start: number): Bucket => {
  const bucket = emptyBucket(start);
  addCheck(bucket, { status: 'healthy', responseTimeMs: 5 });
  addCheck(bucket, { status: 'offline', responseTimeMs: null });
  // More than 32 bits have room for.
  addDuration(bucket, 'healthy', 3_000_000_000);
  return bucket;
};

/** What a store does for what is shown to the public. */
export const statusFeedCases: SuiteCase<HealthStore>[] = [
  {
    name: 'finds a status feed by its token, whoever asks, and by its tenant',
    async run(store) {
      const feed = feedOf('acme');
      const token = { id: feed.tokenHash, tenantId: 'acme', feedId: feed.id };
      await store.transaction(async (trx) => {
        await store.tenant('acme').statusFeeds.insert(feed, trx);
        await store.statusFeedTokens.insert(token, trx);
      });
      assert.deepEqual(await store.statusFeedTokens.get(feed.tokenHash), token);
      assert.equal(await store.statusFeedTokens.get(newId()), undefined);
      assert.equal(await store.heartbeatTokens.get(feed.tokenHash), undefined);
      assert.deepEqual(await store.tenant('acme').statusFeeds.get(feed.id), feed);
      assert.equal(await store.tenant('globex').statusFeeds.get(feed.id), undefined);
      assert.equal(await store.statusFeedTokens.remove(feed.tokenHash), true);
      assert.equal(await store.statusFeedTokens.get(feed.tokenHash), undefined);
    },
  },
  {
    name: 'adds up the buckets of many endpoints, each for itself, of its own tenant alone',
    async run(store) {
      const [one, other, idle, strange] = [
        ...[endpointOf('acme'), endpointOf('acme'), endpointOf('acme')],
        endpointOf('globex'),
      ] as const;
      const all = [one, other, idle, strange];
      for (const endpoint of all) await store.tenant(endpoint.tenantId).insert(endpoint);
      const delta = ({ tenantId, id: endpointId }: typeof one, start: number, resolution: 'hour' | 'day' = 'hour') => {
        return { tenantId, endpointId, resolution, bucket: bucketOf(start) };
      };
      const hour = 3_600_000;
      const deltas = [
        ...[delta(one, 0), delta(one, hour), delta(one, 2 * hour), delta(one, 0, 'day')],
        ...[delta(other, hour), delta(strange, hour)],
      ];
      await store.settle({ states: [], chunks: [], deltas, incidents: [], events: [] });
      const span = { resolution: 'hour', from: hour, until: 3 * hour } as const;
      const ids = all.map(({ id }) => id);
      const sums = await store.tenant('acme').sums(ids, span);
      const shown = (id: string) => {
        const { counts, durationMs } = sums.get(id) ?? {};
        return [counts?.healthy, counts?.offline, counts?.unknown, durationMs?.healthy, durationMs?.offline];
      };
      assert.deepEqual([...sums.keys()].sort(), [one.id, other.id].sort());
      assert.deepEqual(shown(one.id), [2, 2, 0, 6_000_000_000, 0]);
      assert.deepEqual(shown(other.id), [1, 1, 0, 3_000_000_000, 0]);
      const total = await store.tenant('acme').total(ids, span);
      assert.deepEqual([total.counts.healthy, total.timed, total.sumMs, total.maxMs], [3, 3, 15, 5]);
      assert.equal((await store.tenant('acme').total([], span)).timed, 0);
      const many = [...Array.from({ length: 450 }, () => newId()), one.id];
      assert.deepEqual([...(await store.tenant('acme').sums(many, span)).keys()], [one.id]);
      assert.equal((await store.tenant('acme').sums([], span)).size, 0);
    },
  },
];
