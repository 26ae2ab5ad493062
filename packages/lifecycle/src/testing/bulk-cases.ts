import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { staleMs, type BulkOperation } from '../bulk/operation.js';
import type { Customer } from '../customers/customer.js';
import { lifecycleEvents } from '../events.js';
import type { SearchTerm, TermChange } from '../search/terms.js';
import type { BulkChange } from '../store/store.js';
import { aCustomer, aService, aTimer, anEvent } from './samples.js';
import type { LifecycleStoreSubject } from './subject.js';

/** A command for many that nobody has begun. */
export const anOperation = (tenantId: string, change: Partial<BulkOperation> = {}): BulkOperation => ({
  id: newId(),
  tenantId,
  command: 'suspend',
  input: { actionType: 'late' },
  filter: {},
  dryRun: false,
  status: 'pending',
  total: null,
  processed: 0,
  changed: 0,
  refused: 0,
  outcomes: [],
  createdBy: 'user:1',
  createdAt: 5,
  startedAt: null,
  touchedAt: 5,
  endedAt: null,
  cancelRequestedAt: null,
  cursor: '',
  upTo: '~',
  erased: null,
  ...change,
});

const late: SearchTerm = { kind: 'reason', term: 'late' };
const none: TermChange = { add: [], remove: [] };

