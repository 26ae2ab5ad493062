import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import type { EndpointRecord } from '../endpoints/endpoint.js';
import { addCheck, addDuration, emptyBucket, type Bucket } from '../history/bucket.js';
import type { Resolution } from '../history/resolution.js';
import type { HealthStore } from '../store/store.js';
import { endpointOf } from './endpoint-of.js';
import { chunk, settled } from './settled.js';

const bucketOf = (start: number, times: readonly number[]): Bucket => {
  const bucket = emptyBucket(start);
  for (const responseTimeMs of times) addCheck(bucket, { status: 'healthy', responseTimeMs });
  addDuration(bucket, 'offline', 250);
  return bucket;
};
const delta = ({ tenantId, id: endpointId }: EndpointRecord, resolution: Resolution, bucket: Bucket) => ({
  tenantId,
  endpointId,
  resolution,
  bucket,
});

/** What every health store does with results and their sums. */
export const historyCases: Suite<HealthStore>['cases'] = [
  {
    name: 'keeps chunks of results in their slots, the newest in the place of the oldest',
    async run(store) {
      const endpoint = endpointOf('acme');
      await store.tenant('acme').insert(endpoint);
      const long = `[1,0,2.5,"${'ü'.repeat(20_000)}"]`;
      await settled(store, { chunks: [chunk(endpoint, '1'), chunk(endpoint, '2', { slot: 1 })] });
      await settled(store, { chunks: [chunk(endpoint, long), chunk(endpoint, '4', { ring: 'issues', slot: 1 })] });
      const { chunks } = store.tenant('acme');
      assert.deepEqual((await chunks(endpoint.id, 'recent')).sort(), ['2', long]);
      assert.deepEqual(await chunks(endpoint.id, 'issues'), ['4']);
      assert.deepEqual(await store.tenant('globex').chunks(endpoint.id, 'recent'), []);
      await store.tenant('acme').remove(endpoint.id);
      assert.deepEqual(await chunks(endpoint.id, 'recent'), []);
    },
  },
  {
    name: 'adds to buckets what it is given, over calls and within one',
    async run(store) {
      const [endpoint, removed] = [endpointOf('acme'), endpointOf('acme')];
      await store.tenant('acme').insert(endpoint);
      await settled(store, {
        deltas: [
          delta(endpoint, 'minute', bucketOf(60_000, [1, 2])),
          delta(endpoint, 'hour', bucketOf(0, [1, 2])),
          delta(removed, 'minute', bucketOf(60_000, [1])),
        ],
      });
      await settled(store, {
        deltas: [delta(endpoint, 'minute', bucketOf(60_000, [3])), delta(endpoint, 'minute', bucketOf(120_000, [4]))],
      });
      const span = { resolution: 'minute', from: 60_000, until: 180_000 } as const;
      const [first, second, ...more] = await store.tenant('acme').buckets(endpoint.id, span);
      assert.deepEqual(more, []);
      assert.deepEqual(
        [first?.start, first?.counts.healthy, first?.sumMs, first?.minMs, first?.maxMs, first?.durationMs.offline],
        [60_000, 3, 6, 1, 3, 500],
      );
      assert.deepEqual([second?.start, second?.timed], [120_000, 1]);
      const { buckets } = store.tenant('acme');
      assert.deepEqual(await buckets(endpoint.id, { ...span, until: 60_000 }), []);
      assert.equal((await buckets(endpoint.id, { resolution: 'hour', from: 0, until: 1 })).length, 1);
      assert.deepEqual(await buckets(removed.id, span), []);
      assert.deepEqual(await store.tenant('globex').buckets(endpoint.id, span), []);
    },
  },
  {
    name: 'keeps the sums of planned maintenance apart, by minutes, hours and days',
    async run(store) {
      const endpoint = endpointOf('acme');
      await store.tenant('acme').insert(endpoint);
      const deltas = (['minute', 'hour', 'day'] as const).flatMap((resolution) => [
        delta(endpoint, resolution, bucketOf(0, [1, 2])),
        { ...delta(endpoint, resolution, bucketOf(0, [3])), inMaintenance: true },
      ]);
      await settled(store, { deltas });
      await settled(store, { deltas });
      const tenant = store.tenant('acme');
      const timesOf = async (resolution: Resolution, inMaintenance?: boolean) => {
        const span = { resolution, from: 0, until: 1, ...(inMaintenance !== undefined && { inMaintenance }) };
        const [bucket, ...more] = await tenant.buckets(endpoint.id, span);
        const sums = (await tenant.sums([endpoint.id], span)).get(endpoint.id);
        const total = await tenant.total([endpoint.id], span);
        assert.deepEqual(more, []);
        return [bucket?.sumMs ?? 0, sums?.counts.healthy ?? 0, sums?.durationMs.offline ?? 0, total.sumMs, total.timed];
      };
      for (const resolution of ['minute', 'hour', 'day'] as const) {
        assert.deepEqual(await timesOf(resolution), [6, 4, 500, 6, 4]);
        assert.deepEqual(await timesOf(resolution, false), [6, 4, 500, 6, 4]);
        assert.deepEqual(await timesOf(resolution, true), [6, 2, 500, 6, 2]);
      }
      const prune = () => store.pruneBuckets('hour', 1, 1);
      assert.deepEqual([await prune(), await prune(), await prune()], [1, 1, 0]);
      assert.deepEqual([await timesOf('hour'), await timesOf('hour', true)], [Array(5).fill(0), Array(5).fill(0)]);
      assert.deepEqual(await timesOf('day', true), [6, 2, 500, 6, 2]);
      await tenant.remove(endpoint.id);
      assert.deepEqual(await timesOf('day', true), Array(5).fill(0));
    },
  },
  {
    name: 'loses nothing when several add to the same bucket at once',
    async run(store) {
      const endpoint = endpointOf('acme');
      await store.tenant('acme').insert(endpoint);
      const writers = Array.from({ length: 10 }, () =>
        settled(store, {
          deltas: [delta(endpoint, 'minute', bucketOf(0, [1])), delta(endpoint, 'hour', bucketOf(0, [1]))],
        }),
      );
      await Promise.all(writers);
      const [bucket] = await store.tenant('acme').buckets(endpoint.id, { resolution: 'hour', from: 0, until: 1 });
      assert.equal(bucket?.counts.healthy, 10);
    },
  },
  {
    name: 'prunes the buckets of a resolution in batches, and nothing newer',
    async run(store) {
      const endpoint = endpointOf('acme');
      await store.tenant('acme').insert(endpoint);
      const minutes = Array.from({ length: 25 }, (_, index) =>
        delta(endpoint, 'minute', bucketOf(index * 60_000, [1])),
      );
      await settled(store, { deltas: [...minutes, delta(endpoint, 'hour', bucketOf(0, [1]))] });
      const prune = () => store.pruneBuckets('minute', 20 * 60_000, 15);
      assert.deepEqual([await prune(), await prune(), await prune()], [15, 5, 0]);
      const left = await store.tenant('acme').buckets(endpoint.id, { resolution: 'minute', from: 0, until: 1e9 });
      assert.equal(left.length, 5);
      assert.equal(
        (await store.tenant('acme').buckets(endpoint.id, { resolution: 'hour', from: 0, until: 1 })).length,
        1,
      );
    },
  },
];
