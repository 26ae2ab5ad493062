import assert from 'node:assert/strict';
import { newId, type DomainEvent } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { healthEvents } from '../events.js';
import { endpointOf } from './endpoint-of.js';
import type { HealthStore } from '../store/store.js';

const eventOf = (tenantId: string, name: string): DomainEvent =>
  healthEvents.encode(
    healthEvents.create('endpoint.registered', {
      ...{ tenantId, actor: 'user:1', subject: name, at: 1_767_225_700_000 },
      data: { name, serviceType: 'tcp' },
    }),
  );
const log = (store: HealthStore, ...events: DomainEvent[]): Promise<void> =>
  store.transaction((trx) => store.logEvents(events, trx));
const subjects = (found: readonly { event: DomainEvent }[] | undefined) => found?.map(({ event }) => event.subject);

/** How events are followed through every health store alike. */
export const eventLogCases: Suite<HealthStore>['cases'] = [
  {
    name: 'tells the events that were committed after a position, each once, in the order in which they were',
    async run(store) {
      const begin = await store.lastPosition();
      assert.deepEqual(await store.eventsAfter(begin, 10), []);
      await log(store, eventOf('acme', 'a'), eventOf('globex', 'b'));
      await store
        .transaction(async (trx) => {
          await store.logEvents([eventOf('acme', 'undone')], trx);
          throw new Error('rolled back');
        })
        .catch(() => undefined);
      const endpoint = endpointOf('acme');
      await store.tenant('acme').insert(endpoint);
      const told = eventOf('acme', endpoint.id);
      await store.settle({
        states: [],
        chunks: [],
        deltas: [],
        incidents: [],
        events: [healthEvents.parse(told) as never],
      });
      const all = await store.eventsAfter(begin, 10);
      assert.deepEqual(subjects(all), ['a', 'b', endpoint.id]);
      assert.deepEqual(all[2]?.event, told);
      const [first] = await store.eventsAfter(begin, 1);
      assert.deepEqual(subjects(await store.eventsAfter(first?.position ?? 0, 1)), ['b']);
      assert.equal(await store.lastPosition(), all.at(-1)?.position);
      assert.deepEqual(await store.eventsAfter(await store.lastPosition(), 10), []);
    },
  },
  {
    name: 'tells every reader of every event in one order, whoever writes and reads meanwhile',
    async run(store) {
      const begin = await store.lastPosition();
      const count = 40;
      const reader = async (): Promise<string[]> => {
        const seen: string[] = [];
        for (let position = begin; seen.length < count;) {
          const found = await store.eventsAfter(position, 7);
          seen.push(...(subjects(found) ?? []));
          position = found.at(-1)?.position ?? position;
        }
        return seen;
      };
      const reading = Promise.all([reader(), reader(), reader()]);
      await Promise.all(Array.from({ length: count }, (_, index) => log(store, eventOf('acme', `s${index}`))));
      const [one, ...others] = await reading;
      assert.equal(new Set(one).size, count);
      for (const other of others) assert.deepEqual(other, one);
    },
  },
  {
    name: 'tells a tenant of its own events from one of them on, as long as that is kept',
    async run(store) {
      const events = ['a', 'b', 'c', 'd'].map((name, index) => eventOf(index === 1 ? 'globex' : 'acme', name));
      for (const event of events) await log(store, event);
      const [first, foreign] = events as [DomainEvent, DomainEvent];
      assert.deepEqual(subjects(await store.tenantEventsFrom('acme', first.id, 10)), ['a', 'c', 'd']);
      assert.deepEqual(subjects(await store.tenantEventsFrom('acme', first.id, 2)), ['a', 'c']);
      assert.equal(await store.tenantEventsFrom('acme', foreign.id, 10), undefined);
      assert.equal(await store.tenantEventsFrom('acme', newId(), 10), undefined);
      const last = await store.lastPosition();
      const now = await store.time();
      assert.equal(await store.pruneEvents(now - 60_000, 10_000), 0);
      assert.equal(await store.pruneEvents(now + 60_000, 1), 1);
      assert.ok((await store.pruneEvents(now + 60_000, 10_000)) >= 3);
      assert.equal(await store.tenantEventsFrom('acme', first.id, 10), undefined);
      // Positions go on where they were.
      await log(store, eventOf('acme', 'e'));
      assert.deepEqual(subjects(await store.eventsAfter(last, 10)), ['e']);
    },
  },
];
