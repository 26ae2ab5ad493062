import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { EndpointRecord, EndpointStatus } from '../endpoints/endpoint.js';
import { healthEvents } from '../events.js';
import { uncheckedState, type KeptEndpoint, type KeptState } from '../monitoring/directory.js';
import type { EndpointListing, HealthStore } from '../store/store.js';
import { endpointOf } from './endpoint-of.js';
import { chunk, settled } from './settled.js';

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

/** What every health store does with endpoints and their states. */
export const endpointCases: Suite<HealthStore>['cases'] = [
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
    name: 'changes what was found out of an endpoint alone, in its transaction, and lists it by what it is then',
    async run(store) {
      const [endpoint, other] = [endpointOf('acme'), endpointOf('acme')];
      const acme = store.tenant('acme');
      for (const one of [endpoint, other]) await acme.insert(one);
      await settled(store, { states: [kept(endpoint, 'offline')] });
      const listed = async (status: EndpointStatus) =>
        (await acme.list({ limit: 10, after: null, filter: { status } })).items.map((it) => it.endpoint.id);
      const anew = ({ checks }: KeptState): KeptState => ({ ...uncheckedState, checks, message: 'Paused' });
      const failing = store.transaction(async (trx) => {
        await acme.restate(endpoint.id, anew, trx);
        throw new Error('no');
      });
      await assert.rejects(failing, /no/);
      await store.tenant('globex').restate(endpoint.id, anew);
      await acme.restate(endpoint.id, (known) => known);
      assert.deepEqual(await listed('offline'), [endpoint.id]);
      await store.transaction(async (trx) => {
        await acme.change(endpoint.id, (known) => ({ ...known, name: 'renamed' }), trx);
        await acme.restate(endpoint.id, anew, trx);
      });
      assert.deepEqual(await listed('offline'), []);
      assert.deepEqual(await listed('unknown'), [endpoint.id, other.id].toSorted());
      const found = await acme.get(endpoint.id);
      assert.deepEqual(found?.state, { ...uncheckedState, checks: 12, message: 'Paused' });
      assert.equal(found.endpoint.name, 'renamed');
      await acme.restate(other.id, () => assert.fail('Nothing was found out of it'));
      assert.equal((await acme.get(other.id))?.state, null);
    },
  },
  {
    name: 'keeps that nothing is known of an endpoint any more',
    async run(store) {
      const endpoint = endpointOf('acme');
      await store.tenant('acme').insert(endpoint);
      await settled(store, { states: [kept(endpoint, 'offline')] });
      await settled(store, { states: [{ ...uncheckedState, endpoint }] });
      const { items } = await store.tenant('acme').list({ limit: 10, after: null, filter: { status: 'unknown' } });
      assert.deepEqual(items, [{ endpoint, state: uncheckedState }]);
    },
  },
];
