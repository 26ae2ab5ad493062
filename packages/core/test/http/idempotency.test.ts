import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { coreErrors, memoryIdempotencyStore, silentLogger } from '../../src/index.js';
import { routeFor } from '../../src/contract/index.js';
import { createApi } from '../../src/http/api.js';
import { createIdempotency } from '../../src/http/idempotency.js';
import type { HttpRequest, HttpResponse } from '../../src/http/index.js';
import { fakeClock } from '../../src/testing/index.js';

const request = (more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  path: '/things',
  mountedAt: '',
  params: {},
  query: {},
  headers: { 'idempotency-key': 'k-1' },
  remoteAddress: '127.0.0.1',
  body: { stream: Readable.from([]) },
  signal: new AbortController().signal,
  ...more,
});
const neo = { tenantId: 'acme', actorId: 'neo', permissions: ['*' as const] };
const made: HttpResponse = { status: 201, headers: {}, body: '{"id":1}' };

function subject() {
  const clock = fakeClock();
  const store = memoryIdempotencyStore();
  const once = createIdempotency({ store, clock, logger: silentLogger, retentionMs: 86_400_000 });
  const post = (work: () => Promise<HttpResponse>, sent: unknown = {}) => once('addThing', request(), neo, sent, work);
  return { clock, store, post, once };
}

