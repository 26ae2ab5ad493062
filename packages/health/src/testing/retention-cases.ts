import assert from 'node:assert/strict';
import { newId, type StoreTransaction } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { mostEntries, type HealthStore } from '../store/store.js';
import { endpointOf } from './endpoint-of.js';

/** Has an incident happen to an endpoint of its own; returns its id. */
async function happened(store: HealthStore, tenantId: string, resolvedAt: number | null): Promise<string> {
  const [endpoint, incidentId] = [endpointOf(tenantId), newId()];
  await store.tenant(tenantId).insert(endpoint);
  const opened = {
    ...{ tenantId, id: incidentId, endpointId: endpoint.id, endpointName: 'gateway', severity: 'offline' as const },
    ...{
      code: 'no_answer',
      message: 'It is gone',
      startedAt: 1,
      openedAt: 1,
      acknowledgedAt: null,
      acknowledgedBy: null,
      resolvedAt,
    },
  };
  const entry = { id: newId(), at: 1, kind: 'opened' as const, actor: 'system', code: 'no_answer', text: 'It is gone' };
  const write = { tenantId, endpointId: endpoint.id, incidentId, opened, severity: opened.severity, resolvedAt, entry };
  await store.settle({ states: [], chunks: [], deltas: [], incidents: [write], events: [] });
  return incidentId;
}

const longTimeline: Suite<HealthStore>['cases'][number] = {
  name: 'tells of a long timeline the first entry and the newest, and how many it leaves out',
  async run(store) {
    const [acme, id] = [store.tenant('acme'), await happened(store, 'acme', null)];
    const note = (text: string, trx?: StoreTransaction) =>
      acme.noteIncident(
        id,
        { id: newId(), at: 2, kind: 'commented' as const, actor: 'user:1', code: null, text },
        {},
        trx,
      );
    const told = async () => {
      const { entries, leftOut } = await acme.timeline(id);
      return [entries.length, entries[0]?.kind, entries[1]?.text, entries.at(-1)?.text, leftOut];
    };
    await store.transaction(async (trx) => {
      for (let count = 1; count < mostEntries; count++) await note(`${count}`, trx);
    });
    assert.deepEqual(await told(), [1_000, 'opened', '1', '999', 0]);
    await note('1000');
    await note('1001');
    assert.deepEqual(await told(), [1_000, 'opened', '3', '1001', 2]);
    assert.deepEqual(await store.tenant('globex').timeline(id), { entries: [], leftOut: 0 });
  },
};

/** What a store promises of what is kept for some time only. */
export const retentionCases: Suite<HealthStore>['cases'] = [
  longTimeline,
  {
    name: 'prunes incidents of every tenant that were resolved long ago, with what happened in them, in batches',
    async run(store) {
      const old = [
        { tenantId: 'acme', id: await happened(store, 'acme', 10) },
        { tenantId: 'rival', id: await happened(store, 'rival', 20) },
        { tenantId: 'acme', id: await happened(store, 'acme', 30) },
      ];
      const lasting = [await happened(store, 'acme', 100), await happened(store, 'acme', null)];
      const prune = () => store.pruneIncidents(100, 2);
      assert.deepEqual([await prune(), await prune(), await prune()], [2, 1, 0]);
      for (const { tenantId, id } of old) {
        const tenant = store.tenant(tenantId);
        assert.deepEqual([await tenant.incident(id), (await tenant.timeline(id)).entries], [undefined, []]);
      }
      const acme = store.tenant('acme');
      for (const id of lasting) {
        assert.equal((await acme.incident(id))?.id, id);
        assert.equal((await acme.timeline(id)).entries.length, 1);
      }
      const { items } = await acme.incidents({ limit: 10, after: null, filter: { status: 'unresolved' } });
      assert.deepEqual(
        items.map(({ id }) => id),
        lasting.slice(1),
      );
    },
  },
];
