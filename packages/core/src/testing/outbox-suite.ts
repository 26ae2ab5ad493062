import assert from 'node:assert/strict';
import type { DomainEvent } from '../events/define-events.js';
import { orderCases } from './outbox-order-cases.js';
import { parkedCases } from './outbox-parked-cases.js';
import { ask, entriesOf, eventOf, numbersOf, type OutboxSubject } from './outbox-subject.js';
import type { Suite } from './suite.js';

/** Conformance of an `Outbox`. */
export const outboxSuite: Suite<OutboxSubject> = {
  name: 'outbox',
  cases: [
    ...orderCases,
    ...parkedCases,
    {
      name: 'keeps subscribers and tenants apart',
      async run({ outboxes: [outbox] }) {
        await outbox.append([...entriesOf([eventOf('a', 1)], 'mail'), ...entriesOf([eventOf('a', 2)], 'audit')]);
        await outbox.append(entriesOf([eventOf('a', 3, 'globex')]));
        assert.deepEqual(numbersOf(await outbox.claim(ask)), [1, 3]);
        assert.deepEqual(numbersOf(await outbox.claim({ ...ask, subscribers: ['audit', 'nobody'] })), [2]);
        assert.deepEqual(await outbox.claim({ ...ask, subscribers: [] }), []);
      },
    },
    {
      name: 'leaves the entries of some tenants where they are, when asked to',
      async run({ outboxes: [outbox] }) {
        await outbox.append(entriesOf([eventOf('a', 1), eventOf('b', 2, 'globex'), eventOf('c', 3, 'initech')]));
        await outbox.append(entriesOf([eventOf('a', 4), eventOf('b', 5, 'initech')]));
        assert.deepEqual(numbersOf(await outbox.claim({ ...ask, besides: ['acme', 'globex'] })), [3, 5]);
        assert.deepEqual(numbersOf(await outbox.claim({ ...ask, besides: [] })), [1, 2]);
      },
    },
    {
      name: 'gives each entry to one of many racing claimers',
      async run({ outboxes }) {
        const count = 60;
        await outboxes[0].append(
          entriesOf(Array.from({ length: count }, (_, number) => eventOf(`s${number}`, number))),
        );
        const claimed: number[] = [];
        for (let round = 0; round < 20 && claimed.length < count; round++) {
          const racers = Array.from({ length: 10 }, (_, racer) =>
            outboxes[racer % 2 === 0 ? 0 : 1].claim({ ...ask, limit: 7 }),
          );
          claimed.push(...numbersOf((await Promise.all(racers)).flat()));
        }
        assert.deepEqual(
          claimed.sort((a, b) => a - b),
          Array.from({ length: count }, (_, number) => number),
        );
      },
    },
    {
      name: 'gives an entry anew when its lease is over, and ignores the word of the one who was late',
      async run({ outboxes: [outbox, other], clock }) {
        await outbox.append(entriesOf([eventOf('a', 1)]));
        const [late] = await outbox.claim(ask);
        await clock.advance(1_000);
        const [fresh] = await other.claim(ask);
        assert.ok(late && fresh);
        assert.deepEqual([fresh.deliveryId, fresh.attempt], [late.deliveryId, 2]);
        assert.equal(await outbox.acknowledge([late.claim]), 0);
        await outbox.retryLater(late.claim, 0);
        await outbox.park(late.claim, 'LATE');
        assert.deepEqual(await other.claim(ask), []);
        assert.deepEqual((await other.parked('acme', { limit: 10 })).items, []);
        assert.equal(await other.acknowledge([fresh.claim]), 1);
      },
    },
    {
      name: 'commits and rolls back with the transaction it was given, and tells of commits alone',
      async run({ outboxes: [outbox], transaction }) {
        let told = 0;
        const quiet = outbox.onAppended(() => (told += 1));
        const undone = transaction(async (trx) => {
          await outbox.append(entriesOf([eventOf('a', 1)]), trx);
          throw new Error('undo');
        });
        await assert.rejects(undone, /undo/);
        assert.equal(told, 0);
        await transaction(async (trx) => {
          await outbox.append(entriesOf([eventOf('a', 2)]), trx);
          assert.equal(told, 0);
        });
        assert.equal(told, 1);
        quiet();
        await outbox.append(entriesOf([eventOf('b', 3)]));
        assert.equal(told, 1);
        assert.deepEqual(numbersOf(await outbox.claim(ask)), [2, 3]);
      },
    },
    {
      name: 'brings forward what a clock that was set back would have wait, as often as it is asked, and nothing else',
      async run({ outboxes: [outbox, other], clock }) {
        const waits = { subscribers: ['mail'], waitsMs: [0, 60_000, 120_000], leaseMs: 1_000 };
        const ids = ['put back', 'put back twice', 'claimed', 'parked'];
        await outbox.append(entriesOf(ids.map((id, number) => eventOf(id, number))));
        await outbox.append(entriesOf([eventOf('a', 9)], 'audit'));
        const claimed = await outbox.claim(ask);
        const [once, twice, , parked] = claimed.map(({ claim }) => claim) as [string, string, string, string];
        await outbox.retryLater(twice, 0);
        const [again] = await outbox.claim(ask);
        assert.ok(again);
        await outbox.retryLater(again.claim, 120_000);
        await outbox.retryLater(once, 60_000);
        await outbox.park(parked, 'BROKEN');
        await outbox.append(entriesOf([eventOf('new', 4)]));
        // As they are to wait by a clock that nobody sets.
        await clock.advance(500);
        assert.equal(await outbox.bringForward(waits), 0);
        assert.equal(await outbox.time(), clock.now());

        clock.set(clock.now() - 3_600_000);
        assert.deepEqual(await outbox.claim(ask), []);
        assert.equal(await outbox.bringForward({ ...waits, subscribers: [] }), 0);
        assert.equal(await other.bringForward(waits), 4);
        assert.equal(await outbox.bringForward(waits), 0);
        assert.deepEqual(numbersOf(await outbox.claim(ask)).toSorted(), [0, 1, 4]);
        // One that is being delivered is not given to somebody else before its lease is over.
        await clock.advance(999);
        assert.deepEqual(await outbox.claim(ask), []);
        await clock.advance(1);
        assert.deepEqual(numbersOf(await outbox.claim(ask)).toSorted(), [0, 1, 2, 4]);
        assert.deepEqual(await outbox.claim({ ...ask, subscribers: ['audit'] }), []);
        assert.equal((await outbox.parked('acme', { limit: 10 })).items.length, 1);

        // Set forward, nothing waits any longer than it may.
        clock.set(clock.now() + 7_200_000);
        assert.equal(await outbox.bringForward(waits), 0);
      },
    },
    {
      name: 'rewrites and removes what waits of some subjects, in the transaction it was given',
      async run({ outboxes: [outbox], transaction }) {
        const strange = 'a "_%\\';
        const entries = [eventOf(strange, 1), eventOf(strange, 2), eventOf('b', 3), eventOf(strange, 4, 'globex')];
        await outbox.append(entriesOf(entries));
        // Another one to whoever takes "_" or "%" for any text.
        await outbox.append(entriesOf([eventOf('a "x%\\', 6), eventOf('c', 7)]));
        await outbox.append(entriesOf([eventOf(strange, 5)], 'audit'));
        const change = (event: DomainEvent) => {
          const { number } = event.data as { number: number };
          return number === 1 ? null : { ...event, data: { number: number * 10 } };
        };
        const undone = transaction(async (trx) => {
          await outbox.rewrite('acme', [strange, 'c'], change, trx);
          throw new Error('undo');
        });
        await assert.rejects(undone, /undo/);
        await transaction((trx) => outbox.rewrite('acme', [strange, 'c'], change, trx));
        assert.deepEqual(numbersOf(await outbox.claim(ask)), [20, 3, 4, 6, 70]);
        assert.deepEqual(numbersOf(await outbox.claim({ ...ask, subscribers: ['audit'] })), [50]);
      },
    },
  ],
};
