import assert from 'node:assert/strict';
import { newId } from '@dotmac/core';
import type { Suite } from '@dotmac/core/testing';
import { readFeed } from '../feed/read-feed.js';
import type { LegalHold } from '../privacy/hold.js';
import type { Erasure, HistoryEntry } from '../store/store.js';
import type { BulkOperation, OperationWords } from '../bulk/operation.js';
import { anOperation } from './bulk-cases.js';
import { aCustomer, aRun, aService, aTimer, aToken, anEvent } from './samples.js';
import type { LifecycleStoreSubject } from './subject.js';

const asIs: Erasure = {
  entry: () => undefined,
  service: (service) => service,
  run: (run) => run,
  signals: (signals) => [...signals],
  operation: () => undefined,
  answer: (answer) => answer,
};

/** What is left of any operation. */
const wordsOf = ({ filter, input }: BulkOperation): OperationWords => {
  return { filter: { ...filter, search: 'gone' }, input: { ...input, reason: null }, createdBy: 'erased' };
};

/** What a store must do with keys, holds, and customers that are to be forgotten. */
export const privacyCases: Suite<LifecycleStoreSubject>['cases'] = [
  {
    name: 'keeps one key of a customer, whoever of twenty brings one',
    async run({ store }) {
      const { privacy } = store.tenant('a');
      const customerId = newId();
      const bring = (_: unknown, index: number) =>
        store.transaction((trx) => privacy.keepKey(customerId, () => `key ${index}`, trx));
      const kept = new Set(await Promise.all(Array.from({ length: 20 }, bring)));
      assert.deepEqual([...kept], [await privacy.key(customerId)]);
      assert.equal(await store.tenant('b').privacy.key(customerId), undefined);
    },
  },
  {
    name: 'keeps holds, oldest first, each tenant’s by themselves',
    async run({ store }) {
      const { privacy } = store.tenant('a');
      const late: LegalHold = { customerId: newId(), name: 'late', note: null, setBy: 'user:1', setAt: 9 };
      const early = { ...late, name: 'early', note: 'why', setAt: 5 };
      await store.transaction(async (trx) => {
        await privacy.setHold(early, trx);
        await privacy.setHold(late, trx);
      });
      assert.deepEqual(await privacy.holds(late.customerId), [early, late]);
      assert.deepEqual(await store.tenant('b').privacy.holds(late.customerId), []);
      const lift = (name: string) => store.transaction((trx) => privacy.liftHold(late.customerId, name, trx));
      assert.deepEqual([await lift('early'), await lift('early')], [true, false]);
      assert.deepEqual(await privacy.holds(late.customerId), [late]);
    },
  },
  {
    name: 'reads history on from a place, with what is sealed in it',
    async run({ store }) {
      const { history } = store.tenant('a');
      const id = newId();
      const entry = (seq: number): HistoryEntry => ({ seq, event: anEvent('a', id, 'registration') });
      const entries = [entry(1), { ...entry(2), sealed: 'x.y' }, entry(3)];
      await store.transaction((trx) => history.append(entries, trx));
      assert.deepEqual(await history.readFrom(id, { after: 0, limit: 2 }), entries.slice(0, 2));
      assert.deepEqual(await history.readFrom(id, { after: 2, limit: 2 }), entries.slice(2));
      assert.deepEqual(await store.tenant('b').history.readFrom(id, { after: 0, limit: 9 }), []);
    },
  },
  {
    name: 'knows what operations on many refused to a customer, and forgets its words, and nobody else’s',
    async run({ store }) {
      const [gone, stays] = [newId(), newId()];
      const operations = [anOperation('a'), anOperation('a', { dryRun: true }), anOperation('b')];
      for (const { id, tenantId, ...operation } of operations)
        await store.transaction(async (trx) => {
          const { bulk } = store.tenant(tenantId);
          await bulk.insert({ id, tenantId, ...operation }, trx);
          const refused = [gone, stays].map((customer) => ({ id: customer, code: 'VETO', message: `not ${tenantId}` }));
          await bulk.addFailures(id, refused, trx);
        });
      const { privacy } = store.tenant('a');
      const refusals = (message: string) =>
        operations
          .filter(({ tenantId }) => tenantId === 'a')
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .map(({ id: operationId, command, dryRun, createdAt: askedAt }) => {
            return { operationId, command, dryRun, code: 'VETO', message, askedAt };
          });
      assert.deepEqual(await privacy.refusals(gone), refusals('not a'));
      await store.transaction((trx) => privacy.wipe(gone, asIs, trx));
      assert.deepEqual(await privacy.refusals(gone), refusals(''));
      assert.deepEqual(await privacy.refusals(stays), refusals('not a'));
      assert.deepEqual(
        (await store.tenant('b').privacy.refusals(gone)).map(({ message }) => message),
        ['not b'],
      );
    },
  },
  {
    name: 'writes what is left of operations that are over and looked for somebody, or list the customer',
    async run({ store }) {
      const over = { status: 'completed', endedAt: 5, filter: { search: 'neo "the one"' } } as const;
      const listed = { ...over, filter: { listed: true } } as const;
      const id = newId();
      const [ended, plain, other, own, theirs] = [
        anOperation('a', { ...over, input: { actionType: 'late', reason: 'he said' } }),
        anOperation('a', { ...over, filter: { stages: ['active'] } }),
        anOperation('b', over),
        anOperation('a', listed),
        anOperation('a', listed),
      ];
      for (const operation of [ended, plain, other, own, theirs])
        await store.tenant(operation.tenantId).bulk.insert(operation);
      const operation: Erasure['operation'] = (it) =>
        it.filter.search === undefined && !it.filter.listed ? undefined : wordsOf(it);
      const { privacy, bulk } = store.tenant('a');
      await store.transaction(async (trx) => {
        await bulk.addTargets(own.id, [newId(), id], trx);
        await bulk.addTargets(theirs.id, [newId()], trx);
        await privacy.wipe(id, { ...asIs, operation }, trx);
      });
      for (const it of [own, ended]) assert.deepEqual(await bulk.get(it.id), { ...it, ...wordsOf(it) });
      assert.deepEqual(await bulk.get(theirs.id), theirs);
      assert.deepEqual(await bulk.get(plain.id), plain);
      assert.deepEqual(await store.tenant('b').bulk.get(other.id), other);
    },
  },
  {
    name: 'keeps what is left of operations that are not over, and writes it with their end, whoever ends them',
    async run({ store }) {
      const filter = { search: 'neo' };
      const said = { filter, input: { actionType: 'late', reason: 'he said' } } as const;
      const listing = { ...said, status: 'collecting', filter: { listed: true } } as const;
      const [running, many, cancelled, abandoned, other] = [
        anOperation('a', said),
        anOperation('a', said),
        anOperation('a', listing),
        anOperation('a', { ...listing, touchedAt: 1 }),
        anOperation('b', said),
      ];
      for (const it of [running, many, cancelled, abandoned, other]) await store.tenant(it.tenantId).bulk.insert(it);
      const { privacy, bulk } = store.tenant('a');
      const id = newId();
      const seen: BulkOperation[] = [];
      const operation: Erasure['operation'] = (it) => {
        seen.push(it);
        return wordsOf(it);
      };
      const listed = Array.from({ length: 120 }, () => newId());
      await store.transaction(async (trx) => {
        await bulk.addTargets(cancelled.id, [id, ...listed], trx);
        await bulk.addTargets(abandoned.id, [id], trx);
        await privacy.wipe(id, { ...asIs, operation }, trx);
      });
      const totals = new Map(seen.map((it) => [it.id, it.total]));
      assert.deepEqual(
        [running, many, cancelled, abandoned, other].map((it) => totals.get(it.id)),
        [null, null, 121, 1, undefined],
      );
      for (const it of [running, many, cancelled, abandoned])
        assert.deepEqual(await bulk.get(it.id), { ...it, erased: wordsOf(it) });
      // Another erasure adds to what the first left.
      const next: Erasure['operation'] = ({ erased }) => (erased ? { ...erased, createdBy: 'nobody' } : undefined);
      await store.transaction((trx) => privacy.wipe(newId(), { ...asIs, operation: (it) => next(it) }, trx));
      const left = { ...wordsOf(running), createdBy: 'nobody' };
      assert.deepEqual((await bulk.get(running.id))?.erased, left);
      assert.deepEqual((await bulk.get(cancelled.id))?.erased?.createdBy, 'erased');
      // Whoever goes on with it has read it before it was known that somebody in it is gone.
      const move = (after: BulkOperation, before: BulkOperation) =>
        store.transaction((trx) => bulk.advance(after, before, trx));
      const begun: BulkOperation = { ...running, status: 'running', total: 2, startedAt: 6 };
      assert.equal(await move(begun, running), true);
      assert.deepEqual(await bulk.get(running.id), { ...begun, erased: left });
      const done: BulkOperation = { ...begun, status: 'completed', cursor: 'c', processed: 2, changed: 2, endedAt: 7 };
      assert.equal(await move(done, begun), true);
      assert.deepEqual(await bulk.get(running.id), { ...done, ...left });
      // What is said of so many is no one's own.
      const counted: BulkOperation = { ...many, status: 'running', total: 100, startedAt: 6 };
      assert.equal(await move(counted, many), true);
      assert.deepEqual(await bulk.get(many.id), counted);
      await bulk.requestCancel(cancelled.id, 8);
      assert.deepEqual(await bulk.get(cancelled.id), {
        ...cancelled,
        ...wordsOf(cancelled),
        ...{ status: 'cancelled', cancelRequestedAt: 8, endedAt: 8 },
      });
      assert.equal(await store.cancelAbandonedBulk(2, 9, 9), 1);
      assert.deepEqual(await bulk.get(abandoned.id), {
        ...abandoned,
        ...wordsOf(abandoned),
        ...{ status: 'cancelled', endedAt: 9 },
      });
      assert.deepEqual(await store.tenant('b').bulk.get(other.id), other);
    },
  },
  {
    name: 'forgets one customer: rows, words, and nobody else’s',
    async run({ store }) {
      const [gone, stays] = [aCustomer('a'), aCustomer('a')];
      const kept = await Promise.all(
        [gone, stays].map(({ id }) =>
          store.transaction(async (trx) => {
            const mine = store.tenant('a');
            const service = aService('a', id);
            const run = aRun('a', id, { serviceId: service.id });
            await mine.history.append([{ seq: 1, event: anEvent('a', id, 'registration') }], trx);
            await mine.services.insert(service, trx);
            await mine.runs.insert(run, trx);
            await mine.signals.add(
              { runId: run.id, stepKey: 'port', by: 'x', kind: 'approve', comment: 'c', output: 1, at: 5 },
              trx,
            );
            const add = [
              { kind: 'attribute', term: 'plan:gold' },
              { kind: 'reason', term: 'abuse' },
            ] as const;
            await mine.customers.changeTerms([{ customer: { id, createdAt: 5 }, add, remove: [] }], trx);
            await mine.timers.put(aTimer(id), trx);
            await mine.tokens.put([aToken(id)], trx);
            await mine.privacy.keepKey(id, () => 'key', trx);
            const invoices = [{ invoiceId: '1', overdueSince: 5, facts: {} }];
            const dunning = { customerId: id, policy: 'p', invoices, stepsTaken: 0, lastStepAt: null, openedAt: 5 };
            await mine.dunningCases.put(dunning, trx);
            await mine.answers.claim({ key: id, fingerprint: 'f', keepUntil: 9 }, 5, trx);
            await mine.answers.keep(id, { customerId: id, answer: '{}' }, trx);
            return { service, run };
          }),
        ),
      );
      const { privacy, history, services, runs, signals, timers, tokens, dunningCases, answers, customers } =
        store.tenant('a');
      const erasure: Erasure = {
        entry: (entry) => ({ ...entry, event: { ...entry.event, actor: 'erased' } }),
        service: (service) => ({ ...service, config: {}, outputs: {} }),
        run: (run) => ({ ...run, config: {}, given: {}, requestedBy: 'erased' }),
        signals: (all) => all.map((signal) => ({ ...signal, by: `not ${signal.by}`, comment: null, output: null })),
        operation: () => undefined,
        answer: (answer) => answer,
      };
      // Another tenant’s erasure of the same id finds nothing.
      await store.transaction((trx) => store.tenant('b').privacy.wipe(gone.id, erasure, trx));
      await store.transaction((trx) => privacy.wipe(gone.id, erasure, trx));
      const left = async (id: string, { service, run }: (typeof kept)[number]) => ({
        actors: (await history.list(id, { limit: 9 })).map(({ event }) => event.actor),
        inFeed: (await readFeed(history, 0, { customerId: id }, 9)).entries.map(({ event }) => event.actor),
        config: (await services.get(service.id))?.config,
        requestedBy: (await runs.get(run.id))?.requestedBy,
        said: (await signals.list(run.id, 'port')).map(({ by, comment, output }) => [by, comment, output]),
        terms: (await customers.termsOf([id])).get(id)?.map(({ term }) => term),
        timers: (await timers.listFor(id)).length,
        token: (await tokens.get(id, 'email')) !== undefined,
        cases: (await dunningCases.listFor(id)).length,
        key: await privacy.key(id),
        answer: (await answers.find(id, 5))?.answer,
      });
      const [first, second] = kept;
      assert.ok(first && second);
      assert.deepEqual(await left(gone.id, first), {
        actors: ['erased'],
        inFeed: ['erased'],
        config: {},
        requestedBy: 'erased',
        said: [['not x', null, null]],
        terms: ['abuse'],
        timers: 0,
        token: false,
        cases: 0,
        key: undefined,
        answer: undefined,
      });
      const untouched = {
        actors: ['user:1'],
        inFeed: ['user:1'],
        config: { speed: 100 },
        requestedBy: 'user:1',
        said: [['x', 'c', 1]],
        terms: ['plan:gold', 'abuse'],
        timers: 1,
        token: true,
        cases: 1,
        key: 'key',
        answer: '{}',
      };
      assert.deepEqual(await left(stays.id, second), untouched);
      await store.transaction((trx) => privacy.wipe(stays.id, asIs, trx));
      assert.deepEqual((await left(stays.id, second)).config, { speed: 100 });
    },
  },
];
