import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { alertCases } from './alert-cases.js';
import { endpointOf } from './endpoint-of.js';
import { eventLogCases } from './event-log-cases.js';
import { retentionCases } from './retention-cases.js';
import { sharingCases } from './sharing-cases.js';
import { statusFeedCases } from './status-feed-cases.js';
import type { EndpointRecord, EndpointStatus } from '../endpoints/endpoint.js';
import { healthEvents } from '../events.js';
import { addCheck, addDuration, emptyBucket, type Bucket } from '../history/bucket.js';
import type { Resolution } from '../history/resolution.js';
import type { Ring } from '../history/result.js';
import type { RingChunk } from '../history/ring.js';
import { uncheckedState, type KeptEndpoint } from '../monitoring/directory.js';
import type { EndpointListing, HealthStore, IncidentListing, IncidentWrite, Settlement } from '../store/store.js';

const kept = (endpoint: EndpointRecord, status: EndpointStatus, checkedAt = 1_767_225_700_000): KeptEndpoint => ({
  ...uncheckedState,
  endpoint,
  status,
  since: checkedAt - 1_000,
  worse: 1,
  worseSince: checkedAt,
  changes: 5,
  checks: 12,
  responseTimeMs: 12.5,
  code: 'ok',
  message: 'Connected',
  checkedAt,
});

const chunk = (
  { tenantId, id: endpointId }: EndpointRecord,
  body: string,
  { ring = 'recent', slot = 0 }: { ring?: Ring; slot?: number } = {},
): RingChunk => ({ tenantId, endpointId, ring, slot, body, added: 1 });

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

const settled = (store: HealthStore, settlement: Partial<Settlement>): Promise<void> =>
  store.settle({ states: [], chunks: [], deltas: [], incidents: [], events: [], ...settlement });

