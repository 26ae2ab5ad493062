import assert from 'node:assert/strict';
import type { DomainEvent } from '../events/define-events.js';
import type { ClaimedEntry, Outbox } from '../events/outbox.js';
import { newId } from '../ids.js';
import type { StoreTransaction } from '../store-transaction.js';
import type { FakeClock } from './fake-clock.js';
import type { Suite } from './suite.js';

/** What {@link outboxSuite} works on. */
export interface OutboxSubject {
  /** Two outboxes over the same storage, as two processes would have; the same one twice where there is but one. */
  outboxes: readonly [Outbox, Outbox];
  /** The clock that both judge by. */
  clock: FakeClock;
  /** Runs `work` in a transaction of the storage. */
  transaction(work: (trx: StoreTransaction) => Promise<void>): Promise<void>;
}

function eventOf(subject: string, number = 0, tenantId = 'acme'): DomainEvent {
  return {
    id: newId(),
    name: 'thing.changed',
    at: 1,
    tenantId,
    actor: 'system',
    subject,
    data: { number, text: 'ß 漢 \u0000' },
  };
}
const entriesOf = (events: readonly DomainEvent[], subscriber = 'mail') =>
  events.map((event) => ({ subscriber, event }));
const numbersOf = (claimed: readonly ClaimedEntry[]) =>
  claimed.map(({ event }) => (event.data as { number: number }).number);
const ask = { subscribers: ['mail'], limit: 100, leaseMs: 1_000 };

/** Conformance of an {@link Outbox}. */
export const outboxSuite: Suite<OutboxSubject> = {
  name: 'outbox',
  cases: [
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
      name: 'sets aside what is behind an entry that is put off, until that is due, and nothing else',
      async run({ outboxes: [outbox, other], clock }) {
        const aside = { subscribers: ['mail'], limit: 100 };
        await outbox.append(entriesOf([eventOf('a', 1), eventOf('a', 2), eventOf('b', 3), eventOf('b', 4)]));
        await outbox.append([
          ...entriesOf([eventOf('a', 5), eventOf('c', 6)]),
          ...entriesOf([eventOf('a', 7)], 'audit'),
        ]);
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
      name: 'rewrites and removes what waits of one subject, in the transaction it was given',
      async run({ outboxes: [outbox], transaction }) {
        const strange = 'a "_%\\';
        const entries = [eventOf(strange, 1), eventOf(strange, 2), eventOf('b', 3), eventOf(strange, 4, 'globex')];
        await outbox.append(entriesOf(entries));
        // Another one to whoever takes "_" or "%" for any text.
        await outbox.append(entriesOf([eventOf('a "x%\\', 6)]));
        await outbox.append(entriesOf([eventOf(strange, 5)], 'audit'));
        const change = (event: DomainEvent) => {
          const { number } = event.data as { number: number };
          return number === 1 ? null : { ...event, data: { number: number * 10 } };
        };
        const undone = transaction(async (trx) => {
          await outbox.rewrite('acme', strange, change, trx);
          throw new Error('undo');
        });
        await assert.rejects(undone, /undo/);
        await transaction((trx) => outbox.rewrite('acme', strange, change, trx));
        assert.deepEqual(numbersOf(await outbox.claim(ask)), [20, 3, 4, 6]);
        assert.deepEqual(numbersOf(await outbox.claim({ ...ask, subscribers: ['audit'] })), [50]);
      },
    },
  ],
};
