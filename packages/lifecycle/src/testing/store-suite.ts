import assert from 'node:assert/strict';
import { newId, type StoreTransaction } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import type { CustomerChange, LifecycleStore } from '../store/store.js';
import { aCustomer, aRun, aService, aTimer, aToken, anEvent } from './samples.js';
import { bulkCases } from './bulk-cases.js';
import { answerCases } from './answer-cases.js';
import { privacyCases } from './privacy-cases.js';
import { profileCases } from './profile-cases.js';
import { registrationCases } from './registration-cases.js';
import { searchCases } from './search-cases.js';
import { serviceCases } from './service-cases.js';
import type { LifecycleStoreSubject } from './subject.js';
import { webhookCases } from './webhook-cases.js';

const undo = new Error('undone on purpose');

/** What every lifecycle store must do. */
export const lifecycleStoreSuite: Suite<LifecycleStoreSubject> = {
  name: 'a lifecycle store',
  cases: [
    {
      name: 'is found migrated once it was, however often',
      async run({ store }) {
        await store.migrate();
        await store.checkMigrated();
      },
    },
    {
      name: 'gives a customer back as it was given, whatever is in it',
      async run({ store }) {
        const { customers } = store.tenant('a');
        const customer = aCustomer('a', {
          stage: 'churning',
          churningFrom: 'verification',
          attributes: { 'Ключ "\u0000': [1, { deep: null }] },
          phone: null,
          marketingConsent: true,
        });
        await store.transaction((trx) => customers.insert([customer], trx));
        assert.deepEqual(await customers.get(customer.id), customer);
        assert.deepEqual(await store.transaction((trx) => customers.lock(customer.id, trx)), customer);
      },
    },
    {
      name: 'tells which name of a customer is taken, in any case, within the tenant alone',
      async run({ store }) {
        const insert = (tenantId: string, names: { username: string; email: string }) =>
          store.transaction((trx) => store.tenant(tenantId).customers.insert([aCustomer(tenantId, names)], trx));
        assert.deepEqual(await insert('a', { username: 'Neo', email: 'neo@example.com' }), ['inserted']);
        assert.deepEqual(await insert('a', { username: 'nEO', email: 'x@example.com' }), ['username']);
        assert.deepEqual(await insert('a', { username: 'trinity', email: 'NEO@example.com' }), ['email']);
        assert.deepEqual(await insert('b', { username: 'Neo', email: 'neo@example.com' }), ['inserted']);
        assert.deepEqual(await store.tenant('a').customers.countByStage(), { registration: 1 });
      },
    },
    {
      name: 'changes a customer, with all that follows, for one of twenty racers that saw the same version',
      async run({ store }) {
        const { customers, history, services, runs } = store.tenant('a');
        const before = aCustomer('a');
        await store.transaction((trx) => customers.insert([before], trx));
        const moved = { stage: 'churning', churningFrom: 'onboarding' } as const;
        const after = { ...before, ...moved, version: 2, attributes: { 'a "b\u0000': [1] } };
        const event = anEvent('a', before.id, 'verification', 'registration');
        let told = 0;
        store.outbox.onAppended(() => (told += 1));
        const change = (index: number): CustomerChange => {
          const run = aRun('a', before.id);
          const service = aService('a', before.id, { id: run.serviceId });
          const outbox = [1, 2].map((each) => ({ subscriber: `racer ${index}, ${each}`, event }));
          return { before, after, history: [{ seq: 2, event }], outbox, requested: { service, run } };
        };
        const changes = Array.from({ length: 20 }, (_, index) => change(index));
        // Half of them in transactions that do no more than that.
        const outcomes = await Promise.all(
          changes.map((it, index) =>
            index % 2 === 0 ? customers.change(it) : store.transaction((trx) => customers.change(it, trx)),
          ),
        );
        assert.equal(outcomes.filter(Boolean).length, 1);
        const winner = outcomes.indexOf(true);
        assert.deepEqual(await customers.get(before.id), after);
        assert.deepEqual(await history.list(before.id, { limit: 9 }), [{ seq: 2, event }]);
        const { service, run } = changes[winner]?.requested ?? assert.fail();
        assert.deepEqual((await services.list({ limit: 9 })).items, [service]);
        assert.deepEqual((await runs.list({ limit: 9 })).items, [run]);
        assert.deepEqual(await customers.standing(before.id), { customer: after, liveServices: 1 });
        const subscribers = Array.from({ length: 20 }, (_, index) => [`racer ${index}, 1`, `racer ${index}, 2`]).flat();
        const claimed = await store.outbox.claim({ subscribers, limit: 99, leaseMs: 1_000 });
        assert.deepEqual(
          claimed.map(({ subscriber, event: { data } }) => [subscriber, data]),
          [1, 2].map((each) => [`racer ${winner}, ${each}`, event.data]),
        );
        assert.equal(told, 1);
        assert.equal(await customers.standing(newId()), undefined);
      },
    },
    {
      name: 'undoes a transaction whole',
      async run({ store }) {
        const { customers, history, tokens, runs } = store.tenant('a');
        const customer = aCustomer('a');
        const run = aRun('a', customer.id);
        let committed = false;
        const work = store.transaction(async (trx) => {
          store.afterCommit(trx, () => (committed = true));
          await customers.insert([customer], trx);
          await history.append([{ seq: 1, event: anEvent('a', customer.id, 'registration') }], trx);
          await tokens.put([aToken(customer.id)], trx);
          await runs.insert(run, trx);
          throw undo;
        });
        await assert.rejects(work, undo);
        assert.equal(committed, false);
        assert.equal(await customers.get(customer.id), undefined);
        assert.deepEqual(await history.list(customer.id, { limit: 9 }), []);
        assert.equal(await tokens.get(customer.id, 'email'), undefined);
        assert.equal(await runs.get(run.id), undefined);
      },
    },
    {
      name: 'keeps history in its order, and finds the last entries and the changes of stage',
      async run({ store }) {
        const { history } = store.tenant('a');
        const id = newId();
        const stages = ['registration', 'verification', 'verification', 'onboarding'] as const;
        const entries = stages.map((to, index) => ({ seq: index + 1, event: anEvent('a', id, to, stages[index - 1]) }));
        await store.transaction((trx) => history.append(entries, trx));
        assert.deepEqual(await history.list(id, { limit: 9 }), entries);
        assert.deepEqual(await history.list(id, { limit: 2 }), entries.slice(2));
        const changes = await history.list(id, { limit: 9, stageChangesOnly: true });
        assert.deepEqual(
          changes.map(({ seq }) => seq),
          [1, 2, 4],
        );
      },
    },
    {
      name: 'counts attempts one by one, and lets one of twenty racers consume a token',
      async run({ store, clock }) {
        const { tokens } = store.tenant('a');
        const token = aToken(newId());
        await store.transaction((trx) => tokens.put([token], trx));
        const counted = await Promise.all(
          Array.from({ length: 20 }, () => tokens.countAttempt(token.customerId, token.channel, newId())),
        );
        const attempts = counted.map((it) => it?.attempts ?? 0).sort((x, y) => x - y);
        assert.deepEqual(
          attempts,
          Array.from({ length: 20 }, (_, index) => index + 1),
        );
        const consume = () => store.transaction((trx) => tokens.consume(token, clock.now(), trx));
        assert.equal((await Promise.all(Array.from({ length: 20 }, consume))).filter(Boolean).length, 1);
        const renewed = { ...token, id: newId() };
        await store.transaction((trx) => tokens.put([renewed], trx));
        assert.deepEqual(await tokens.get(token.customerId, token.channel), renewed);
        assert.equal(await consume(), false);
        assert.equal(await tokens.countAttempt(newId(), 'email', newId()), undefined);
      },
    },
    {
      name: 'counts an attempt once, however many give it at once, until another is counted or another token put',
      async run({ store }) {
        const { tokens } = store.tenant('a');
        const token = aToken(newId());
        const put = () => store.transaction((trx) => tokens.put([token], trx));
        const count = (mark: string, trx?: StoreTransaction) =>
          tokens.countAttempt(token.customerId, token.channel, mark, trx);
        await put();
        const once = await Promise.all(Array.from({ length: 20 }, () => count('one')));
        for (const counted of once) assert.deepEqual(counted, { ...token, attempts: 1, attemptMark: 'one' });
        for (const [index, mark] of ['two', 'one', 'two'].entries())
          assert.deepEqual(await count(mark), { ...token, attempts: index + 2, attemptMark: mark });
        assert.equal((await store.transaction((trx) => count('two', trx)))?.attempts, 4);
        assert.equal((await store.transaction((trx) => count('three', trx)))?.attempts, 5);
        assert.equal((await tokens.get(token.customerId, token.channel))?.attemptMark, 'three');
        await put();
        assert.deepEqual(await count('three'), { ...token, attempts: 1, attemptMark: 'three' });
      },
    },
    {
      name: 'keeps a run, and writes checkpoints under the latest fence alone',
      async run({ store, clock }) {
        const { runs } = store.tenant('a');
        const run = aRun('a', newId());
        const key = `a/${run.id}`;
        await store.transaction((trx) => runs.insert(run, trx));
        assert.deepEqual(await runs.get(run.id), run);
        for (const others of [[], ['0'.repeat(64)]])
          assert.equal(
            await store.runLeases.acquire(key, 'one', 1_000, others),
            null,
            'who does not know it leaves it',
          );
        const first = await store.runLeases.acquire(key, 'one', 1_000, ['0'.repeat(64), run.templateHash]);
        assert.ok(first);
        assert.equal(await store.runLeases.acquire(key, 'two', 1_000), null);
        await clock.advance(1_000);
        const second = await store.runLeases.acquire(key, 'two', 1_000);
        assert.ok(second && second.fence > first.fence);
        const done = { ...run, status: 'completed' as const, nextAt: null, provisionedAt: 5 };
        assert.equal(await runs.checkpoint(run.id, first.fence, done), false);
        assert.deepEqual(await runs.get(run.id), run);
        assert.equal(await store.runLeases.renew(key, 'one', first.fence, 1_000), false);
        assert.equal(await store.runLeases.renew(key, 'two', second.fence, 1_000), true);
        assert.equal(await runs.checkpoint(run.id, second.fence, done), true);
        assert.deepEqual(await runs.get(run.id), done);
        assert.equal(await store.runLeases.release(key, 'two', second.fence), false, 'it was given back with the end');
        assert.equal(await store.runLeases.acquire(key, 'three', 1_000), null, 'a run that is over is nobody’s');
      },
    },
    {
      name: 'finds due runs of every tenant, leased ones when their lease ends',
      async run({ store, clock }) {
        const now = clock.now();
        const [soon, later, leased, over] = [now, now + 10_000, now, null].map((nextAt, index) =>
          aRun(index % 2 === 0 ? 'a' : 'b', newId(), { nextAt }),
        );
        assert.ok(soon && later && leased && over);
        await store.transaction(async (trx) => {
          for (const run of [soon, later, leased, over]) await store.tenant(run.tenantId).runs.insert(run, trx);
        });
        await store.runLeases.acquire(`a/${leased.id}`, 'one', 3_000);
        const due = async (untilMs: number) =>
          new Map((await store.dueRuns(untilMs, { limit: 9 })).items.map(({ key, at }) => [key, at]));
        assert.deepEqual(
          await due(now + 5_000),
          new Map([
            [`a/${soon.id}`, now],
            [`a/${leased.id}`, now + 3_000],
          ]),
        );
        assert.equal((await due(now + 10_000)).get(`b/${later.id}`), now + 10_000);
      },
    },
    {
      name: 'finds what is due page by page, of many that are due in one instant too',
      async run({ store, clock }) {
        const at = clock.now();
        const runs = Array.from({ length: 7 }, (_, index) =>
          aRun(index % 2 === 0 ? 'a' : 'b', newId(), { nextAt: at - (index === 6 ? 1 : 0) }),
        );
        const timers = runs.map(({ tenantId }) => ({ tenantId, timer: aTimer(newId(), { dueAt: at }) }));
        await store.transaction(async (trx) => {
          for (const run of runs) await store.tenant(run.tenantId).runs.insert(run, trx);
          for (const { tenantId, timer } of timers) await store.tenant(tenantId).timers.put(timer, trx);
        });
        const all = async (find: 'dueRuns' | 'dueTimers'): Promise<string[]> => {
          const keys: string[] = [];
          let after: string | null = null;
          do {
            const page: Awaited<ReturnType<LifecycleStore['dueRuns']>> = await store[find](at, { limit: 2, after });
            assert.ok(page.items.length <= 2);
            keys.push(...page.items.map(({ key }) => key));
            after = page.nextCursor;
          } while (after !== null);
          return keys;
        };
        const first = runs.at(-1);
        const found = await all('dueRuns');
        assert.equal(found[0], `a/${first?.id}`);
        assert.deepEqual(found.toSorted(), runs.map(({ tenantId, id }) => `${tenantId}/${id}`).toSorted());
        const due = timers.map(({ tenantId, timer }) => `${tenantId}/timer/${timer.id}`);
        assert.deepEqual((await all('dueTimers')).toSorted(), due.toSorted());
      },
    },
    ...serviceCases,
    ...privacyCases,
    ...answerCases,
    ...webhookCases,
    ...bulkCases,
    ...registrationCases,
    ...profileCases,
    ...searchCases,
    {
      name: 'shows and changes nothing of another tenant',
      async run({ store, clock }) {
        const [mine, theirs] = [store.tenant('a'), store.tenant('b')];
        const customer = aCustomer('a');
        const run = aRun('a', customer.id);
        const token = aToken(customer.id);
        await store.transaction(async (trx) => {
          await mine.customers.insert([customer], trx);
          await mine.history.append([{ seq: 1, event: anEvent('a', customer.id, 'registration') }], trx);
          await mine.tokens.put([token], trx);
          await mine.runs.insert(run, trx);
          assert.deepEqual(await mine.runs.listFor(run.serviceId, 9, undefined, trx), [run], 'within the transaction');
        });
        assert.equal(await theirs.customers.get(customer.id), undefined);
        assert.equal(await theirs.customers.standing(customer.id), undefined);
        assert.equal(await theirs.tokens.get(customer.id, 'email'), undefined);
        assert.equal(await theirs.tokens.countAttempt(customer.id, 'email', newId()), undefined);
        assert.equal(await theirs.runs.get(run.id), undefined);
        assert.deepEqual(await theirs.runs.listFor(run.serviceId, 9), []);
        assert.deepEqual(await theirs.history.list(customer.id, { limit: 9 }), []);
        assert.deepEqual(await theirs.customers.countByStage(), {});
        await store.transaction(async (trx) => {
          assert.equal(await theirs.customers.lock(customer.id, trx), undefined);
          assert.equal(
            await theirs.customers.change(
              { before: customer, after: { ...customer, firstName: 'X' }, history: [], outbox: [] },
              trx,
            ),
            false,
          );
          assert.equal(await theirs.tokens.consume(token, clock.now(), trx), false);
          assert.equal(await theirs.runs.checkpoint(run.id, 0, { ...run, status: 'stuck' }, trx), false);
        });
        assert.deepEqual(await mine.customers.get(customer.id), customer);
        assert.deepEqual(await mine.tokens.get(customer.id, 'email'), token);
        assert.deepEqual(await mine.runs.listFor(run.serviceId, 9), [run]);
      },
    },
  ],
};