/** What a store must do with commands for many. */
export const bulkCases: Suite<LifecycleStoreSubject>['cases'] = [
  {
    name: 'keeps operations, moves one on for one of twenty who saw it at the same place, and finds those left alone',
    async run({ store }) {
      const { bulk } = store.tenant('a');
      const [first, second] = [
        anOperation('a'),
        anOperation('a', { status: 'completed', filter: { stages: ['active'] } }),
      ];
      for (const operation of [first, second]) await bulk.insert(operation);
      assert.deepEqual(await bulk.get(first.id), first);
      assert.equal(await store.tenant('b').bulk.get(first.id), undefined);
      const page = await bulk.list({ limit: 1 });
      assert.deepEqual(page.items, [second]);
      assert.deepEqual((await bulk.list({ limit: 9, cursor: page.nextCursor ?? '' })).items, [first]);
      assert.equal(await store.transaction((trx) => bulk.countOpen(trx)), 1);
      const outcomes = [{ from: 'active', to: null, code: 'X', count: 3 }] as const;
      const moved: BulkOperation = {
        ...first,
        ...{ status: 'running', cursor: 'c', processed: 3, refused: 3, outcomes: [...outcomes], touchedAt: 9 },
      };
      const racers = Array.from({ length: 20 }, () => store.transaction((trx) => bulk.advance(moved, first, trx)));
      assert.equal((await Promise.all(racers)).filter(Boolean).length, 1);
      assert.deepEqual(await bulk.get(first.id), moved);
      assert.deepEqual((await store.dueBulk(9 + staleMs, { limit: 9 })).items, [
        { key: `a/bulk/${first.id}`, at: 9 + staleMs },
      ]);
      assert.deepEqual((await store.dueBulk(8 + staleMs, { limit: 9 })).items, []);
      await bulk.requestCancel(first.id, 11);
      await bulk.requestCancel(second.id, 11);
      assert.equal((await bulk.get(first.id))?.cancelRequestedAt, 11);
      assert.equal((await bulk.get(second.id))?.cancelRequestedAt, null);
      const failures = ['a', 'b', 'c'].map((id) => ({ id, code: 'X', message: 'no' }));
      await store.transaction((trx) => bulk.addFailures(first.id, failures, trx));
      const listed = await bulk.failures({ operationId: first.id, limit: 2 });
      assert.deepEqual(listed.items, failures.slice(0, 2));
      const rest = await bulk.failures({ operationId: first.id, limit: 2, cursor: listed.nextCursor ?? '' });
      assert.deepEqual([rest.items, rest.nextCursor], [failures.slice(2), null]);
    },
  },
  {
    name: 'removes operations that ended long ago, of every tenant, with all that belongs to them, some rows at a time',
    async run({ store }) {
      const over = (tenantId: string, endedAt: number | null) => {
        return anOperation(tenantId, { status: endedAt === null ? 'running' : 'completed', endedAt });
      };
      const [old, older, late, open] = [over('a', 10), over('b', 9), over('a', 20), over('a', null)];
      const ids = ['a', 'b', 'c'];
      for (const operation of [old, older, late, open]) {
        const { bulk } = store.tenant(operation.tenantId);
        await bulk.insert(operation);
        await store.transaction(async (trx) => {
          await bulk.addTargets(operation.id, ids, trx);
          await bulk.addFailures(
            operation.id,
            ids.map((id) => ({ id, code: 'X', message: 'no' })),
            trx,
          );
        });
      }
      let rounds = 0;
      for (let removed = -1; removed !== 0; rounds++) {
        removed = await store.pruneBulk(20, 2);
        assert.ok(removed <= 2 && rounds < 20);
      }
      const left = async ({ tenantId, id }: BulkOperation) => {
        const { bulk } = store.tenant(tenantId);
        const { items } = await bulk.failures({ operationId: id, limit: 9 });
        const listed = await bulk.next(anOperation(tenantId, { id, filter: { listed: true } }), 9);
        return [(await bulk.get(id)) !== undefined, items.length, listed.length];
      };
      for (const gone of [old, older]) assert.deepEqual(await left(gone), [false, 0, 0]);
      for (const kept of [late, open]) assert.deepEqual(await left(kept), [true, 3, 3]);
    },
  },
  {
    name: 'finds whom an operation means, in the order of their ids, by filter or by list',
    async run({ store }) {
      const { bulk, customers } = store.tenant('a');
      const people = [
        aCustomer('a', { stage: 'active', createdAt: 10 }),
        aCustomer('a', { stage: 'active', createdAt: 20, userType: 'business' }),
        aCustomer('a', { stage: 'inactive', createdAt: 30 }),
      ];
      await store.transaction(async (trx) => {
        for (const person of people) await customers.insert([person], trx);
        await store.tenant('b').customers.insert([aCustomer('b', { stage: 'active' })], trx);
      });
      const ids = people.map(({ id }) => id);
      const [one = '', two = '', three = ''] = ids;
      const idsOf = async (operation: BulkOperation, limit: number) =>
        (await bulk.next(operation, limit)).map(({ id }) => id);
      /** Few or many: both ways of reading find the same. */
      const meant = async (change: Partial<BulkOperation>): Promise<string[]> => {
        const [few, many] = [anOperation('a', { ...change, total: 9 }), anOperation('a', { ...change, total: 90_000 })];
        const found = await idsOf(few, 9);
        assert.deepEqual(await idsOf(many, 9), found);
        assert.equal(await bulk.count(many), found.length);
        return found;
      };
      assert.deepEqual(await meant({}), ids);
      assert.equal(await bulk.count(anOperation('a')), 3);
      assert.deepEqual(await idsOf(anOperation('a', { cursor: one }), 1), [two]);
      assert.deepEqual(await meant({ upTo: two }), [one, two]);
      assert.deepEqual(await meant({ upTo: '' }), []);
      assert.deepEqual([await bulk.lastId(), await store.tenant('c').bulk.lastId()], [three, '']);
      assert.deepEqual(await meant({ filter: { stages: ['active'], userTypes: ['residential'] } }), [one]);
      assert.deepEqual(await meant({ filter: { createdFrom: 20, createdTo: 30 } }), [two]);
      const add = [
        { kind: 'name', term: 'neo' },
        { kind: 'name', term: 'neo anderson' },
        { kind: 'reason', term: 'abuse' },
        { kind: 'attribute', term: 'city:essen' },
      ] as const;
      await store.transaction((trx) =>
        customers.changeTerms(
          [
            { customer: people[1] as Customer, add, remove: [] },
            { customer: people[2] as Customer, add: add.slice(1, 3), remove: [] },
          ],
          trx,
        ),
      );
      assert.deepEqual(await meant({ filter: { search: 'NEO' } }), [two, three]);
      assert.deepEqual(await meant({ filter: { search: 'neo', reason: 'abuse', stages: ['inactive'] } }), [three]);
      assert.deepEqual(await meant({ filter: { attribute: 'city:Essen' } }), [two]);
      assert.deepEqual(await meant({ filter: { reason: 'abuse' }, cursor: two }), [three]);
      assert.deepEqual(await meant({ filter: { attribute: 'city:Bonn' } }), []);
      assert.equal(await bulk.count(anOperation('a', { filter: { search: 'neo', stage: 'active' } })), 1);
      const listing = anOperation('a', { status: 'collecting', filter: { listed: true } });
      const copy = anOperation('a', { filter: { listed: true } });
      await bulk.insert(listing);
      await store.transaction(async (trx) => {
        await bulk.addTargets(listing.id, [three, one, one], trx);
        await bulk.addTargets(listing.id, [one, 'nobody'], trx);
        await bulk.copyTargets(listing.id, copy.id, trx);
      });
      const everybody = [
        ...people.map((customer) => ({ id: customer.id, customer, isServed: false })),
        { id: 'nobody', customer: undefined, isServed: false },
      ];
      const wanted = everybody.filter(({ id }) => id !== two).sort((a, b) => (a.id < b.id ? -1 : 1));
      for (const operation of [listing, copy]) assert.deepEqual(await bulk.next(operation, 9), wanted);
      assert.deepEqual([await bulk.begin(listing.id), await bulk.begin(listing.id)], [true, false]);
    },
  },
  {
    name: 'cancels what is begun at the same moment',
    async run({ store }) {
      const { bulk } = store.tenant('a');
      for (let round = 0; round < 10; round++) {
        const { id } = anOperation('a');
        await bulk.insert(anOperation('a', { id, status: 'collecting' }));
        await Promise.all([bulk.requestCancel(id, 11), bulk.begin(id)]);
        assert.equal((await bulk.get(id))?.cancelRequestedAt, 11);
      }
    },
  },
  {
    name: 'lets customers be listed for one that is collecting alone, and not for one that is begun meanwhile',
    async run({ store }) {
      const { bulk } = store.tenant('a');
      const collecting = (): BulkOperation => anOperation('a', { status: 'collecting' });
      const [listing, other, pending] = [collecting(), collecting(), anOperation('a')];
      for (const operation of [listing, other, pending]) await bulk.insert(operation);
      /** Read so often that whoever does not wait for what is under way is done meanwhile. */
      const staysCollecting = async ({ id }: BulkOperation): Promise<void> => {
        for (let round = 0; store.capabilities.parallelTransactions && round < 30; round++)
          assert.equal((await bulk.get(id))?.status, 'collecting');
      };
      const touch = (operation: BulkOperation, at: number, tenantId = 'a') =>
        store.transaction((trx) => store.tenant(tenantId).bulk.touch(operation.id, at, trx));
      assert.deepEqual([await touch(listing, 9), await touch(listing, 9)], [true, true]);
      assert.deepEqual([await touch(pending, 9), await touch(listing, 10, 'b')], [false, false]);
      assert.equal((await bulk.get(listing.id))?.touchedAt, 9);
      let begun: Promise<boolean> | undefined;
      await store.transaction(async (trx) => {
        assert.equal(await bulk.touch(listing.id, 11, trx), true);
        begun = bulk.begin(listing.id);
        await bulk.addTargets(listing.id, ['one'], trx);
        await staysCollecting(listing);
      });
      assert.equal(await begun, true);
      let late: Promise<boolean> | undefined;
      await store.transaction(async (trx) => {
        assert.equal(await bulk.begin(other.id, trx), true);
        late = touch(other, 11);
        await staysCollecting(other);
      });
      assert.equal(await late, false);
      assert.deepEqual([await touch(listing, 12), (await bulk.get(listing.id))?.touchedAt], [false, 11]);
    },
  },
  {
    name: 'cancels those that are collecting and that nobody listed anybody for since an instant, of every tenant',
    async run({ store }) {
      const old = [1, 2, 3].map((touchedAt) =>
        anOperation(touchedAt === 3 ? 'b' : 'a', { status: 'collecting', touchedAt }),
      );
      const others = [
        anOperation('a', { status: 'collecting', touchedAt: 4 }),
        anOperation('a', { status: 'pending', touchedAt: 1 }),
        anOperation('a', { status: 'completed', touchedAt: 1, endedAt: 1 }),
      ];
      for (const operation of [...old, ...others]) await store.tenant(operation.tenantId).bulk.insert(operation);
      const kept = ({ tenantId, id }: BulkOperation) => store.tenant(tenantId).bulk.get(id);
      assert.equal(await store.cancelAbandonedBulk(4, 9, 2), 2);
      assert.deepEqual(await Promise.all(old.map(async (it) => (await kept(it))?.status)), [
        'cancelled',
        'cancelled',
        'collecting',
      ]);
      assert.deepEqual([await store.cancelAbandonedBulk(4, 9, 2), await store.cancelAbandonedBulk(4, 9, 2)], [1, 0]);
      for (const operation of old)
        assert.deepEqual(await kept(operation), { ...operation, status: 'cancelled', endedAt: 9 });
      for (const operation of others) assert.deepEqual(await kept(operation), operation);
    },
  },
  {
    name: 'writes changes of many: rows, events, terms of each, timers that are over; and knows who has services',
    async run({ store }) {
      const { bulk, customers, history, timers, services } = store.tenant('a');
      const people = Array.from({ length: 7 }, (_, index) =>
        aCustomer('a', index < 5 ? { stage: 'active' } : { stage: 'churning', churningFrom: 'onboarding' }),
      );
      const [first, last] = [people[0] ?? aCustomer('a'), people[6] ?? aCustomer('a')];
      await store.transaction(async (trx) => {
        for (const person of people) {
          await customers.insert([person], trx);
          await history.append([{ seq: 1, event: anEvent('a', person.id, 'active') }], trx);
        }
        await customers.changeTerms(
          people.slice(0, 5).map((customer) => ({ customer, add: [late], remove: [] })),
          trx,
        );
        for (const name of ['promise:late', 'other']) await timers.put(aTimer(first.id, { name }), trx);
        await services.insert(aService('a', last.id), trx);
        await services.insert(aService('a', first.id, { status: 'terminated' }), trx);
      });
      const found = await bulk.next(anOperation('a'), 9);
      assert.deepEqual(
        found,
        people.map((customer) => ({ id: customer.id, customer, isServed: customer === last })),
      );
      const changes = people.map((before, index): BulkChange => {
        const stage = index < 4 ? ('churning' as const) : ('inactive' as const);
        const churningFrom = index < 2 ? ('active' as const) : index < 4 ? ('verification' as const) : null;
        const after = { ...before, stage, churningFrom, version: 2, updatedAt: before.updatedAt + 7 };
        const data = { from: 'active', to: stage, reason: `reason ${index >> 1} ß "\\` } as const;
        const name = index < 4 ? 'customer.churning' : 'customer.deactivated';
        const of = { tenantId: 'a', actor: 'user:1', subject: before.id, at: after.updatedAt, data };
        const terms = {
          add: [{ kind: 'reason', term: `reason ${index % 2} "\\` }, ...(index > 4 ? [late] : [])],
          remove: index > 4 ? [] : [late],
        } as const;
        return { before, after, event: lifecycleEvents.create(name, of) as never, terms, cleared: ['promise:late'] };
      });
      assert.deepEqual(await store.transaction(bulk.prepare(changes)), []);
      const terms = await customers.termsOf(people.map(({ id }) => id));
      const sorted = (of: readonly SearchTerm[] = []) => [...of].sort((a, b) => (a.term < b.term ? -1 : 1));
      for (const { after, event, terms: changed } of changes) {
        assert.deepEqual(await customers.get(after.id), after);
        assert.deepEqual((await history.list(after.id, { limit: 9 })).at(-1), { seq: 2, event });
        assert.deepEqual(sorted(terms.get(after.id)), sorted(changed.add));
      }
      assert.deepEqual(
        (await timers.listFor(first.id)).map(({ name }) => name),
        ['other'],
      );
    },
  },
  {
    name: 'writes changes of many just as long as each customer is as it was, and says who is not',
    async run({ store }) {
      const { bulk, customers, history } = store.tenant('a');
      const people = Array.from({ length: 5 }, () => aCustomer('a', { stage: 'active' }));
      await store.transaction(async (trx) => {
        for (const person of people) await customers.insert([person], trx);
      });
      const changeOf = (before: Customer): BulkChange => {
        const after = { ...before, stage: 'churning' as const, version: before.version + 1 };
        const data = { from: 'active', to: 'churning', reason: null } as const;
        const of = { tenantId: 'a', actor: 'user:1', subject: before.id, at: after.updatedAt, data };
        return {
          before,
          after,
          event: lifecycleEvents.create('customer.churning', of) as never,
          terms: none,
          cleared: [],
        };
      };
      const [, second = aCustomer('a'), third = aCustomer('a')] = people;
      const moved = changeOf(second);
      assert.deepEqual(await store.transaction(bulk.prepare([moved])), []);
      const undone = new Error('who writes takes it back');
      const stale = async (of: readonly Customer[], tenant = 'a'): Promise<string[]> => {
        let ids: string[] = [];
        await store
          .transaction(async (trx) => {
            ids = await store.tenant(tenant).bulk.prepare(of.map(changeOf))(trx);
            throw undone;
          })
          .catch((error: unknown) => assert.equal(error, undone));
        return ids;
      };
      const stranger = aCustomer('a');
      assert.deepEqual(await stale([...people, stranger]), [second.id, stranger.id]);
      assert.deepEqual(await stale([third], 'b'), [third.id]);
      assert.deepEqual(await customers.get(third.id), third);
      assert.deepEqual(await history.list(third.id, { limit: 9 }), []);
      assert.deepEqual(await customers.get(second.id), moved.after);
    },
  },
];
