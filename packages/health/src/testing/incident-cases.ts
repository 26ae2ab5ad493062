import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { newId } from '@dotmac/core';
import type { EndpointRecord } from '../endpoints/endpoint.js';
import { healthEvents } from '../events.js';
import type { HealthStore, IncidentListing, IncidentWrite } from '../store/store.js';
import { endpointOf } from './endpoint-of.js';
import { settled } from './settled.js';

/** What every health store does with incidents. */
export const incidentCases: Suite<HealthStore>['cases'] = [
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
];
