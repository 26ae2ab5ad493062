import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { EndpointRecord, EndpointStatus } from '../endpoints/endpoint.js';
import { healthEvents } from '../events.js';
import type { Sample } from '../history/sample.js';
import type { KeptEndpoint } from '../monitoring/directory.js';
import type { HealthStore } from '../store/store.js';

const record = (tenantId: string, more: Partial<EndpointRecord> = {}): EndpointRecord => ({
  id: newId(),
  tenantId,
  name: 'gateway',
  host: 'gw.example.com',
  port: 443,
  serviceType: 'https',
  checkInterval: 30,
  timeout: 5,
  retryCount: 3,
  expectedResponseTime: 0.5,
  createdAt: 1_767_225_600_000,
  updatedAt: 1_767_225_600_000,
  ...more,
});

const kept = (endpoint: EndpointRecord, status: EndpointStatus, checkedAt = 1_767_225_700_000): KeptEndpoint => ({
  endpoint,
  status,
  streak: 1,
  responseTimeMs: 12.5,
  message: 'Connected',
  checkedAt,
});

const sample = (
  { tenantId, id: endpointId }: EndpointRecord,
  at: number,
  status: EndpointStatus,
  responseTimeMs: number | null,
): Sample => ({
  id: newId(),
  tenantId,
  endpointId,
  at,
  status,
  responseTimeMs,
  message: `It was ${status}`,
});