/** What every health store does alike. The subject is migrated and empty. */
export const healthStoreSuite: Suite<HealthStore> = {
  name: 'health store',
  cases: [
    ...alertCases,
    ...retentionCases,
    ...eventLogCases,
    ...sharingCases,
    ...statusFeedCases,
    {
      name: 'gives back what was inserted, to its own tenant alone',
      async run(store) {
        const endpoint = endpointOf('acme');
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
          const endpoint = endpointOf('acme');
          ids.push(endpoint.id);
          await store.tenant('acme').insert(endpoint);
        }
        const other = endpointOf('globex');
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
        const [endpoint, removed] = [endpointOf('acme'), endpointOf('acme')];
        await store.tenant('acme').insert(endpoint);
        await store.tenant('acme').insert(removed);
        assert.equal(await store.tenant('acme').remove(removed.id), true);
        await settled(store, { chunks: [chunk(endpoint, '1')] });
        await settled(store, { states: [kept(endpoint, 'healthy'), kept(removed, 'offline')] });
        await settled(store, { chunks: [chunk(endpoint, '2', { slot: 1 }), chunk(removed, '3')] });
        await settled(store, { states: [kept(endpoint, 'degraded', 1_767_225_800_000)] });
        assert.deepEqual(await store.tenant('acme').chunks(removed.id, 'recent'), []);
        const { items } = await store.everyEndpoint({ limit: 10, after: null });
        const { endpoint: _, ...state } = kept(endpoint, 'degraded', 1_767_225_800_000);
        assert.deepEqual(items, [{ endpoint, state }]);
      },
    },
    {
      name: 'appends the event of a change together with the state, and none of a removed endpoint',
      async run(store) {
        const [endpoint, removed] = [endpointOf('acme'), endpointOf('acme')];
        await store.tenant('acme').insert(endpoint);
        const data = {
          name: 'gateway',
          from: 'unknown',
          to: 'offline',
          code: 'timeout',
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
        const begin = await store.lastPosition();
        await settled(store, {
          states: [kept(endpoint, 'offline')],
          events: [{ ...event, id: newId(), subject: removed.id }, event],
        });
        const claimed = await store.outbox.claim({ subscribers: ['health-events'], limit: 10, leaseMs: 60_000 });
        assert.deepEqual(
          claimed.map((entry) => healthEvents.parse(entry.event)),
          [event],
        );
        assert.deepEqual(
          (await store.eventsAfter(begin, 10)).map((it) => it.event.id),
          [event.id],
        );
        assert.equal((await store.tenant('acme').get(endpoint.id))?.state?.status, 'offline');
      },
    },
    {
      name: 'undoes an insert whose transaction fails',
      async run(store) {
        const endpoint = endpointOf('acme');
        const failing = store.transaction(async (trx) => {
          await store.tenant('acme').insert(endpoint, trx);
          throw new Error('no');
        });
        await assert.rejects(failing, /no/);
        assert.equal(await store.tenant('acme').get(endpoint.id), undefined);
      },
    },
    {
      name: 'replaces an endpoint of its own tenant, and finds it by what it is now',
      async run(store) {
        const endpoint = endpointOf('acme', { tags: ['core', 'old'] });
        await store.tenant('acme').insert(endpoint);
        await store.tenant('acme').insert(endpointOf('acme', { serviceType: 'tcp', pausedAt: 5 }));
        const changed = { ...endpoint, name: 'other', host: null, port: null, tags: ['core', 'new'], updatedAt: 7 };
        const change = (tenantId: string) => store.tenant(tenantId).change(endpoint.id, () => changed);
        assert.equal(await change('globex'), undefined);
        assert.deepEqual(await change('acme'), { before: endpoint, after: changed });
        assert.deepEqual(await change('acme'), { before: changed, after: changed });
        assert.deepEqual((await store.tenant('acme').get(endpoint.id))?.endpoint, changed);
        await settled(store, { states: [kept(endpoint, 'offline')] });
        const found = async (filter: EndpointListing['filter'], tenantId = 'acme') =>
          (await store.tenant(tenantId).list({ limit: 10, after: null, filter: filter ?? {} })).items.length;
        assert.deepEqual(
          await Promise.all([
            found({ tag: 'new' }),
            found({ tag: 'old' }),
            found({ tag: 'new' }, 'globex'),
            found({ status: 'offline' }),
            found({ status: 'unknown' }),
            found({ serviceType: 'tcp' }),
            found({ paused: true }),
            found({ paused: false, tag: 'core', status: 'offline', serviceType: 'https' }),
          ]),
          [1, 0, 0, 1, 1, 1, 1, 1],
        );
      },
    },
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
          return [
            bucket?.sumMs ?? 0,
            sums?.counts.healthy ?? 0,
            sums?.durationMs.offline ?? 0,
            total.sumMs,
            total.timed,
          ];
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
      name: 'changes an endpoint alone, though many do so at once, and not when that is refused',
      async run(store) {
        const endpoint = endpointOf('acme', { tags: [] });
        const acme = store.tenant('acme');
        await acme.insert(endpoint);
        const tagging = Array.from({ length: 10 }, (_, index) =>
          acme.change(endpoint.id, (known) => ({ ...known, tags: [...known.tags, `t${index}`] })),
        );
        await Promise.all(tagging);
        const refuse = (): never => {
          throw new Error('no');
        };
        await assert.rejects(acme.change(endpoint.id, refuse), /no/);
        assert.equal((await acme.get(endpoint.id))?.endpoint.tags.length, 10);
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
      name: 'opens incidents, changes and resolves them, and keeps what was ended by hand',
      async run(store) {
        const [endpoint, other] = [endpointOf('acme'), endpointOf('acme')];
        await store.tenant('acme').insert(endpoint);
        await store.tenant('acme').insert(other);
        const write = (of: EndpointRecord, incidentId: string, more: Partial<IncidentWrite>): IncidentWrite => ({
          tenantId: 'acme',
          endpointId: of.id,
          incidentId,
          opened: null,
          severity: 'critical',
          resolvedAt: null,
          entry: { id: newId(), at: 10, kind: 'worsened', actor: 'system', code: 'wrong_answer', text: 'It was wrong' },
          ...more,
        });
        const opening = (of: EndpointRecord, incidentId: string): IncidentWrite => {
          const opened = {
            ...{
              tenantId: 'acme',
              id: incidentId,
              endpointId: of.id,
              endpointName: 'gateway',
              severity: 'degraded' as const,
            },
            ...{ code: 'slow', message: 'It was slow', startedAt: 5, openedAt: 7 },
            ...{ acknowledgedAt: null, acknowledgedBy: null, resolvedAt: null },
          };
          const entry = {
            id: newId(),
            at: 7,
            kind: 'opened',
            actor: 'system',
            code: 'slow',
            text: 'It was slow',
          } as const;
          return write(of, incidentId, { opened, entry });
        };
        const [first, second, gone] = [newId(), newId(), newId()];
        const removed = endpointOf('acme');
        const openings = [opening(endpoint, first), opening(other, second), opening(removed, gone)];
        await settled(store, { incidents: openings });
        const acme = store.tenant('acme');
        assert.equal(await acme.incident(gone), undefined);
        assert.equal((await acme.incident(first))?.severity, 'degraded');
        assert.equal(await store.tenant('globex').incident(first), undefined);
        const note = (kind: 'acknowledged' | 'commented' | 'resolved', at: number) =>
          ({ id: newId(), at, kind, actor: 'user:1', code: null, text: '' }) as const;
        const acknowledged = { acknowledgedAt: 8, acknowledgedBy: 'user:1' };
        assert.equal(await store.tenant('globex').noteIncident(first, note('acknowledged', 8), acknowledged), false);
        assert.equal(await acme.noteIncident(first, note('acknowledged', 8), acknowledged), true);
        await settled(store, { incidents: [write(endpoint, first, { severity: 'offline' })] });
        assert.equal(await acme.noteIncident(first, note('resolved', 20), { resolvedAt: 20 }), true);
        assert.equal(await acme.noteIncident(first, note('resolved', 21), { resolvedAt: 21 }), false);
        assert.equal(await acme.noteIncident(first, note('commented', 22), {}), true);
        const late = write(endpoint, first, { severity: 'offline' });
        const about = { endpointName: 'gateway', severity: 'offline', code: 'ok', text: '', startedAt: 1 } as const;
        const of = { tenantId: 'acme', actor: 'system', subject: endpoint.id, at: late.entry.at };
        const data = { ...about, incidentId: first, resolvedAt: null, tags: [], flapping: false };
        await settled(store, {
          incidents: [late],
          events: [healthEvents.create('incident.worsened', { ...of, data })],
        });
        // Found out before it was known that somebody had ended it.
        assert.deepEqual(await store.outbox.claim({ subscribers: ['health-alerts'], limit: 10, leaseMs: 60_000 }), []);
        // As they come when the answer to a commit was lost.
        await settled(store, { incidents: openings });
        const story = await acme.incident(first);
        assert.deepEqual(
          [story?.severity, story?.acknowledgedAt, story?.acknowledgedBy, story?.resolvedAt],
          ['offline', 8, 'user:1', 20],
        );
        assert.deepEqual(
          (await acme.timeline(first)).entries.map(({ kind }) => kind),
          ['opened', 'acknowledged', 'worsened', 'resolved', 'commented'],
        );
        const list = async (filter: IncidentListing['filter'], more: Partial<IncidentListing> = {}) =>
          (await acme.incidents({ limit: 10, after: null, ...more, filter })).items.map(({ id }) => id);
        assert.deepEqual(
          [
            await list({}),
            await list({}, { limit: 1 }),
            await list({}, { after: second }),
            await list({ status: 'unresolved' }),
            await list({ status: 'resolved' }),
            await list({ status: 'acknowledged' }),
            await list({ endpointId: endpoint.id }),
          ],
          [[second, first], [second], [first], [second], [first], [], [first]],
        );
        const unresolved = (of: EndpointRecord, tenantId = 'acme') =>
          store.transaction(async (trx) => {
            const found = await store.tenant(tenantId).unresolvedOf(of.id, trx);
            return found.map(({ id }) => id);
          });
        assert.deepEqual(
          [await unresolved(other), await unresolved(endpoint), await unresolved(other, 'globex')],
          [[second], [], []],
        );
        await acme.remove(endpoint.id);
        assert.deepEqual([await acme.incident(first), (await acme.timeline(first)).entries], [undefined, []]);
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
  ],
};
