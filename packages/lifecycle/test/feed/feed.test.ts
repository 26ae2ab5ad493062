import { newId } from '@dotmac/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventName, StreamedCustomerEvent } from '../../src/feed/event.js';
import type { FollowAsk } from '../../src/feed/service.js';
import type { LifecycleScope } from '../../src/scope.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { anEvent } from '../../src/testing/samples.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, type Rig } from '../support/lifecycle.js';

/** Reads a feed from a cursor to its end. */
async function all(scope: LifecycleScope, ask: { cursor?: string; types?: EventName[]; limit?: number } = {}) {
  const items: string[] = [];
  let { cursor } = ask;
  for (;;) {
    const page = await scope.feed.read({ ...ask, cursor });
    items.push(...page.items.map(({ customerId, seq }) => `${customerId} ${seq}`));
    cursor = page.nextCursor;
    if (!page.hasMore) return { items, cursor };
  }
}

/** The same store, that says when its feed is read. */
function watchFeed(store: LifecycleStore) {
  let read = (): void => undefined;
  const tenant: LifecycleStore['tenant'] = (id) => {
    const own = store.tenant(id);
    const feed: typeof own.history.feed = (...ask) => (read(), own.history.feed(...ask));
    return { ...own, history: { ...own.history, feed } };
  };
  return {
    store: { ...store, tenant },
    whenRead: () => new Promise<void>((resolve) => (read = resolve)),
  };
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what happened, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let feed: ReturnType<typeof watchFeed>;
    beforeEach(async () => {
      backend = await create();
      feed = watchFeed(backend.store);
      backend = { ...backend, store: feed.store };
      run = await rig(backend);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const register = async (): Promise<string> => (await run.acme.customers.register(someone())).id;
    /** The first events of a stream. */
    const follow = async (count: number, ask: FollowAsk, meanwhile: () => Promise<unknown>) => {
      const events: StreamedCustomerEvent[] = [];
      const looked = feed.whenRead();
      const iterator = run.acme.feed.follow(ask)[Symbol.asyncIterator]();
      let next = iterator.next();
      // The place to begin at is looked up before anything happens.
      await Promise.race([looked, next]);
      await meanwhile();
      while (events.length < count) {
        const { value, done } = await next;
        if (done) break;
        events.push(value);
        if (events.length < count) next = iterator.next();
      }
      await iterator.return?.();
      return events;
    };

    it('is read in one order by all who read it, each event once, each tenant’s alone', async () => {
      const ids = (await Promise.all(Array.from({ length: 8 }, register))).sort();
      await run.other.customers.register(someone());
      for (const id of ids.slice(0, 3)) await run.acme.customers.delete(id);
      const second = await rig(backend);
      const [mine, theirs] = await Promise.all([all(run.acme, { limit: 2 }), all(second.acme)]);
      expect(mine.items).toHaveLength(11);
      expect(new Set(mine.items).size).toBe(11);
      expect(theirs.items).toEqual(mine.items);
      for (const id of ids.slice(0, 3))
        expect(mine.items.indexOf(`${id} 1`)).toBeLessThan(mine.items.indexOf(`${id} 2`));
      expect((await all(run.acme, { cursor: mine.cursor })).items).toEqual([]);
      const late = await register();
      expect((await all(second.acme, { cursor: mine.cursor })).items).toEqual([`${late} 1`]);
      expect((await all(run.acme, { types: ['customer.deleted'] })).items).toEqual(
        ids.slice(0, 3).map((id) => `${id} 2`),
      );
      await expect(run.acme.feed.read({ types: ['nothing' as EventName] })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
      await expect(run.acme.feed.read({ cursor: 'x' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await second.stop();
    });

    it('is followed as it happens, and from where one left off', async () => {
      const [before] = [await register()];
      const live = await follow(2, {}, async () => [await register(), await register()]);
      expect(live.map(({ event, seq }) => [event, seq])).toEqual([
        ['customer.registered', 1],
        ['customer.registered', 1],
      ]);
      expect(live.map(({ customerId }) => customerId)).not.toContain(before);
      const [first, next] = live;
      await run.stop();
      run = await rig(backend);
      const again = await follow(1, { lastEventId: first?.id }, () => Promise.resolve());
      expect(again).toEqual([next]);
      const lost = await follow(1, { lastEventId: 'long-gone' }, () => Promise.resolve());
      expect(lost[0]?.event).toBe('reset');
      const some = await follow(1, { types: ['customer.deleted'] }, async () =>
        run.acme.customers.delete(await register()),
      );
      expect(some[0]).toMatchObject({ event: 'customer.deleted', data: { from: 'registration', to: 'deleted' } });
    });

    it('is followed across processes, until the stream is left or the process stops', async () => {
      const second = await rig(backend);
      const seen = await follow(1, {}, async () => {
        await second.acme.customers.register(someone());
        for (let turns = 0; turns < 5; turns++) await run.clock.advance(1_000);
      });
      expect(seen).toHaveLength(1);
      await second.stop();
      const controller = new AbortController();
      const left = await follow(9, { signal: controller.signal }, () => Promise.resolve(controller.abort()));
      expect(left).toEqual([]);
      const over = await follow(9, {}, () => run.module.stop());
      expect(over).toEqual([]);
      expect(() => run.acme.feed.follow()).toThrow(expect.objectContaining({ code: 'STREAMS_ENDED' }));
    });

    it('is listed for one customer, newest first, and says what it was at any time', async () => {
      const start = run.clock.now();
      const id = await run.active();
      run.clock.set(start + 86_400_000);
      await run.acme.suspension.suspend(id, { actionType: 'abuse' });
      run.clock.set(start + 2 * 86_400_000);
      await run.acme.suspension.reactivate(id, { actionType: 'abuse' });
      const first = await run.acme.feed.history(id, { limit: 4 });
      expect(first.items.map(({ seq }) => seq)).toEqual([6, 5, 4, 3]);
      const rest = await run.acme.feed.history(id, { limit: 4, cursor: first.nextCursor ?? '' });
      await expect(run.acme.feed.history(id, { cursor: 'abc' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect(rest.items.map(({ eventType }) => eventType)).toEqual(['customer.verified', 'customer.registered']);
      expect(rest.nextCursor).toBeNull();
      const named = await run.acme.feed.history(id, { types: ['customer.suspended'] });
      expect(named.items).toMatchObject([{ seq: 5, details: { reason: 'abuse' } }]);
      const at = async (days: number) => run.acme.feed.stateAt(id, start + days * 86_400_000);
      expect(await at(0.5)).toMatchObject({ lifecycleStage: 'active', reasons: [], services: [], seq: 4 });
      const abuse = { reason: 'abuse', severity: 'suspend', promisedUntil: null };
      expect(await at(1)).toMatchObject({ lifecycleStage: 'suspended', reasons: [abuse], seq: 5 });
      expect(await at(9)).toMatchObject({ lifecycleStage: 'active', status: 'active', reasons: [], seq: 6 });
      const missing = { code: 'CUSTOMER_NOT_FOUND' };
      await expect(at(-1)).rejects.toMatchObject(missing);
      await expect(run.other.feed.stateAt(id)).rejects.toMatchObject(missing);
      await expect(run.other.feed.history(id)).rejects.toMatchObject(missing);
    });

    // In memory every event has its place from the beginning.
    if (title === 'memory') return;
    it('numbers what nobody has read yet by the thousand, each customer’s in its order', async () => {
      const { history } = backend.store.tenant('acme');
      const ids = Array.from({ length: 2_600 }, () => newId());
      const both = ids.flatMap((id) => [
        { seq: 1, event: anEvent('acme', id, 'registration') },
        { seq: 2, event: anEvent('acme', id, 'verification', 'registration') },
      ]);
      await backend.store.transaction((trx) => history.append(both, trx));
      expect(await history.number(9_000)).toEqual({ last: 5_000, given: 5_000 });
      expect(await history.number(100)).toEqual({ last: 5_100, given: 100 });
      expect(await history.number(9_000)).toEqual({ last: 5_200, given: 100 });
      const read = await history.feed(0, 9_000);
      expect(read.map(({ position }) => position)).toEqual(both.map((_, index) => index + 1));
      expect(read.map(({ event, seq }) => `${event.subject} ${seq}`)).toEqual(
        [...ids].sort().flatMap((id) => [`${id} 1`, `${id} 2`]),
      );
    });

    // Where there is one writer at a time, nobody commits before one who began earlier.
    if (title === 'SQLite') return;
    it('misses nothing that commits late, whatever committed before it', async () => {
      const { database } = backend;
      let late = '';
      let cursor = '';
      await database?.kysely
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (trx) => {
          late = (await run.acme.customers.register(someone(), { trx })).id;
          const early = await register();
          const page = await run.acme.feed.read();
          expect(page.items.map(({ customerId }) => customerId)).toEqual([early]);
          cursor = page.nextCursor;
        });
      const page = await run.acme.feed.read({ cursor });
      expect(page.items.map(({ customerId }) => customerId)).toEqual([late]);
    });
  });
