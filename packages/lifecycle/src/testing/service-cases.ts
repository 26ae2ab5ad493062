import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { Signal } from '../provisioning/signal.js';
import { aCustomer, anEvent, aRun, aService, aTimer } from './samples.js';
import type { LifecycleStoreSubject } from './subject.js';

/** What a store must do with services, what was said to their steps, and timers. */
export const serviceCases: Suite<LifecycleStoreSubject>['cases'] = [
  {
    name: 'keeps services, lists them newest first, and counts them, each tenant’s by themselves',
    async run({ store }) {
      const { services } = store.tenant('a');
      const customerId = newId();
      const [first, second, gone] = [
        aService('a', customerId),
        aService('a', customerId, { status: 'suspended', access: 'suspended', blocks: [] }),
        aService('a', customerId, { status: 'terminated', access: 'none' }),
      ];
      await store.transaction(async (trx) => {
        for (const service of [first, second, gone]) await services.insert(service, trx);
        await store.tenant('b').services.insert(aService('b', newId()), trx);
      });
      assert.deepEqual(await services.get(first.id), first);
      const ids = (found: { items: { id: string }[] }) => found.items.map(({ id }) => id);
      const page = await services.list({ customerId, limit: 2 });
      assert.deepEqual(ids(page), [gone.id, second.id]);
      assert.deepEqual(ids(await services.list({ customerId, limit: 2, cursor: page.nextCursor ?? '' })), [first.id]);
      assert.deepEqual(ids(await services.list({ status: 'suspended', limit: 9 })), [second.id]);
      const live = await store.transaction((trx) => services.live(customerId, trx));
      assert.deepEqual(live, [first, second]);
      assert.deepEqual(await services.ownersAmong([newId(), customerId]), [customerId]);
      assert.deepEqual(await store.tenant('b').services.ownersAmong([customerId]), []);
      assert.deepEqual(await services.countByStatus(), { active: 1, suspended: 1, terminated: 1 });
      assert.equal(await store.tenant('b').services.get(first.id), undefined);
      assert.deepEqual(await store.transaction((trx) => store.tenant('b').services.live(customerId, trx)), []);
    },
  },
  {
    name: 'replaces a service whole, and marks a pending one alone as being provisioned with the first checkpoint',
    async run({ store }) {
      const { services, runs } = store.tenant('a');
      const service = aService('a', newId(), { status: 'pending', access: 'none', openRunId: newId() });
      const run = aRun('a', service.customerId, { serviceId: service.id });
      await store.transaction(async (trx) => {
        await services.insert(service, trx);
        await runs.insert(run, trx);
      });
      const begin = (fence: number, updatedAt: number) =>
        runs.checkpoint(run.id, fence, { ...run, status: 'running', updatedAt, begunService: service.id });
      assert.equal(await begin(1, 6), false);
      assert.deepEqual(await services.get(service.id), service);
      assert.equal(await begin(0, 7), true);
      assert.deepEqual(await services.get(service.id), { ...service, status: 'provisioning', updatedAt: 7 });
      const spared = { sparedReasons: ['late', 'abuse'], isKept: true };
      const done = { status: 'active' as const, openRunId: null, outputs: { 'Ключ "': [1, null] } };
      const next = { ...service, ...done, ...spared };
      await store.transaction((trx) => services.replace(next, trx));
      assert.equal(await begin(0, 8), true);
      assert.deepEqual(await services.get(service.id), next);
      assert.deepEqual(await store.transaction((trx) => services.lock(service.id, trx)), next);
    },
  },
  {
    name: 'ends a run with its service, its customer and its lease, under the latest fence and version alone',
    async run({ store }) {
      const { customers, services, runs, history } = store.tenant('a');
      const before = aCustomer('a');
      const run = aRun('a', before.id);
      const service = aService('a', before.id, { id: run.serviceId, status: 'provisioning', openRunId: run.id });
      await store.transaction(async (trx) => {
        await customers.insert([before], trx);
        await services.insert(service, trx);
        await runs.insert(run, trx);
      });
      const key = `a/${run.id}`;
      const lease = await store.runLeases.acquire(key, 'one', 60_000);
      assert.ok(lease);
      const { taken = { run, customer: before, service } } = lease;
      assert.deepEqual(taken, { run, customer: before, service });
      assert.deepEqual(await runs.standing(run.id), { customer: before, cancelRequestedAt: null });
      assert.equal(await runs.proceed(run.id, lease.fence - 1, { ...run, updatedAt: 8 }), undefined);
      await store.transaction((trx) => runs.requestCancel(run.id, run.nextAt ?? 0, trx));
      const told = await runs.proceed(run.id, lease.fence, run);
      assert.deepEqual(told, { customer: before, cancelRequestedAt: run.nextAt });
      const asked = { ...run, cancelRequestedAt: run.nextAt };
      const after = { ...before, version: 2, updatedAt: 9 };
      const event = anEvent('a', before.id, 'registration', 'registration');
      const state = { ...asked, status: 'completed' as const, nextAt: null, provisionedAt: 9, updatedAt: 9 };
      const left = { ...service, status: 'active' as const, openRunId: null, provisionedAt: 9 };
      const end = (fence: number, version: number) =>
        customers.change({
          before: { ...before, version },
          after,
          history: [{ seq: 2, event }],
          outbox: [],
          ended: { runId: run.id, fence, state, service: left },
        });
      assert.equal(await end(lease.fence - 1, 1), false);
      assert.equal(await end(lease.fence, 7), false);
      assert.deepEqual(await customers.get(before.id), before);
      assert.deepEqual(await runs.get(run.id), asked);
      assert.deepEqual(await services.get(service.id), service);
      assert.deepEqual(await history.list(before.id, { limit: 9 }), []);
      assert.equal(await end(lease.fence, 1), true);
      assert.deepEqual(await customers.get(before.id), after);
      assert.deepEqual(await runs.get(run.id), state);
      assert.deepEqual(await services.get(service.id), left);
      assert.deepEqual(await history.list(before.id, { limit: 9 }), [{ seq: 2, event }]);
      await store.transaction((trx) => runs.reopen({ ...state, status: 'running', nextAt: 10 }, trx));
      assert.ok(await store.runLeases.acquire(key, 'two', 1_000), 'the lease was given back');
      assert.equal(await runs.standing(newId()), undefined);
    },
  },
  {
    name: 'lists runs by status, reopens them, cancels them, and wakes those that wait',
    async run({ store }) {
      const { runs } = store.tenant('a');
      const cancelledAt = async (id: string) => (await runs.get(id))?.cancelRequestedAt;
      const [waiting, over, retried, undone] = [
        aRun('a', newId(), { status: 'waiting' }),
        aRun('a', newId(), { status: 'stuck', nextAt: null }),
        aRun('a', newId(), { status: 'running', nextAt: 500 }),
        aRun('a', newId(), { status: 'compensating', direction: 'backward', nextAt: 500 }),
      ];
      await store.transaction(async (trx) => {
        for (const run of [retried, undone, waiting, over]) await runs.insert(run, trx);
      });
      assert.deepEqual((await runs.list({ status: 'stuck', limit: 9 })).items, [over]);
      assert.deepEqual((await runs.list({ limit: 1 })).items, [undone]);
      assert.equal(await cancelledAt(waiting.id), null);
      await store.transaction(async (trx) => {
        await runs.wakeWaiting(waiting.id, 77, trx);
        await runs.wakeWaiting(over.id, 77, trx);
      });
      assert.equal((await runs.get(waiting.id))?.nextAt, 77);
      assert.equal((await runs.get(over.id))?.nextAt, null);
      const dueAt = async () =>
        Promise.all([waiting, over, retried, undone].map(async ({ id }) => (await runs.get(id))?.nextAt));
      await store.transaction((trx) => runs.wakeWaiting(retried.id, 77, trx));
      assert.equal((await runs.get(retried.id))?.nextAt, 500, 'what is said to it makes no attempt come sooner');
      await store.transaction(async (trx) => {
        for (const { id } of [waiting, over, retried, undone]) await runs.makeDue(id, 88, trx);
      });
      assert.deepEqual(await dueAt(), [88, null, 88, 500]);
      await store.transaction(async (trx) => {
        await runs.requestCancel(waiting.id, 99, trx);
        await runs.requestCancel(over.id, 99, trx);
      });
      assert.equal(await cancelledAt(waiting.id), 99);
      assert.equal((await runs.get(waiting.id))?.nextAt, 99);
      assert.equal(await cancelledAt(over.id), null, 'a run that is over cannot be cancelled');
      const again = { ...over, status: 'running' as const, nextAt: 5, updatedAt: 5 };
      await store.transaction((trx) => runs.reopen(again, trx));
      assert.deepEqual(await runs.get(over.id), again);
    },
  },
  {
    name: 'keeps what was said to a step, once of each who spoke, until it is forgotten',
    async run({ store }) {
      const { signals } = store.tenant('a');
      const said: Signal = {
        runId: newId(),
        stepKey: 'boss',
        by: 'user:1',
        kind: 'approve',
        comment: 'fine',
        output: { port: [7] },
        at: 5,
      };
      const add = (signal: Signal) => store.transaction((trx) => signals.add(signal, trx));
      assert.equal(await add(said), true);
      assert.equal(await add({ ...said, kind: 'reject', at: 6 }), false);
      assert.equal(await add({ ...said, by: 'user:2', output: null, at: 4 }), true);
      assert.equal(await add({ ...said, stepKey: 'other' }), true);
      const heard = await signals.list(said.runId, 'boss');
      assert.deepEqual(heard, [{ ...said, by: 'user:2', output: null, at: 4 }, said]);
      assert.deepEqual(await store.tenant('b').signals.list(said.runId, 'boss'), []);
      const forget = (tenantId: string) =>
        store.transaction((trx) => store.tenant(tenantId).signals.forget(said.runId, 'boss', trx));
      await forget('b');
      assert.deepEqual(await signals.list(said.runId, 'boss'), heard);
      await forget('a');
      assert.deepEqual(await signals.list(said.runId, 'boss'), []);
      assert.deepEqual(await signals.list(said.runId, 'other'), [{ ...said, stepKey: 'other' }]);
      assert.equal(await add(said), true);
    },
  },
  {
    name: 'keeps one timer of a name for a customer, and gives it to one of twenty who take it',
    async run({ store, clock }) {
      const { timers } = store.tenant('a');
      const customerId = newId();
      const now = clock.now();
      const [old, moved] = [aTimer(customerId, { dueAt: now }), aTimer(customerId, { dueAt: now + 500 })];
      const other = aTimer(customerId, { name: 'other', dueAt: now + 100 });
      await store.transaction(async (trx) => {
        for (const timer of [old, moved, other]) await timers.put(timer, trx);
        await store.tenant('b').timers.put(aTimer(customerId, { dueAt: now + 200 }), trx);
      });
      assert.deepEqual(await timers.listFor(customerId), [other, moved]);
      assert.equal(await timers.get(old.id), undefined);
      assert.deepEqual(await timers.get(moved.id), moved);
      const { items: due } = await store.dueTimers(now + 300, { limit: 9 });
      assert.deepEqual(
        due.map(({ at }) => at),
        [now + 100, now + 200],
      );
      assert.equal(due[0]?.key, `a/timer/${other.id}`);
      const takers = Array.from({ length: 20 }, () => store.transaction((trx) => timers.take(moved.id, trx)));
      assert.equal((await Promise.all(takers)).filter(Boolean).length, 1);
      await store.transaction((trx) => timers.clear(customerId, 'other', trx));
      assert.deepEqual(await timers.listFor(customerId), []);
      assert.equal((await store.tenant('b').timers.listFor(customerId)).length, 1);
    },
  },
];
