import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import type { KeptAnswer } from '../store/store.js';
import type { LifecycleStoreSubject } from './subject.js';

const undo = new Error('undone on purpose');
const claim = { key: 'k', fingerprint: 'f', keepUntil: 100 };
const kept: KeptAnswer = { fingerprint: 'f', customerId: 'c1', answer: '{"name":"ß 漢"}' };

/** What a store must do with what commands answered under their keys. */
export const answerCases: Suite<LifecycleStoreSubject>['cases'] = [
  {
    name: 'lets one of fifty racers take a key, and gives the others its answer',
    async run({ store }) {
      const { answers } = store.tenant('a');
      const race = (index: number) =>
        store.transaction(async (trx) => {
          const before = await answers.claim(claim, 1, trx);
          if (before) return before.answer;
          await answers.keep('k', { customerId: 'c1', answer: `"${index}"` }, trx);
          return 'taken';
        });
      const told = await Promise.all(Array.from({ length: 50 }, (_, index) => race(index)));
      assert.equal(told.filter((it) => it === 'taken').length, 1);
      assert.deepEqual(new Set(told), new Set(['taken', `"${told.indexOf('taken')}"`]));
    },
  },
  {
    name: 'keeps an answer for its time, in its tenant; then its key is free',
    async run({ store }) {
      const { answers } = store.tenant('a');
      const take = (now: number, tenantId = 'a') =>
        store.transaction((trx) => store.tenant(tenantId).answers.claim({ ...claim, keepUntil: now + 99 }, now, trx));
      await store.transaction(async (trx) => {
        assert.equal(await answers.claim(claim, 1, trx), undefined);
        await answers.keep('k', { customerId: 'c1', answer: kept.answer as string }, trx);
      });
      assert.deepEqual(await answers.find('k', 99), kept);
      assert.deepEqual(await take(99), kept);
      assert.equal(await answers.find('k', 100), undefined);
      assert.equal(await store.tenant('b').answers.find('k', 1), undefined);
      assert.equal(await take(1, 'b'), undefined);
      assert.equal(await take(100), undefined);
    },
  },
  {
    name: 'leaves a key free that was taken and never answered, though that was committed',
    async run({ store }) {
      const { answers } = store.tenant('a');
      const take = (fingerprint: string) =>
        store.transaction((trx) => answers.claim({ ...claim, fingerprint }, 1, trx));
      assert.equal(await take('other'), undefined);
      assert.equal(await answers.find('k', 1), undefined);
      await store.transaction(async (trx) => {
        assert.equal(await answers.claim(claim, 1, trx), undefined);
        assert.equal(await answers.claim(claim, 1, trx), undefined);
        await answers.keep('k', { customerId: 'c1', answer: kept.answer as string }, trx);
      });
      assert.deepEqual([await answers.find('k', 1), await take('other')], [kept, kept]);
    },
  },
  {
    name: 'keeps an answer that is about nobody in particular',
    async run({ store }) {
      const { answers } = store.tenant('a');
      await store.transaction(async (trx) => {
        await answers.claim(claim, 1, trx);
        await answers.keep('k', { customerId: null, answer: '1' }, trx);
      });
      assert.deepEqual(await answers.find('k', 1), { fingerprint: 'f', customerId: null, answer: '1' });
    },
  },
  {
    name: 'leaves a key free whose transaction failed, and removes what is over, some at a time',
    async run({ store }) {
      const { answers } = store.tenant('a');
      const failed = store.transaction(async (trx) => {
        await answers.claim(claim, 1, trx);
        throw undo;
      });
      await assert.rejects(failed, undo);
      for (const key of ['k', 'l', 'm'])
        await store.transaction((trx) => answers.claim({ ...claim, key, keepUntil: key === 'm' ? 9 : 5 }, 1, trx));
      assert.deepEqual([await store.pruneAnswers(4, 9), await store.pruneAnswers(5, 1)], [0, 1]);
      assert.deepEqual([await store.pruneAnswers(8, 9), await store.pruneAnswers(9, 9)], [1, 1]);
    },
  },
];
