import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvents } from '../../src/events/define-events.js';
import { createOutboxRelay, type OutboxRelayOptions } from '../../src/events/outbox-relay.js';
import { memoryOutbox } from '../../src/memory/outbox.js';
import { memoryTables } from '../../src/memory/tables.js';
import { fakeClock } from '../../src/testing/index.js';

const events = defineEvents('test', { 'thing.made': z.object({ n: z.int() }), 'thing.lost': z.object({ n: z.int() }) });
type Schemas = typeof events.schemas;

function setUp(options: Partial<OutboxRelayOptions<Schemas>> = {}) {
  const clock = fakeClock();
  const outbox = memoryOutbox({ clock });
  const relay = createOutboxRelay({ outbox, events, clock, ...options });
  const made = (subject: string, n: number, name: keyof Schemas = 'thing.made') =>
    events.create(name, { tenantId: 'acme', actor: 'system', subject, at: clock.now(), data: { n } });
  return { clock, outbox, relay, made };
}

describe('outbox relay', () => {
  it('delivers to every subscriber that wants the event, in order for each subject', async () => {
    const { clock, relay, made } = setUp();
    const got: string[] = [];
    relay.subscribe({ name: 'all', deliver: ({ subject, data }) => void got.push(`all ${subject}${data.n}`) });
    relay.subscribe({ name: 'lost', events: ['thing.lost'], deliver: ({ data }) => void got.push(`lost ${data.n}`) });
    relay.start();
    await relay.publish([made('a', 1), made('a', 2), made('b', 3), made('a', 4, 'thing.lost')]);
    await clock.advance(0);
    await clock.advance(0);
    expect(got.filter((line) => line.startsWith('all a'))).toEqual(['all a1', 'all a2', 'all a4']);
    expect(got).toHaveLength(5);
    await relay.stop();
    expect(clock.pending).toBe(0);
  });

  it('tries again after a growing wait, under one delivery id, without re-running the others, then parks', async () => {
    const { clock, outbox, relay, made } = setUp({ maxAttempts: 4, firstBackoffMs: 1_000, longestBackoffMs: 3_000 });
    const start = clock.now();
    const attempts: [number, number][] = [];
    const ids = new Set<string>();
    let others = 0;
    relay.subscribe({
      name: 'broken',
      deliver: (_, { attempt, deliveryId }) => {
        attempts.push([attempt, clock.now() - start]);
        ids.add(deliveryId);
        return Promise.reject(new Error('secret://user:pw@host'));
      },
    });
    relay.subscribe({ name: 'sound', deliver: () => void others++ });
    relay.start();
    await relay.publish([made('a', 1)]);
    await clock.advance(60_000);
    expect(attempts).toEqual([
      [1, 0],
      [2, 1_000],
      [3, 3_000],
      [4, 6_000],
    ]);
    expect([ids.size, others]).toEqual([1, 1]);
    expect((await outbox.parked('acme', { limit: 10 })).items).toMatchObject([
      { subscriber: 'broken', attempts: 4, reason: 'DELIVERY_FAILED' },
    ]);
    await relay.stop();
  });

  it('gives up sooner what its subscriber does not want to be tried for so long', async () => {
    const { clock, outbox, relay, made } = setUp({ maxAttempts: 4, firstBackoffMs: 1_000 });
    const got: string[] = [];
    relay.subscribe({
      name: 'picky',
      deliver({ subject, data }) {
        got.push(`${subject}${data.n}`);
        throw new Error(data.n === 1 ? 'refused' : 'away');
      },
      mostAttempts: (error) => ((error as Error).message === 'refused' ? 2 : undefined),
    });
    relay.start();
    await relay.publish([made('a', 1), made('a', 2), made('b', 3)]);
    for (let second = 0; second < 60; second++) await clock.advance(1_000);
    expect(got.filter((it) => it.startsWith('a'))).toEqual(['a1', 'a1', 'a2', 'a2', 'a2', 'a2']);
    expect(got.filter((it) => it === 'b3')).toHaveLength(4);
    expect((await outbox.parked('acme', { limit: 10 })).items.map(({ attempts }) => attempts)).toEqual([2, 4, 4]);
    await relay.stop();
  });

  it('lets later ones of a subject pass what has failed too often for its subscriber, and goes on trying it', async () => {
    const { clock, outbox, relay, made } = setUp({ maxAttempts: 5, firstBackoffMs: 1_000 });
    const got: string[] = [];
    relay.subscribe({
      name: 'patient',
      deliver({ data: { n } }) {
        got.push(`${n} at ${clock.now() - start}`);
        if (n === 1) throw new Error('not yet');
      },
      attemptsInOrder: 3,
    });
    const start = clock.now();
    relay.start();
    await relay.publish([made('a', 1), made('a', 2)]);
    for (let second = 0; second < 30; second++) await clock.advance(1_000);
    expect(got).toEqual(['1 at 0', '1 at 1000', '1 at 3000', '2 at 3000', '1 at 7000', '1 at 15000']);
    expect((await outbox.parked('acme', { limit: 10 })).items).toHaveLength(1);
    await relay.stop();
  });

  it('tells a subscriber of what it gives up, until that has taken note, though it may have been told before', async () => {
    const { clock, outbox, relay, made } = setUp({ maxAttempts: 2 });
    const givenUp: string[] = [];
    relay.subscribe({
      name: 'any',
      deliver: () => Promise.reject(new Error('broken')),
      gaveUp({ subject }) {
        givenUp.push(subject);
        if (givenUp.length === 1) throw new Error('not now');
      },
    });
    await outbox.append([{ subscriber: 'any', event: made('never settles', 1) }]);
    for (let crash = 0; crash < 2; crash++) {
      await outbox.claim({ subscribers: ['any'], limit: 10, leaseMs: 10 });
      await clock.advance(10);
    }
    relay.start();
    await clock.advance(1_000);
    expect((await outbox.parked('acme', { limit: 10 })).items).toEqual([]);
    await relay.publish([made('fails', 2)]);
    for (let second = 0; second < 90; second++) await clock.advance(1_000);
    expect(givenUp).toEqual(['never settles', 'fails', 'never settles']);
    expect((await outbox.parked('acme', { limit: 10 })).items.map(({ reason }) => reason)).toEqual([
      'DELIVERY_FAILED',
      'DELIVERY_NEVER_SETTLED',
    ]);
    await relay.stop();
  });

  it('parks what it does not understand and what never settles', async () => {
    const { clock, outbox, relay, made } = setUp({ maxAttempts: 2 });
    relay.subscribe({ name: 'any', deliver: () => {} });
    await outbox.append([{ subscriber: 'any', event: { ...made('a', 1), data: { n: 'one' } } }]);
    await outbox.append([{ subscriber: 'any', event: made('b', 2) }]);
    // Two processes died with the second one in hand.
    for (let crash = 0; crash < 2; crash++) {
      await outbox.claim({ subscribers: ['any'], limit: 10, leaseMs: 10 });
      await clock.advance(10);
    }
    relay.start();
    await clock.advance(1_000);
    expect((await outbox.parked('acme', { limit: 10 })).items.map(({ reason }) => reason)).toEqual([
      'EVENT_NOT_UNDERSTOOD',
      'DELIVERY_NEVER_SETTLED',
    ]);
    await relay.stop();
  });

  it('leaves what it does not understand to a newer process until its last attempt, and tells of it then', async () => {
    const { clock, outbox, relay, made } = setUp({ maxAttempts: 3 });
    const unread: unknown[] = [];
    relay.subscribe({ name: 'any', deliver: () => {}, gaveUpUnread: ({ data }) => void unread.push(data) });
    await outbox.append([{ subscriber: 'any', event: { ...made('a', 1), data: { n: 'one' } } }]);
    const parked = async () => (await outbox.parked('acme', { limit: 10 })).items.map(({ attempts }) => attempts);
    relay.start();
    await clock.advance(2_900);
    expect([await parked(), unread]).toEqual([[], []]);
    await clock.advance(1_000);
    expect([await parked(), unread]).toEqual([[3], [{ n: 'one' }]]);
    await relay.stop();
  });

  it('ends a delivery at its deadline, and is not held up by slow ones', async () => {
    const { clock, relay, made } = setUp({ deliveryTimeoutMs: 5_000, concurrency: 4 });
    let quick = 0;
    let aborted = 0;
    relay.subscribe({
      name: 'mixed',
      deliver: ({ subject }, { signal }) => {
        if (subject !== 'slow') return void quick++;
        signal.addEventListener('abort', () => (aborted += 1));
        return new Promise(() => {});
      },
    });
    relay.start();
    await relay.publish([made('slow', 0), ...Array.from({ length: 20 }, (_, n) => made(`s${n}`, n))]);
    await clock.advance(4_000);
    await expect.poll(() => quick).toBe(20);
    expect(aborted).toBe(0);
    await clock.advance(1_000);
    expect(aborted).toBe(1);
    const stopped = relay.stop();
    await clock.advance(10_000);
    await stopped;
  });

  it('gives nobody else what is being delivered, as long as that may take', async () => {
    const { clock, outbox, relay, made } = setUp({ deliveryTimeoutMs: 5_000 });
    const other = createOutboxRelay({ outbox, events, clock, deliveryTimeoutMs: 5_000 });
    let begun = 0;
    for (const each of [relay, other]) {
      each.subscribe({ name: 'slow', deliver: () => (begun++, clock.sleep(4_999)) });
      each.start();
    }
    await relay.publish([made('a', 1)]);
    for (let second = 0; second < 10; second++) await clock.advance(1_000);
    expect(begun).toBe(1);
    await Promise.all([relay.stop(), other.stop()]);
  });

  it('waits when it stops for what is being delivered, and aborts it when its grace is over', async () => {
    const { clock, relay, made } = setUp({ graceMs: 2_000 });
    const ended: string[] = [];
    relay.subscribe({
      name: 'slow',
      deliver: ({ subject }, { signal }) =>
        clock.sleep(subject === 'brief' ? 1_000 : 20_000, signal).then(
          () => void ended.push(`${subject} delivered`),
          () => void ended.push(`${subject} aborted`),
        ),
    });
    relay.start();
    await relay.publish([made('brief', 1), made('long', 2)]);
    await clock.advance(0);
    const stopped = relay.stop().then(() => ended.push('stopped'));
    await clock.advance(1_999);
    expect(ended).toEqual(['brief delivered']);
    await clock.advance(1);
    await stopped;
    expect(ended).toEqual(['brief delivered', 'long aborted', 'stopped']);
    expect(clock.pending).toBe(0);
  });

  it('waits, and does not go round and round, while every place is taken', async () => {
    const { clock, relay, made } = setUp({ concurrency: 1 });
    let leave = (): void => undefined;
    relay.subscribe({ name: 'slow', deliver: () => new Promise<void>((resolve) => (leave = resolve)) });
    relay.start();
    await relay.publish([made('a', 1), made('b', 2)]);
    await clock.advance(0);
    // The deadline of the delivery, and the next look.
    expect(clock.pending).toBe(2);
    leave();
    await clock.advance(0);
    leave();
    await relay.stop();
  });

  it('refuses two subscribers of one name: what waits would be the one’s or the other’s', () => {
    const { relay } = setUp();
    const unsubscribe = relay.subscribe({ name: 'all', deliver: () => {} });
    expect(() => relay.subscribe({ name: 'all', deliver: () => {} })).toThrow('There is a subscriber "all" already.');
    unsubscribe();
    expect(() => relay.subscribe({ name: 'all', deliver: () => {} })).not.toThrow();
  });

  it.each([1, 3])(
    'gives the first places that come free to tenants who have none, though each of %d others has hundreds that hang',
    async (crowds) => {
      const { clock, relay } = setUp({ deliveryTimeoutMs: 5_000, concurrency: 4 });
      const of = (tenantId: string, subject: string) =>
        events.create('thing.made', { tenantId, actor: 'system', subject, at: clock.now(), data: { n: 1 } });
      const got: string[] = [];
      let tried = 0;
      relay.subscribe({
        name: 'mixed',
        deliver({ tenantId, subject }) {
          if (tenantId === 'small') return void got.push(subject);
          tried += 1;
          return new Promise(() => {});
        },
      });
      relay.start();
      for (let crowd = 0; crowd < crowds; crowd++)
        await relay.publish(Array.from({ length: 500 }, (_, n) => of(`crowd-${crowd}`, `s${n}`)));
      await clock.advance(1_000);
      await relay.publish(['a', 'b', 'c', 'd', 'e', 'f'].map((subject) => of('small', subject)));
      await clock.advance(11_000);
      expect(got.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
      expect(tried).toBeGreaterThan(6);
      const stopped = relay.stop();
      await clock.advance(10_000);
      await stopped;
    },
  );

  it('publishes with the transaction it is given, and delivers at its commit without waiting for the next poll', async () => {
    const { clock, relay, made } = setUp({ pollMs: 60_000 });
    const tables = memoryTables({});
    const got: number[] = [];
    relay.subscribe({ name: 'all', deliver: ({ data }) => void got.push(data.n) });
    relay.start();
    await clock.advance(0);
    await tables.transaction(async (_, trx) => {
      await relay.publish([made('a', 1)], trx);
      await clock.advance(100);
      expect(got).toEqual([]);
    });
    await clock.advance(0);
    expect(got).toEqual([1]);
    await tables
      .transaction(async (_, trx) => {
        await relay.publish([made('a', 2)], trx);
        throw new Error('undo');
      })
      .catch(() => {});
    await clock.advance(120_000);
    expect(got).toEqual([1]);
    await relay.stop();
  });

  it.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])('keeps nobody waiting for longer when the clock is set %s, running or stopped', async (_, step) => {
    const { clock, relay, made } = setUp();
    const attempts: number[] = [];
    let fails = true;
    relay.subscribe({
      name: 'broken',
      deliver() {
        attempts.push(clock.monotonic());
        if (fails) throw new Error('not yet');
      },
    });
    relay.start();
    await relay.publish([made('a', 1)]);
    // Tried at 0, 1, 3, 7 and 15 s: due again at 31.
    await clock.advance(20_000);
    expect(attempts).toHaveLength(5);
    clock.set(clock.now() + step);
    await clock.advance(11_500);
    expect(attempts.length).toBeGreaterThan(5);
    await relay.stop();
    const tried = attempts.length;
    fails = false;
    clock.set(clock.now() + step);
    relay.start();
    await clock.advance(64_500);
    expect(attempts).toHaveLength(tried + 1);
    await relay.stop();
  });

  it('goes on when the outbox was away', async () => {
    const clock = fakeClock();
    const outbox = memoryOutbox({ clock });
    let away = true;
    let asked = 0;
    const flaky = {
      ...outbox,
      claim: (ask: Parameters<typeof outbox.claim>[0]) => {
        asked += 1;
        return away ? Promise.reject(new Error('away')) : outbox.claim(ask);
      },
    };
    const relay = createOutboxRelay({ outbox: flaky, events, clock });
    let got = 0;
    relay.subscribe({ name: 'all', deliver: () => void got++ });
    await relay.publish([
      events.create('thing.made', { tenantId: 'acme', actor: 'system', subject: 'a', at: 1, data: { n: 1 } }),
    ]);
    relay.start();
    await clock.advance(5_000);
    expect(asked).toBeLessThan(8);
    away = false;
    await clock.advance(1_000);
    expect(got).toBe(1);
    await relay.stop();
  });
});
