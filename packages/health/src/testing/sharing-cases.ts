import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { addCheck, emptyBucket } from '../history/bucket.js';
import { uncheckedState, type KeptEndpoint } from '../monitoring/directory.js';
import type { HandedResult, Term } from '../store/sharing.js';
import type { HealthStore } from '../store/store.js';
import { endpointOf } from './endpoint-of.js';

const nothing = { states: [], chunks: [], deltas: [], incidents: [], events: [] };

async function endpointIn(store: HealthStore): Promise<KeptEndpoint> {
  const endpoint = endpointOf('acme');
  await store.tenant('acme').insert(endpoint);
  return { ...uncheckedState, endpoint, status: 'healthy', checkedAt: 1_767_225_700_000 };
}

const isLost = { code: 'LEASE_LOST' };

/** What processes tell each other through every health store alike. */
export const sharingCases: Suite<HealthStore>['cases'] = [
  {
    name: 'settles under the lease that is held, and nothing under one that another has taken or that was given back',
    async run(store) {
      const kept = await endpointIn(store);
      const key = 'health/monitor';
      const first = await store.leases.acquire(key, 'first', 60_000);
      const under: Term = { key, fence: first?.fence ?? 0 };
      await store.settle({ ...nothing, states: [kept] }, under);
      assert.equal((await store.tenant('acme').get(kept.endpoint.id))?.state?.status, 'healthy');
      await store.leases.release(key, 'first', under.fence);
      const late = { ...nothing, states: [{ ...kept, status: 'offline' as const }] };
      await assert.rejects(store.settle(late, under), isLost);
      await store.leases.acquire(key, 'second', 60_000);
      await assert.rejects(store.settle(late, under), isLost);
      assert.equal((await store.tenant('acme').get(kept.endpoint.id))?.state?.status, 'healthy');
    },
  },
  {
    name: 'tells the states that were settled since, each once, in the order of their settlement',
    async run(store) {
      const [one, two] = [await endpointIn(store), await endpointIn(store)];
      const begin = await store.stateRevision();
      assert.deepEqual(await store.statesSince(begin, 10), []);
      await store.settle({ ...nothing, states: [one] });
      await store.settle({ ...nothing, states: [two] });
      await store.settle({ ...nothing, states: [{ ...one, status: 'offline' }] });
      const told = await store.statesSince(begin, 10);
      assert.deepEqual(
        told.map(({ endpoint, state }) => [endpoint.id, state?.status]),
        [
          [two.endpoint.id, 'healthy'],
          [one.endpoint.id, 'offline'],
        ],
      );
      const [first] = await store.statesSince(begin, 1);
      assert.equal(first?.endpoint.id, two.endpoint.id);
      assert.equal((await store.statesSince(first.revision, 10)).length, 1);
      assert.equal(await store.stateRevision(), told.at(-1)?.revision);
    },
  },
  {
    name: 'tells of changes to everybody but who made them, once they are committed, page by page',
    async run(store) {
      const ids = Array.from({ length: 5 }, () => newId());
      const ask = { origin: 'other', since: 0, after: null, limit: 2 };
      await store
        .transaction(async (trx) => {
          await store.noteChanges([{ tenantId: 'acme', endpointId: newId() }], 'this', trx);
          throw new Error('rolled back');
        })
        .catch(() => undefined);
      for (const endpointId of ids)
        await store.transaction((trx) => store.noteChanges([{ tenantId: 'acme', endpointId }], 'this', trx));
      assert.deepEqual(await store.changesSince({ ...ask, origin: 'this' }), []);
      const told: string[] = [];
      for (let page = await store.changesSince(ask); page.length > 0;) {
        told.push(...page.map(({ endpointId }) => endpointId));
        page = await store.changesSince({ ...ask, after: page.at(-1) ?? null });
      }
      assert.deepEqual(told.toSorted(), ids.toSorted());
      assert.deepEqual(await store.changesSince({ ...ask, since: (await store.time()) + 1_000 }), []);
    },
  },
  {
    name: 'reads endpoints of all tenants by their ids',
    async run(store) {
      const own = await endpointIn(store);
      const foreign = endpointOf('globex');
      await store.tenant('globex').insert(foreign);
      const found = await store.endpointsById([own.endpoint.id, foreign.id, newId()]);
      assert.deepEqual(found.map(({ endpoint }) => endpoint.id).toSorted(), [own.endpoint.id, foreign.id].toSorted());
      assert.deepEqual(await store.endpointsById([]), []);
    },
  },
  {
    name: 'keeps the receipt of a settlement with it, the greatest of each process, and none of what was undone',
    async run(store) {
      const [one, other] = [newId(), newId()];
      const settle = (process: string, number: number, under?: Term) =>
        store.settle({ ...nothing, receipt: { process, number } }, under);
      assert.equal(await store.lastSettled(one), 0);
      await settle(one, 1);
      await settle(one, 7);
      // Under way for longer than the one after it.
      await settle(one, 6);
      await settle(other, 2);
      await assert.rejects(settle(one, 8, { key: 'health/monitor', fence: 1_000_000 }), isLost);
      await store.settle(nothing);
      assert.deepEqual([await store.lastSettled(one), await store.lastSettled(other)], [7, 2]);
      const now = await store.time();
      assert.equal(await store.pruneReceipts(now - 60_000, 10), 0);
      assert.deepEqual(
        [await store.pruneReceipts(now + 60_000, 1), await store.pruneReceipts(now + 60_000, 10)],
        [1, 1],
      );
      assert.deepEqual([await store.lastSettled(one), await store.lastSettled(other)], [0, 0]);
    },
  },
  {
    name: 'keeps how long was watched with a settlement, and not with one that is refused',
    async run(store) {
      assert.deepEqual(await store.watched(), { ms: 0, sinceMs: 0 });
      const lease = await store.leases.acquire('health/monitor', 'this', 60_000);
      const under: Term = { key: 'health/monitor', fence: lease?.fence ?? 0 };
      await store.settle({ ...nothing, watched: { ms: 31_536_000_000.25, sinceMs: 31_535_000_000 } }, under);
      assert.deepEqual(await store.watched(), { ms: 31_536_000_000.25, sinceMs: 31_535_000_000 });
      await store.settle({ ...nothing, watched: { ms: 7, sinceMs: 5 } }, under);
      await store.settle(nothing, under);
      const late = { ...nothing, watched: { ms: 9, sinceMs: 5 } };
      await assert.rejects(store.settle(late, { ...under, fence: under.fence + 1 }), isLost);
      assert.deepEqual(await store.watched(), { ms: 7, sinceMs: 5 });
      await store.leases.release('health/monitor', 'this', under.fence);
    },
  },
  {
    name: 'keeps what is handed over until it is settled, or an hour old',
    async run(store) {
      const [one, two] = [handedOf(newId()), handedOf(newId())];
      const process = newId();
      await store.handOver([one], { process, number: 1 });
      await store.handOver([two], { process, number: 2 });
      assert.deepEqual(await store.handed(1), [one]);
      assert.deepEqual(await store.handed(10), [one, two]);
      await store.settle({ ...nothing, handed: [one] });
      assert.deepEqual(await store.handed(10), [two]);
      await store.transaction((trx) => store.noteChanges([{ tenantId: 'acme', endpointId: newId() }], 'this', trx));
      const now = await store.time();
      assert.equal(await store.pruneShared(now - 60_000, 10), 0);
      assert.equal(await store.pruneShared(now + 60_000, 10), 2);
      assert.deepEqual(await store.handed(10), []);
    },
  },
  {
    name: 'hands over once what comes again because an answer was lost, whether it was settled meanwhile or not',
    async run(store) {
      const [one, two, three] = [handedOf(newId()), handedOf(newId()), handedOf(newId())];
      const [process, other] = [newId(), newId()];
      const handOver = (): Promise<void> => store.handOver([one, two], { process, number: 7 });
      // Of two at once one may be refused.
      await Promise.allSettled([handOver(), handOver()]);
      await handOver();
      assert.deepEqual((await store.handed(10)).map(({ id }) => id).toSorted(), [one.id, two.id].toSorted());
      assert.equal(await store.lastSettled(process), 7);
      await store.settle({ ...nothing, handed: [one, two] });
      await handOver();
      assert.deepEqual(await store.handed(10), []);
      await store.handOver([three], { process: other, number: 1 });
      assert.deepEqual(await store.handed(10), [three]);
    },
  },
  {
    name: 'takes out with a settlement what is counted in it, and leaves it there with one that is refused',
    async run(store) {
      const { endpoint } = await endpointIn(store);
      const handed = [handedOf(endpoint.id), handedOf(newId())];
      await store.handOver(handed, { process: newId(), number: 1 });
      const bucket = emptyBucket(1_767_225_660_000);
      for (const { result } of handed) addCheck(bucket, result);
      const { id: endpointId, tenantId } = endpoint;
      const counted = { ...nothing, deltas: [{ tenantId, endpointId, resolution: 'minute' as const, bucket }], handed };
      const stored = async (): Promise<[number, number]> => {
        const span = { resolution: 'minute' as const, from: 0, until: Date.UTC(2100, 0) };
        const buckets = await store.tenant(tenantId).buckets(endpointId, span);
        return [buckets.reduce((sum, { counts }) => sum + counts.offline, 0), (await store.handed(10)).length];
      };
      await assert.rejects(store.settle(counted, { key: 'health/monitor', fence: 1_000_000 }), isLost);
      assert.deepEqual(await stored(), [0, 2]);
      await store.settle(counted);
      assert.deepEqual(await stored(), [2, 0]);
    },
  },
];

/** A failure of an endpoint that another process saw. */
function handedOf(endpointId: string): HandedResult {
  return {
    ...{ id: newId(), tenantId: 'acme', endpointId, at: 1_767_225_700_000 },
    result: {
      ...{ status: 'offline', code: 'seen_to_fail', responseTimeMs: null, message: 'Seen to fail' },
      phases: { connectMs: 1.5 },
    },
  };
}
