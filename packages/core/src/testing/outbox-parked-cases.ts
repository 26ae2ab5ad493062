import assert from 'node:assert/strict';
import type { DomainEvent } from '../events/define-events.js';
import type { Outbox } from '../events/outbox.js';
import { newId } from '../ids.js';
import { ask, entriesOf, eventOf, numbersOf, type OutboxSubject } from './outbox-subject.js';
import type { Suite } from './suite.js';

/** What every outbox does with entries that were given up. */
export const parkedCases: Suite<OutboxSubject>['cases'] = [
  {
    name: 'parks an entry without holding up the next, shows it to its tenant alone, and takes it back',
    async run({ outboxes: [outbox] }) {
      await outbox.append(entriesOf([eventOf('a', 1), eventOf('a', 2)]));
      const [bad] = await outbox.claim(ask);
      assert.ok(bad);
      await outbox.park(bad.claim, 'BROKEN');
      assert.deepEqual(numbersOf(await outbox.claim(ask)), [2]);
      assert.deepEqual((await outbox.parked('globex', { limit: 10 })).items, []);
      const [parked] = (await outbox.parked('acme', { limit: 10 })).items;
      assert.ok(parked);
      assert.deepEqual([parked.deliveryId, parked.attempts, parked.reason], [bad.deliveryId, 1, 'BROKEN']);
      assert.equal(await outbox.unpark('globex', bad), false);
      assert.equal(await outbox.unpark('acme', bad), true);
      assert.equal(await outbox.unpark('acme', bad), false);
      const [again] = await outbox.claim(ask);
      assert.deepEqual([again?.deliveryId, again?.attempt], [bad.deliveryId, 1]);
    },
  },
  {
    name: 'names a delivery as it is told to, or by an id of its own',
    async run({ outboxes: [outbox] }) {
      const [named, unnamed] = entriesOf([eventOf('a', 1), eventOf('b', 2)]);
      assert.ok(named && unnamed);
      const deliveryId = newId();
      await outbox.append([{ ...named, deliveryId }, unnamed]);
      const claimed = await outbox.claim(ask);
      assert.equal(claimed[0]?.deliveryId, deliveryId);
      assert.notEqual(claimed[1]?.deliveryId, deliveryId);
      for (const { claim } of claimed) await outbox.park(claim, 'BROKEN');
      assert.deepEqual((await outbox.discard('acme', { deliveryId }))?.event, named.event);
    },
  },
  {
    name: 'lists parked entries by the page, in the order in which they were given up, of a subscriber alone if asked',
    async run({ outboxes: [outbox, other], clock }) {
      await outbox.append(entriesOf(Array.from({ length: 7 }, (_, number) => eventOf(`s${number}`, number))));
      await outbox.append(entriesOf([eventOf('a', 7)], 'audit'));
      const claimed = await outbox.claim({ ...ask, subscribers: ['mail', 'audit'] });
      // Two at once, and the last first.
      for (const [index, { claim }] of [...claimed].reverse().entries()) {
        await outbox.park(claim, 'BROKEN');
        if (index % 2 === 1) await clock.advance(10);
      }
      const seen: number[] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<Outbox['parked']>> = await other.parked('acme', { limit: 3, after });
        seen.push(...page.items.map(({ event }) => (event.data as { number: number }).number));
        after = page.nextCursor;
      } while (after !== null);
      assert.deepEqual(seen, [6, 7, 4, 5, 2, 3, 0, 1]);
      const { items, nextCursor } = await other.parked('acme', { limit: 1, subscriber: 'audit' });
      assert.deepEqual([items.map(({ subscriber }) => subscriber), nextCursor], [['audit'], null]);
      assert.equal((await other.parked('acme', { limit: 7, subscriber: 'mail' })).nextCursor, null);
    },
  },
  {
    name: 'discards a parked entry for its tenant and subscriber alone, in the transaction it was given',
    async run({ outboxes: [outbox], transaction }) {
      await outbox.append(entriesOf([eventOf('a', 1), eventOf('b', 2)]));
      const [parked, waiting] = await outbox.claim(ask);
      assert.ok(parked && waiting);
      await outbox.park(parked.claim, 'BROKEN');
      const { deliveryId } = parked;
      for (const [tenantId, of] of [
        ['globex', { deliveryId }],
        ['acme', { deliveryId, subscriber: 'audit' }],
        ['acme', { deliveryId: waiting.deliveryId }],
      ] as const) {
        assert.equal(await outbox.discard(tenantId, of), undefined);
        assert.equal(await outbox.unpark(tenantId, of), false);
      }
      const undone = transaction(async (trx) => {
        assert.equal((await outbox.discard('acme', { deliveryId }, trx))?.reason, 'BROKEN');
        throw new Error('undo');
      });
      await assert.rejects(undone, /undo/);
      assert.equal((await outbox.parked('acme', { limit: 10 })).items.length, 1);
      assert.deepEqual((await outbox.discard('acme', { deliveryId, subscriber: 'mail' }))?.event, parked.event);
      assert.equal(await outbox.discard('acme', { deliveryId }), undefined);
      assert.deepEqual((await outbox.parked('acme', { limit: 10 })).items, []);
      assert.equal(await outbox.acknowledge([waiting.claim]), 1);
    },
  },
  {
    name: 'prunes what was parked long ago, of every tenant, the oldest first',
    async run({ outboxes: [outbox], clock }) {
      const events = [eventOf('a', 1), eventOf('b', 2, 'globex'), eventOf('c', 3), eventOf('d', 4)];
      await outbox.append(entriesOf(events));
      const claimed = await outbox.claim(ask);
      for (const { claim } of claimed.slice(0, 3)) {
        await outbox.park(claim, 'BROKEN');
        await clock.advance(10);
      }
      const numbers = (entries: readonly { event: DomainEvent }[]) =>
        entries.map(({ event }) => (event.data as { number: number }).number);
      const before = clock.now() - 10;
      assert.deepEqual(numbers(await outbox.pruneParked({ before, limit: 1 })), [1]);
      assert.deepEqual(numbers(await outbox.pruneParked({ before, limit: 5 })), [2]);
      assert.deepEqual(numbers(await outbox.pruneParked({ before, limit: 5 })), []);
      assert.deepEqual(numbers((await outbox.parked('acme', { limit: 10 })).items), [3]);
    },
  },
];