/** What every health store does alike. The subject is migrated and empty. */
export const healthStoreSuite: Suite<HealthStore> = {
  name: 'health store',
  cases: [
    {
      name: 'gives back what was inserted, to its own tenant alone',
      async run(store) {
        const endpoint = record('acme');
        await store.tenant('acme').insert(endpoint);
        assert.deepEqual(await store.tenant('acme').get(endpoint.id), { endpoint, state: null });
        const stranger = store.tenant('globex');
        assert.equal(await stranger.get(endpoint.id), undefined);
        assert.equal(await stranger.remove(endpoint.id), false);
        assert.equal((await store.tenant('acme').list({ limit: 10, after: null })).items.length, 1);
        assert.deepEqual((await stranger.list({ limit: 10, after: null })).items, []);
      },
    },
    {
      name: 'pages through endpoints without missing or repeating one',
      async run(store) {
        const ids: string[] = [];
        for (let count = 0; count < 7; count++) {
          const endpoint = record('acme');
          ids.push(endpoint.id);
          await store.tenant('acme').insert(endpoint);
        }
        const other = record('globex');
        await store.tenant('globex').insert(other);
        const walk = async (list: HealthStore['everyEndpoint']): Promise<string[]> => {
          const seen: string[] = [];
          let after: string | null = null;
          do {
            const page: Awaited<ReturnType<HealthStore['everyEndpoint']>> = await list({ limit: 3, after });
            seen.push(...page.items.map(({ endpoint }) => endpoint.id));
            after = page.nextCursor;
          } while (after !== null);
          return seen;
        };
        assert.deepEqual(await walk((ask) => store.tenant('acme').list(ask)), ids.toSorted());
        assert.deepEqual(await walk((ask) => store.everyEndpoint(ask)), [...ids, other.id].toSorted());
      },
    },
    {
      name: 'keeps the last state of an endpoint, and none of a removed one',
      async run(store) {
        const [endpoint, removed] = [record('acme'), record('acme')];
        await store.tenant('acme').insert(endpoint);
        await store.tenant('acme').insert(removed);
        assert.equal(await store.tenant('acme').remove(removed.id), true);
        await store.saveSamples(
          [sample(endpoint, 1, 'healthy', 1)],
          [kept(endpoint, 'healthy'), kept(removed, 'offline')],
        );
        await store.saveSamples([sample(endpoint, 2, 'degraded', 2)], [kept(endpoint, 'degraded', 1_767_225_800_000)]);
        const { items } = await store.everyEndpoint({ limit: 10, after: null });
        const { endpoint: _, ...state } = kept(endpoint, 'degraded', 1_767_225_800_000);
        assert.deepEqual(items, [{ endpoint, state }]);
      },
    },
    {
      name: 'appends the event of a change together with the state',
      async run(store) {
        const endpoint = record('acme');
        await store.tenant('acme').insert(endpoint);
        const data = {
          name: 'gateway',
          from: 'unknown',
          to: 'offline',
          message: 'No answer in time',
          checkedAt: 5,
        } as const;
        const event = healthEvents.create('endpoint.status_changed', {
          tenantId: 'acme',
          actor: 'system',
          subject: endpoint.id,
          at: 5,
          data,
        });
        await store.saveChanges([{ kept: kept(endpoint, 'offline'), event }]);
        const claimed = await store.outbox.claim({ subscribers: ['health-events'], limit: 10, leaseMs: 60_000 });
        assert.deepEqual(
          claimed.map((entry) => healthEvents.parse(entry.event)),
          [event],
        );
        assert.equal((await store.tenant('acme').get(endpoint.id))?.state?.status, 'offline');
      },
    },
    {
      name: 'undoes an insert whose transaction fails',
      async run(store) {
        const endpoint = record('acme');
        const failing = store.transaction(async (trx) => {
          await store.tenant('acme').insert(endpoint, trx);
          throw new Error('no');
        });
        await assert.rejects(failing, /no/);
        assert.equal(await store.tenant('acme').get(endpoint.id), undefined);
      },
    },
    {
      name: 'sums a window up by bucket and status, with nearest-rank percentiles',
      async run(store) {
        const [endpoint, other] = [record('acme'), record('acme')];
        await store.tenant('acme').insert(endpoint);
        await store.tenant('acme').insert(other);
        const samples = Array.from({ length: 100 }, (_, index) =>
          sample(endpoint, 1_000 + index * 10, 'healthy', index + 1),
        );
        samples.push(
          sample(endpoint, 1_995, 'offline', null),
          sample(endpoint, 999, 'critical', 9),
          sample(endpoint, 2_000, 'critical', 9),
        );
        await store.saveSamples([...samples, sample(other, 1_500, 'critical', 1)], []);
        const window = { from: 1_000, until: 2_000, bucketMs: 500, percentiles: [0.5, 0.95, 0.99], issues: 5 };
        const { buckets, percentilesMs, issues } = await store.tenant('acme').aggregate(endpoint.id, window);
        assert.deepEqual(
          buckets.toSorted((a, b) => a.start - b.start || b.count - a.count),
          [
            { start: 1_000, status: 'healthy', count: 50, timed: 50, sumMs: 1_275 },
            { start: 1_500, status: 'healthy', count: 50, timed: 50, sumMs: 3_775 },
            { start: 1_500, status: 'offline', count: 1, timed: 0, sumMs: 0 },
          ],
        );
        assert.deepEqual(percentilesMs, [50, 95, 99]);
        assert.deepEqual(issues, [{ at: 1_995, status: 'offline', message: 'It was offline', responseTimeMs: null }]);
        const nothing = await store.tenant('globex').aggregate(endpoint.id, window);
        assert.deepEqual(nothing, { buckets: [], percentilesMs: [null, null, null], issues: [] });
      },
    },
    {
      name: 'prunes the oldest samples in batches, and nothing newer',
      async run(store) {
        const endpoint = record('acme');
        await store.tenant('acme').insert(endpoint);
        await store.saveSamples(
          Array.from({ length: 25 }, (_, index) => sample(endpoint, index, 'healthy', 1)),
          [],
        );
        assert.deepEqual(
          [await store.pruneSamples(20, 15), await store.pruneSamples(20, 15), await store.pruneSamples(20, 15)],
          [15, 5, 0],
        );
        const window = { from: 0, until: 100, bucketMs: 100, percentiles: [], issues: 0 };
        assert.equal((await store.tenant('acme').aggregate(endpoint.id, window)).buckets[0]?.count, 5);
      },
    },
  ],
};
