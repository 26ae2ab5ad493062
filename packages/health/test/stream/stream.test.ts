import { setMaxListeners } from 'node:events';
import { coreErrors } from '@dotmac/core';
import { describe, expect, it } from 'vitest';
import { healthEvents, memoryHealthStore, type HealthStore, type StreamedEvent } from '../../src/index.js';
import { staged } from '../support/staged.js';

const eventOf = (tenantId: string, name: string) =>
  healthEvents.create('endpoint.registered', {
    ...{ tenantId, actor: 'user:1', subject: name, at: 1 },
    data: { name, serviceType: 'tcp' },
  });
const stage = () => staged((clock) => memoryHealthStore({ clock }));
/** What happens in another process on the store. */
const elsewhere = (store: HealthStore, tenantId: string, names: readonly string[]) =>
  store.transaction((trx) =>
    store.logEvents(
      names.map((name) => healthEvents.encode(eventOf(tenantId, name))),
      trx,
    ),
  );

describe('the stream of events', () => {
  it('tells what happens, spelled as on the wire, to who follows this tenant', async () => {
    const { scope, health, register } = await stage();
    const stop = new AbortController();
    const seen: StreamedEvent[] = [];
    const other: StreamedEvent[] = [];
    const rival = health.scope({ tenantId: 'rival', actor: 'user:2' });
    const following = (async () => {
      for await (const event of scope.stream.follow({ signal: stop.signal })) seen.push(event);
    })();
    const elsewhere = (async () => {
      for await (const event of rival.stream.follow({ signal: stop.signal })) other.push(event);
    })();
    const { id } = await register('web');
    await expect.poll(() => seen.length).toBe(1);
    expect(seen[0]).toMatchObject({ event: 'endpoint.registered', endpointId: id, data: { service_type: 'played' } });
    stop.abort();
    await Promise.all([following, elsewhere]);
    expect(other).toEqual([]);
  });

  it('spells instants as all answers do', async () => {
    const { scope, register, becomes } = await stage();
    const web = await register('web');
    await becomes(web, 'healthy');
    const following = scope.stream.follow({ endpointId: web.id });
    await becomes(web, 'offline');
    await becomes(web, 'healthy');
    const instants: Record<string, unknown> = {};
    for await (const { event, data } of following) {
      for (const name of ['checked_at', 'since', 'started_at', 'resolved_at'])
        if (name in data) instants[`${event} ${name}`] = data[name];
      if (event === 'incident.resolved') break;
    }
    const iso = expect.stringMatching(/^2026-01-01T00:\d\d:\d\d\.\d{3}Z$/) as string;
    expect(instants).toEqual({
      'endpoint.status_changed checked_at': iso,
      'endpoint.status_changed since': iso,
      'incident.opened started_at': iso,
      'incident.opened resolved_at': null,
      'incident.resolved started_at': iso,
      'incident.resolved resolved_at': iso,
    });
  });

  it('goes on after the last event that was seen, or says that some were missed', async () => {
    const { scope, register, becomes } = await stage();
    const web = await register('web');
    await becomes(web, 'healthy');
    const names = async (lastEventId: string | undefined, count: number) => {
      const found: StreamedEvent[] = [];
      for await (const event of scope.stream.follow({ lastEventId })) if (found.push(event) === count) break;
      return found;
    };
    const first = scope.stream.follow();
    await becomes(web, 'offline');
    let id: string | undefined;
    // What was committed just before may be among it.
    for await (const event of first) if ((id = event.id) && event.data['to'] === 'offline') break;
    expect((await names(id, 1)).map(({ event }) => event)).toEqual(['incident.opened']);
    expect((await names('nobody-knows', 1)).map(({ event }) => event)).toEqual(['reset']);
  });

  it('goes on after what another process told, with what it has not heard of itself yet, once', async () => {
    const { scope, store, clock } = await stage();
    await elsewhere(store, 'acme', ['a', 'b', 'c', 'd']);
    await elsewhere(store, 'rival', ['e']);
    const [first] = (await store.eventsAfter(0, 1)).map(({ event }) => event.id);
    const stop = new AbortController();
    const seen: (string | null)[] = [];
    const following = (async () => {
      for await (const { endpointId } of scope.stream.follow({ lastEventId: first, signal: stop.signal }))
        seen.push(endpointId);
    })();
    await expect.poll(() => seen).toEqual(['b', 'c', 'd']);
    await elsewhere(store, 'acme', ['f']);
    await clock.advance(1_000);
    await expect.poll(() => seen).toEqual(['b', 'c', 'd', 'f']);
    stop.abort();
    await following;
    // Of another tenant's nothing is known, and of too many it is told that they are too many.
    const next = async (lastEventId: string | undefined, of = scope) =>
      ((await of.stream.follow({ lastEventId })[Symbol.asyncIterator]().next()).value as StreamedEvent).event;
    const [foreign] = (await store.eventsAfter(4, 1)).map(({ event }) => event.id);
    expect(await next(foreign)).toBe('reset');
    await elsewhere(
      store,
      'acme',
      Array.from({ length: 1_000 }, (_, count) => `g${count}`),
    );
    expect(await next(first)).toBe('reset');
  });

  it('costs a look a second, however many follow', async () => {
    let looks = 0;
    const { health, clock, store } = await staged((it) => {
      const inner = memoryHealthStore({ clock: it });
      return { ...inner, eventsAfter: (...ask) => (looks++, inner.eventsAfter(...ask)) };
    });
    const stop = new AbortController();
    setMaxListeners(500, stop.signal);
    const seen: number[] = [];
    const following = Array.from({ length: 500 }, async (_, index) => {
      const { stream } = health.scope({ tenantId: `tenant-${index % 10}` });
      for await (const _event of stream.follow({ signal: stop.signal })) seen.push(index);
    });
    await clock.advance(10_000);
    expect(looks).toBe(10);
    await elsewhere(store, 'tenant-3', ['a', 'b']);
    await clock.advance(1_000);
    await expect.poll(() => seen.length).toBe(100);
    expect(looks).toBe(11);
    stop.abort();
    await Promise.all(following);
  });

  it('goes on when the store was out of reach, and misses nothing of that time', async () => {
    let isCut = false;
    const { scope, clock, store } = await staged((it) => {
      const inner = memoryHealthStore({ clock: it });
      const cut = () => Promise.reject(new Error('out of reach'));
      return { ...inner, eventsAfter: (...ask) => (isCut ? cut() : inner.eventsAfter(...ask)) };
    });
    const next = scope.stream.follow()[Symbol.asyncIterator]().next();
    isCut = true;
    await elsewhere(store, 'acme', ['a']);
    await clock.advance(5_000);
    isCut = false;
    await clock.advance(1_000);
    expect((await next).value).toMatchObject({ endpointId: 'a' });
  });

  it('warns once that the store is out of reach, and says of what it refuses that it is an error', async () => {
    const told: string[] = [];
    const note = (level: string) => (_: object, text?: string) =>
      void (text?.startsWith('what happens cannot be followed') && told.push(`${level} ${text}`));
    const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
    const away = coreErrors.STORE_UNAVAILABLE({ operation: 'reading', reason: undefined });
    const refused = Object.assign(new Error('column "position" does not exist'), { code: '42703' });
    let fault: Error | undefined;
    const { clock } = await staged(
      (it) => {
        const inner = memoryHealthStore({ clock: it });
        return { ...inner, eventsAfter: (...ask) => (fault ? Promise.reject(fault) : inner.eventsAfter(...ask)) };
      },
      { logger },
    );
    for (fault of [away, refused, undefined, refused]) await clock.advance(5_000);
    expect(told).toEqual([
      'warn what happens cannot be followed: the store is out of reach',
      'error what happens cannot be followed: the store was asked, and that failed',
      'error what happens cannot be followed: the store was asked, and that failed',
    ]);
  });

  it('tells of one endpoint, or of one kind of event, when asked to', async () => {
    const { scope, register, becomes } = await stage();
    const [web, mail] = [await register('web'), await register('mail')];
    const stop = new AbortController();
    const seen: string[] = [];
    const ask = { event: 'incident.opened', endpointId: mail.id, signal: stop.signal };
    const following = (async () => {
      for await (const { event, endpointId } of scope.stream.follow(ask)) seen.push(`${event} ${endpointId}`);
    })();
    await becomes(web, 'offline');
    await becomes(mail, 'offline');
    await expect.poll(() => seen).toEqual([`incident.opened ${mail.id}`]);
    stop.abort();
    await following;
  });

  it('lets one go who reads too slowly, and takes no more than its limit', async () => {
    const { scope, store, clock } = await stage();
    const slow = scope.stream.follow();
    await elsewhere(
      store,
      'acme',
      Array.from({ length: 1_001 }, (_, count) => `e${count}`),
    );
    await clock.advance(1_000);
    const seen: string[] = [];
    for await (const { event } of slow) seen.push(event);
    expect(seen).toEqual(['overflow']);
    const stop = new AbortController();
    // Each listens for the signal's end: a hundred are meant.
    setMaxListeners(100, stop.signal);
    for (let count = 0; count < 100; count++) scope.stream.follow({ signal: stop.signal });
    expect(() => scope.stream.follow()).toThrow(expect.objectContaining({ code: 'STREAM_LIMIT_REACHED' }));
    stop.abort();
    scope.stream.follow();
  });

  it('keeps no place once it is over, read or not, within the limits that the host sets', async () => {
    const { scope, health } = await staged((clock) => memoryHealthStore({ clock }), {
      ...{ maxStreams: 2, maxStreamsPerTenant: 1 },
    });
    scope.stream.follow({ signal: AbortSignal.abort() });
    await scope.stream.follow()[Symbol.asyncIterator]().return?.();
    const open = scope.stream.follow()[Symbol.asyncIterator]();
    expect(() => scope.stream.follow()).toThrow(expect.objectContaining({ code: 'STREAM_LIMIT_REACHED' }));
    health.scope({ tenantId: 'rival' }).stream.follow();
    const third = health.scope({ tenantId: 'third' }).stream;
    expect(() => third.follow()).toThrow(expect.objectContaining({ code: 'STREAMS_FULL' }));
    await open.return?.();
    third.follow();
  });

  it('ends when the module stops', async () => {
    const { scope, health } = await stage();
    const following = scope.stream.follow()[Symbol.asyncIterator]();
    const next = following.next();
    await health.stop();
    expect((await next).done).toBe(true);
  });

  it('is refused after the module has stopped, until it starts again', async () => {
    const { scope, health, register } = await stage();
    await health.stop();
    expect(() => scope.stream.follow()).toThrow(
      expect.objectContaining({ code: 'STREAMS_ENDED', kind: 'unavailable' }),
    );
    await health.start();
    const next = scope.stream.follow()[Symbol.asyncIterator]().next();
    await register('web');
    expect((await next).value).toMatchObject({ event: 'endpoint.registered' });
  });
});