describe('a request under an Idempotency-Key', () => {
  it('keeps its turn however long it takes', async () => {
    const { clock, post } = subject();
    let finish = (_: HttpResponse): void => undefined;
    const first = post(() => new Promise((resolve) => (finish = resolve)));
    const second = vi.fn(() => Promise.resolve(made));
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance(60_000);
      await expect(post(second)).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' });
    }
    finish(made);
    expect(await first).toEqual(made);
    expect(await post(second)).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect(second).not.toHaveBeenCalled();
    expect(clock.pending).toBe(0);
  });

  it('keeps its turn when a renewal fails, for there is time for another', async () => {
    const { clock, store, post } = subject();
    vi.spyOn(store, 'renew').mockRejectedValueOnce(new Error('database away'));
    let finish = (_: HttpResponse): void => undefined;
    const first = post(() => new Promise((resolve) => (finish = resolve)));
    await clock.advance(90_000);
    await expect(post(() => Promise.resolve(made))).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' });
    finish(made);
    expect(await first).toEqual(made);
  });

  it.each([
    ['is replayed', () => Promise.resolve(made), { state: 'done' }],
    [
      'is free again when it was refused',
      () => Promise.reject(coreErrors.PERMISSION_DENIED({ permission: 'x' })),
      { state: 'started' },
    ],
  ])('%s although its turn was being renewed when it ended', async (_, outcome, expected) => {
    const { clock, store, post } = subject();
    const renew = store.renew.bind(store);
    let goOn = (): void => undefined;
    vi.spyOn(store, 'renew').mockImplementation(async (turn) => {
      const token = await renew(turn);
      await new Promise<void>((resolve) => (goOn = resolve));
      return token;
    });
    const begin = vi.spyOn(store, 'begin');
    let finish = (): void => undefined;
    const settled = post(async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      return outcome();
    }).catch(() => undefined);
    await clock.advance(20_000);
    finish();
    await clock.advance(0);
    goOn();
    await settled;
    expect(await store.begin(begin.mock.calls[0]![0])).toMatchObject(expected);
    expect(clock.pending).toBe(0);
  });

  it('is answered although its answer could not be kept', async () => {
    const { store, post } = subject();
    vi.spyOn(store, 'complete').mockRejectedValue(new Error('the disk is full'));
    expect(await post(() => Promise.resolve(made))).toEqual(made);
  });

  it('frees its key when it was refused', async () => {
    const { post } = subject();
    await expect(post(() => Promise.reject(coreErrors.PERMISSION_DENIED({ permission: 'x' })))).rejects.toThrow();
    expect(await post(() => Promise.resolve(made))).toEqual(made);
  });

  it.each([coreErrors.STORE_UNAVAILABLE({ operation: 'committing' }), new Error('a bug')])(
    'does not free its key when nobody knows whether it was done (%s)',
    async (error) => {
      const { clock, post } = subject();
      await expect(post(() => Promise.reject(error))).rejects.toBe(error);
      await expect(post(() => Promise.resolve(made))).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_FLIGHT' });
      await clock.advance(60_000);
      expect(await post(() => Promise.resolve(made))).toEqual(made);
    },
  );

  it('is the same one under every spelling of its path', async () => {
    const { once } = subject();
    await once('addThing', request({ path: '/things' }), neo, {}, () => Promise.resolve(made));
    const again = await once('addThing', request({ path: '/things/' }), neo, {}, () =>
      Promise.reject(new Error('twice')),
    );
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it('is another one of another tenant, actor, route or path', async () => {
    const { once } = subject();
    const others: Parameters<typeof once>[] = [
      ['addThing', request(), { ...neo, tenantId: 'globex' }, {}, () => Promise.resolve(made)],
      ['addThing', request(), { ...neo, actorId: 'trinity' }, {}, () => Promise.resolve(made)],
      ['dropThing', request(), neo, {}, () => Promise.resolve(made)],
      ['addThing', request({ params: { id: '2' } }), neo, {}, () => Promise.resolve(made)],
    ];
    await once('addThing', request(), neo, {}, () => Promise.resolve(made));
    for (const other of others) {
      expect(await once(...other)).toEqual(made);
      expect(await once(...other)).toMatchObject({ headers: { 'idempotency-replayed': 'true' } });
    }
  });

  it('is refused to another body or query, a rehearsal of the same among them', async () => {
    const { once } = subject();
    const ask = (sent: unknown, query: HttpRequest['query']) =>
      once('addThing', request({ query }), neo, sent, () => Promise.resolve(made));
    await ask({ a: 1 }, { dry_run: 'true' });
    expect(await ask({ a: 1 }, { dry_run: 'true' })).toMatchObject({ headers: { 'idempotency-replayed': 'true' } });
    for (const [sent, query] of [
      [{ a: 1 }, {}],
      [{ a: 1 }, { dry_run: 'false' }],
      [{ a: 2 }, { dry_run: 'true' }],
    ] as const)
      await expect(ask(sent, query)).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('is forgotten after its retention, without anybody asking for that', async () => {
    const { clock, store, post } = subject();
    const prune = vi.spyOn(store, 'prune');
    await post(() => Promise.resolve(made));
    await clock.advance(86_400_000);
    await post(() => Promise.resolve(made));
    expect(prune).toHaveBeenCalledTimes(1);
  });
});

describe('a route whose command keeps its own answers', () => {
  const route = routeFor<unknown>();
  const serve = () => {
    const seen: (string | undefined)[] = [];
    const routes = [
      route({
        name: 'addThing',
        method: 'POST',
        path: '/things',
        tag: 'Things',
        summary: 'Add a thing',
        permission: 'health:write',
        output: z.object({ count: z.number() }),
        status: 201,
        idempotent: 'by its command',
        run: (_, { once }) => {
          seen.push(once.idempotencyKey);
          if (seen.filter((key) => key === once.idempotencyKey).length > 1) once.onReplay?.();
          return { count: seen.length };
        },
      }),
    ];
    const module = {
      name: 'things',
      routes,
      scope: () => ({}),
      start: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      readiness: () => ({ ready: true, parts: {} }),
    };
    const store = memoryIdempotencyStore();
    const begin = vi.spyOn(store, 'begin');
    const api = createApi(module, { authenticate: () => neo, idempotency: store });
    const handle = api.routes.find(({ path }) => path === '/things')?.handle;
    return { seen, begin, post: (more?: Partial<HttpRequest>) => handle?.(request(more)) };
  };

  it('hands it the key, keeps nothing itself, and says when an answer was replayed', async () => {
    const { seen, begin, post } = serve();
    const [first, second] = [await post(), await post()];
    expect(first).toMatchObject({ status: 201, body: '{"count":1}' });
    expect(first?.headers).not.toHaveProperty('idempotency-replayed');
    expect(second).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    await post({ headers: {} });
    expect(seen).toEqual(['k-1', 'k-1', undefined]);
    expect(begin).not.toHaveBeenCalled();
  });

  it('refuses a key that none can be', async () => {
    const { seen, post } = serve();
    for (const key of ['', 'with a space', 'ß', 'x'.repeat(256)])
      expect(await post({ headers: { 'idempotency-key': key } })).toMatchObject({ status: 422 });
    expect(seen).toEqual([]);
  });
});
