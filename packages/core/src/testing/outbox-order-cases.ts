import assert from 'node:assert/strict';
import { ask, entriesOf, eventOf, numbersOf, type OutboxSubject } from './outbox-subject.js';
import type { Suite } from './suite.js';

/** In which order every outbox gives its entries. */
export const orderCases: Suite<OutboxSubject>['cases'] = [
  {
    name: 'gives events of several subjects together, in the order they were appended, whole',
    async run({ outboxes: [outbox] }) {
      const events = [eventOf('c', 1), eventOf('a', 2), eventOf('b', 3)];
      await outbox.append(entriesOf(events));
      const claimed = await outbox.claim(ask);
      assert.deepEqual(
        claimed.map(({ event }) => event),
        events,
      );
      assert.deepEqual(
        claimed.map(({ attempt }) => attempt),
        [1, 1, 1],
      );
      assert.deepEqual(await outbox.claim(ask), []);
      assert.equal(await outbox.acknowledge(claimed.map(({ claim }) => claim)), 3);
    },
  },
  {
    name: 'gives events of one subject one after another, and a failing one holds up those after it alone',
    async run({ outboxes: [outbox], clock }) {
      await outbox.append(entriesOf([eventOf('a', 1), eventOf('a', 2), eventOf('b', 3)]));
      const [first, other] = await outbox.claim(ask);
      assert.ok(first && other);
      assert.deepEqual(numbersOf([first, other]), [1, 3]);
      await outbox.retryLater(first.claim, 500);
      await outbox.acknowledge([other.claim]);
      assert.deepEqual(await outbox.claim(ask), []);
      await clock.advance(500);
      const [again] = await outbox.claim(ask);
      assert.ok(again);
      assert.deepEqual([again.deliveryId, again.attempt], [first.deliveryId, 2]);
      await outbox.acknowledge([again.claim]);
      assert.deepEqual(numbersOf(await outbox.claim(ask)), [2]);
    },
  },
  {
    name: 'gives entries that share a lane one after another, whoever subscribes to them; who is not asked for holds nobody up',
    async run({ outboxes: [outbox], clock }) {
      const both = { ...ask, subscribers: ['mail', 'audit'] };
      const shared = (number: number, subscriber: string, event = eventOf('a', number)) => ({
        ...{ subscriber, event, lane: 'shared' },
      });
      await outbox.append([shared(1, 'mail'), shared(2, 'audit'), ...entriesOf([eventOf('a', 3)], 'audit')]);
      await outbox.append([shared(4, 'audit', eventOf('b', 4)), shared(5, 'audit', eventOf('a', 5, 'globex'))]);
      const [first, ...others] = await outbox.claim(both);
      assert.ok(first);
      assert.deepEqual(numbersOf([first, ...others]), [1, 3, 4, 5]);
      await outbox.retryLater(first.claim, 500);
      await outbox.acknowledge(others.map(({ claim }) => claim));
      assert.deepEqual(await outbox.claim(both), []);
      await clock.advance(500);
      const [again] = await outbox.claim(both);
      assert.ok(again);
      await outbox.park(again.claim, 'BROKEN');
      assert.deepEqual(numbersOf(await outbox.claim({ ...both, leaseMs: 100 })), [2]);
      assert.equal(await outbox.unpark('acme', again), true);
      await clock.advance(100);
      assert.deepEqual(numbersOf(await outbox.claim({ ...both, subscribers: ['audit'] })), [2]);
    },
  },
  {
    name: 'lets entries pass one that has stepped aside, which keeps its place in nothing, and is given when it is due',
    async run({ outboxes: [outbox, other], clock }) {
      await outbox.append(entriesOf([eventOf('a', 1), eventOf('a', 2), eventOf('a', 3)]));
      const [first] = await outbox.claim(ask);
      assert.ok(first);
      await outbox.retryLater(first.claim, 500, true);
      const [second, ...none] = await other.claim(ask);
      assert.ok(second);
      assert.deepEqual([numbersOf([second]), none], [[2], []]);
      await clock.advance(500);
      const [again, ...others] = await other.claim(ask);
      assert.ok(again);
      assert.deepEqual([again.deliveryId, again.attempt, others], [first.deliveryId, 2, []]);
      // What is behind the second has to wait for that all the same.
      await outbox.retryLater(second.claim, 500);
      await outbox.park(again.claim, 'BROKEN');
      assert.equal(await outbox.unpark('acme', again), true);
      assert.deepEqual(numbersOf(await outbox.claim(ask)), [1]);
      await clock.advance(500);
      assert.deepEqual(numbersOf(await outbox.claim({ ...ask, limit: 1 })), [2]);
    },
  },
  {
    name: 'sets aside what is behind an entry that is put off, until that is due, and nothing else',
    async run({ outboxes: [outbox, other], clock }) {
      const aside = { subscribers: ['mail'], limit: 100 };
      await outbox.append(entriesOf([eventOf('a', 1), eventOf('a', 2), eventOf('b', 3), eventOf('b', 4)]));
      await outbox.append([...entriesOf([eventOf('a', 5), eventOf('c', 6)]), ...entriesOf([eventOf('a', 7)], 'audit')]);
      const [first, second, third] = await outbox.claim(ask);
      assert.ok(first && second && third);
      // What is being delivered may be done with at any moment.
      assert.equal(await outbox.setAside(aside), 0);
      await outbox.retryLater(first.claim, 500);
      assert.equal(await other.setAside({ ...aside, subscribers: ['audit'] }), 0);
      assert.equal(await other.setAside({ ...aside, limit: 1 }), 1);
      assert.equal(await other.setAside(aside), 1);
      assert.equal(await outbox.setAside(aside), 0);
      assert.equal(await outbox.acknowledge([second.claim, third.claim]), 2);
      assert.deepEqual(numbersOf(await outbox.claim({ ...ask, subscribers: ['mail', 'audit'] })), [4, 7]);
      await clock.advance(500);
      const [again, ...none] = await outbox.claim(ask);
      assert.ok(again);
      assert.deepEqual([numbersOf([again]), none], [[1], []]);
      assert.equal(await outbox.acknowledge([again.claim]), 1);
      assert.deepEqual(numbersOf(await outbox.claim(ask)), [2]);
    },
  },
];
