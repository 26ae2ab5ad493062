import { setMaxListeners } from 'node:events';
import fc from 'fast-check';
import { createStreams } from '@dotmac/core';
import { describe, expect, it } from 'vitest';
import { healthEvents, memoryHealthStore, type StreamedEvent } from '../../src/index.js';
import { createEventHub } from '../../src/stream/event-hub.js';
import { staged } from '../support/staged.js';

const eventOf = (tenantId: string, name: string) =>
  healthEvents.create('endpoint.registered', {
    ...{ tenantId, actor: 'user:1', subject: name, at: 1 },
    data: { name, serviceType: 'tcp' },
  });
const stage = () => staged((clock) => memoryHealthStore({ clock }));

describe('a hub', () => {
  it('remembers the last of each tenant, within its bounds, and none of another’s', () => {
    const step = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(1_000));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const hub = createEventHub(createStreams(), { perTenant: 5, total: 9 });
        const sent = steps.map(([tenantId, number]) => eventOf(tenantId, String(number)));
        for (const event of sent) hub.add(event);
        let known = 0;
        for (const tenantId of ['a', 'b', 'c']) {
          const own = sent.filter((event) => event.tenantId === tenantId);
          own.forEach((event, index) => {
            const since = hub.since(tenantId, event.id);
            if (!since) return;
            known++;
            expect(since).toEqual(own.slice(index + 1));
            expect(own.length - index).toBeLessThanOrEqual(5);
          });
        }
        expect(known).toBeLessThanOrEqual(9);
        const last = sent.at(-1);
        if (last) expect(hub.since(last.tenantId, last.id)).toEqual([]);
      }),
    );
  });
});

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

  it('goes on after the last event that was seen, or says that some were missed', async () => {
    const { scope, register, becomes } = await stage();
    const web = await register('web');
    await becomes(web, 'healthy');
    const names = async (lastEventId: string | undefined, count: number) => {
      const found: StreamedEvent[] = [];
      for await (const event of scope.stream.follow({ lastEventId })) if (found.push(event) === count) break;
      return found;
    };
    const first = scope.stream.follow()[Symbol.asyncIterator]();
    const next = first.next();
    await becomes(web, 'offline');
    const { id } = ((await next) as { value: StreamedEvent }).value;
    await first.return?.();
    expect((await names(id, 1)).map(({ event }) => event)).toEqual(['incident.opened']);
    expect((await names('nobody-knows', 1)).map(({ event }) => event)).toEqual(['reset']);
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
    const { scope, health } = await stage();
    const slow = scope.stream.follow();
    for (let count = 0; count < 1_001; count++) health.events.emit(eventOf('acme', String(count)));
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
