import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { apiKeyAuthenticator, hashApiKey } from '../http/authenticate.js';
import type { ApiOptions } from '../http/api.js';
import { memoryIdempotencyStore } from '../memory/idempotency.js';
import { notesModule, type NotesModule } from './notes-module.js';
import type { ServeModule } from './serve-module.js';
import { streamCasesOf } from './stream-cases.js';
import type { Suite, SuiteCase } from './suite.js';

const key = (tenantId: string, permissions: ('*' | 'health:read')[]) => ({
  hash: hashApiKey(`key-of-${tenantId}`),
  tenantId,
  actorId: `user:${tenantId}`,
  permissions,
});
const authenticate = apiKeyAuthenticator([key('acme', ['*']), key('globex', ['*']), key('reader', ['health:read'])]);

interface Answer {
  status: number;
  headers: Headers;
  // The wire is untyped on purpose: these are assertions on what a client sees.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  text: string;
}

interface Served {
  url: string;
  module: NotesModule;
  call(
    method: string,
    path: string,
    init?: { as?: string | null; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
}

function test(name: string, run: (served: Served) => Promise<void>, options: ApiOptions = {}): SuiteCase<ServeModule> {
  return {
    name,
    async run(serve) {
      const module = notesModule();
      const defaults: ApiOptions = { authenticate, idempotency: memoryIdempotencyStore(), verify: true };
      const { url, close } = await serve(module, { ...defaults, ...options });
      const call: Served['call'] = async (method, path, { as = 'acme', body, headers = {} } = {}) => {
        const response = await fetch(url + path, {
          method,
          headers: {
            ...(as !== null && { authorization: `Bearer key-of-${as}` }),
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        });
        const text = await response.text();
        const isJson = response.headers.get('content-type')?.includes('json');
        return {
          status: response.status,
          headers: response.headers,
          text,
          body: isJson ? JSON.parse(text) : undefined,
        };
      };
      try {
        await run({ url, module, call });
      } finally {
        await close();
      }
    },
  };
}

/** Asserts a problem of RFC 9457 with all members that dotmac promises. */
function assertProblem({ status, headers, body }: Answer, expected: { status: number; code: string }): void {
  assert.deepEqual({ status, code: body?.code }, expected);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(body.status, status);
  assert.equal(body.type, `/errors/${expected.code}`);
  assert.equal(body.request_id, headers.get('x-request-id'));
  assert.equal(body.instance, `urn:uuid:${body.request_id}`);
  for (const member of ['title', 'detail']) assert.ok(body[member].length > 0, `${member} is empty`);
}

const text = { note_text: 'hello', labels: { someKey: 1 } };

/** What every HTTP adapter does alike, over a listening port. */
export const adapterSuite: Suite<ServeModule> = {
  name: 'HTTP adapter',
  cases: [
    test('answers 201 with a Location, in wire names', async ({ call }) => {
      const made = await call('POST', '/notes', { body: text });
      assert.equal(made.status, 201);
      assert.equal(made.headers.get('location'), `/notes/${made.body.id}`);
      assert.equal(made.headers.get('cache-control'), 'no-store');
      const { id, ...rest } = made.body;
      const expected = { tenant_id: 'acme', ...text, created_at: '2026-01-01T00:00:00.000Z' };
      assert.deepEqual(rest, expected);
      assert.deepEqual((await call('GET', `/notes/${id}`)).body, made.body);
    }),
    test('reads and checks the query', async ({ call }) => {
      for (let count = 0; count < 3; count++) await call('POST', '/notes', { body: text });
      assert.equal((await call('GET', '/notes?max_items=2')).body.items.length, 2);
      const refused = await call('GET', '/notes?max_items=0&order=up');
      assertProblem(refused, { status: 422, code: 'INVALID_INPUT' });
      assert.deepEqual(refused.body.errors.map((it: { path: string }) => it.path).sort(), ['max_items', 'order']);
    }),
    test('refuses a query and a body where nothing would heed them, and changes nothing', async ({ call, url }) => {
      const { id } = (await call('POST', '/notes', { body: text })).body;
      const paths = async (path: string, body?: unknown) => {
        const refused = await call('DELETE', path, { body });
        assertProblem(refused, { status: 422, code: 'INVALID_INPUT' });
        return refused.body.errors.map((it: { path: string }) => it.path);
      };
      assert.deepEqual(await paths(`/notes/${id}?dry_run=true`), ['dry_run']);
      assert.deepEqual(await paths(`/notes/${id}`, { dry_run: true }), ['dry_run']);
      assertProblem(await call('DELETE', `/notes/${id}`, { body: '{' }), { status: 400, code: 'MALFORMED_BODY' });
      assert.equal((await call('POST', '/notes?dry_run=true', { body: text })).status, 422);
      assert.equal((await call('GET', `/notes/${id}?for=the-cache`)).status, 200);
      assert.equal((await call('DELETE', `/notes/${id}`, { body: {} })).status, 200);
      const chunked = await fetch(`${url}/notes/${(await call('POST', '/notes', { body: text })).body.id}`, {
        method: 'DELETE',
        headers: { authorization: 'Bearer key-of-acme' },
        body: new ReadableStream({ start: (it) => it.close() }),
        duplex: 'half',
      });
      assert.equal(chunked.status, 200);
    }),
    test('refuses a body that is not UTF-8, or declared as something else', async ({ call, url, module }) => {
      const latin1 = await fetch(`${url}/notes`, {
        method: 'POST',
        headers: { authorization: 'Bearer key-of-acme', 'content-type': 'application/json' },
        body: Buffer.from('{"note_text":"Jos\u00e9"}', 'latin1'),
      });
      assert.equal(latin1.status, 400);
      for (const type of ['application/json; charset=utf-16le', 'text/plain', 'foo'])
        assertProblem(await call('POST', '/notes', { body: text, headers: { 'content-type': type } }), {
          status: 415,
          code: 'UNSUPPORTED_MEDIA_TYPE',
        });
      assert.equal(module.added, 0);
    }),
    test('names a hundred faults of a body at most', async ({ call }) => {
      const body = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`${index}-${'x'.repeat(300)}`, 1]));
      const refused = await call('POST', '/notes', { body });
      assertProblem(refused, { status: 422, code: 'INVALID_INPUT' });
      assert.ok(refused.body.errors.length <= 101 && refused.text.length < 50_000, `${refused.text.length} characters`);
    }),
    test('refuses missing and wrong credentials with 401', async ({ call }) => {
      for (const as of [null, 'nobody']) {
        const refused = await call('GET', '/notes', { as });
        assertProblem(refused, { status: 401, code: 'UNAUTHENTICATED' });
        assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
      }
    }),
    test('refuses a principal without the permission with 403, before it looks at the body', async ({
      call,
      module,
    }) => {
      assertProblem(await call('POST', '/notes', { as: 'reader', body: '{' }), {
        status: 403,
        code: 'PERMISSION_DENIED',
      });
      assert.equal((await call('GET', '/notes', { as: 'reader' })).status, 200);
      assert.equal(module.added, 0);
    }),
    test('answers another tenant’s id exactly like one that does not exist', async ({ call }) => {
      const { body: own } = await call('POST', '/notes', { body: text });
      for (const method of ['GET', 'DELETE'])
        assertProblem(await call(method, `/notes/${own.id}`, { as: 'globex' }), {
          status: 404,
          code: 'NOTE_NOT_FOUND',
        });
      assert.equal((await call('GET', `/notes/${own.id}`)).status, 200);
    }),
    test('answers an unknown path with a 404 problem', async ({ call }) => {
      assertProblem(await call('GET', '/nothing/here'), { status: 404, code: 'ROUTE_NOT_FOUND' });
    }),
    test('answers a method that a path does not take with 405 and those that it takes', async ({ call }) => {
      const refused = await call('PUT', '/notes', { body: text });
      assertProblem(refused, { status: 405, code: 'METHOD_NOT_ALLOWED' });
      assert.equal(refused.headers.get('allow'), 'GET, HEAD, POST');
      const { body: own } = await call('POST', '/notes', { body: text });
      for (const method of ['POST', 'PUT'])
        assertProblem(await call(method, `/notes/${own.id}`), { status: 405, code: 'METHOD_NOT_ALLOWED' });
      assert.equal((await call('GET', `/notes/${own.id}`)).status, 200);
    }),
    test('answers a domain conflict with 409', async ({ call }) => {
      const { body: sealed } = await call('POST', '/notes', { body: { note_text: 'sealed' } });
      assertProblem(await call('DELETE', `/notes/${sealed.id}`), { status: 409, code: 'NOTE_SEALED' });
    }),
    test(
      'refuses a body over the limit with 413, declared or chunked',
      async ({ call, url, module }) => {
        const large = JSON.stringify({ note_text: 'x'.repeat(2_000) });
        assertProblem(await call('POST', '/notes', { body: large }), { status: 413, code: 'BODY_TOO_LARGE' });
        assert.equal(await postChunked(`${url}/notes`, large), 413);
        assert.equal(module.added, 0);
      },
      { bodyLimitBytes: 1_000 },
    ),
    test('takes a body of 1 MiB by default, and no more', async ({ call }) => {
      const sized = (bytes: number) => JSON.stringify({ note_text: 'x'.repeat(bytes - '{"note_text":""}'.length) });
      assert.equal((await call('POST', '/notes', { body: sized(1_048_576) })).status, 201);
      assert.equal((await call('POST', '/notes', { body: sized(1_048_577) })).status, 413);
    }),
    test('refuses what is not JSON with 415, and broken JSON with 400', async ({ call }) => {
      const unsupported = { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' };
      const unread: Record<string, string>[] = [{ 'content-type': 'text/plain' }, { 'content-encoding': 'gzip' }];
      for (const headers of unread) assertProblem(await call('POST', '/notes', { body: text, headers }), unsupported);
      const nines = (count: number) => '9'.repeat(count);
      const tooLarge = ['1e400', '-1E+400', nines(400), `${nines(250)}e60`, `${nines(299)}e10`].map(
        (n) => `{"note_text":"x","labels":{"n":${n}}}`,
      );
      for (const body of ['{"note_text":', '{"__proto__":{"a":1}}', '['.repeat(40) + ']'.repeat(40), ...tooLarge])
        assertProblem(await call('POST', '/notes', { body }), { status: 400, code: 'MALFORMED_BODY' });
    }),
    test('names every invalid and unknown field', async ({ call, module }) => {
      const refused = await call('POST', '/notes', { body: { note_text: '', noteText: 'x', colour: 'red' } });
      assertProblem(refused, { status: 422, code: 'INVALID_INPUT' });
      const paths = refused.body.errors.map(({ path }: { path: string }) => path).sort();
      assert.deepEqual(paths, ['colour', 'noteText', 'note_text']);
      assertProblem(await call('POST', '/notes'), { status: 422, code: 'INVALID_INPUT' });
      assert.equal(module.added, 0);
    }),
    test(
      'limits requests per principal, and says when to come back',
      async ({ call }) => {
        const first = await call('GET', '/notes');
        assert.equal(first.headers.get('ratelimit-policy'), '"default";q=2;w=60');
        assert.match(first.headers.get('ratelimit') ?? '', /^"default";r=1;t=\d+$/);
        await call('GET', '/notes');
        const refused = await call('GET', '/notes');
        assertProblem(refused, { status: 429, code: 'RATE_LIMITED' });
        assert.ok(Number(refused.headers.get('retry-after')) >= 1);
        assert.equal((await call('GET', '/notes', { as: 'globex' })).status, 200);
      },
      { rateLimits: { principal: { requests: 2 } } },
    ),
    test(
      'limits requests per address, whoever is asking',
      async ({ call }) => {
        assert.equal((await call('GET', '/notes', { as: null })).status, 401);
        assert.equal((await call('GET', '/notes', { as: 'nobody' })).status, 401);
        assertProblem(await call('GET', '/notes', { as: null }), { status: 429, code: 'RATE_LIMITED' });
      },
      { rateLimits: { address: { requests: 2 } } },
    ),
    test('replays the answer to an Idempotency-Key', async ({ call, module }) => {
      const headers = { 'idempotency-key': 'one' };
      const first = await call('POST', '/notes', { body: text, headers });
      const second = await call('POST', '/notes', { body: text, headers });
      assert.deepEqual([second.status, second.text], [201, first.text]);
      assert.equal(second.headers.get('location'), first.headers.get('location'));
      assert.equal(second.headers.get('idempotency-replayed'), 'true');
      assertProblem(await call('POST', '/notes', { body: { note_text: 'other' }, headers }), {
        status: 422,
        code: 'IDEMPOTENCY_KEY_REUSED',
      });
      assert.equal((await call('POST', '/notes', { as: 'globex', body: text, headers })).status, 201);
      assert.equal(module.added, 2);
    }),
    test('does the work once for fifty racing requests with one Idempotency-Key', async ({ call, module }) => {
      const racing = Array.from({ length: 50 }, () =>
        call('POST', '/notes', { body: text, headers: { 'idempotency-key': 'race' } }),
      );
      const statuses = new Set((await Promise.all(racing)).map(({ status }) => status));
      for (const status of statuses) assert.ok([201, 409].includes(status), `answered ${status}`);
      assert.equal(module.added, 1);
    }),
    test('frees an Idempotency-Key whose request failed', async ({ call }) => {
      const headers = { 'idempotency-key': 'retry' };
      assert.equal((await call('POST', '/notes', { body: { note_text: '' }, headers })).status, 422);
      assert.equal((await call('POST', '/notes', { body: text, headers })).status, 201);
    }),
    test('defers what the client prefers deferred', async ({ call, module }) => {
      const deferred = await call('POST', '/notes', { body: text, headers: { prefer: 'wait=5, respond-async' } });
      assert.deepEqual([deferred.status, deferred.body], [202, { message: 'Accepted' }]);
      assert.equal(deferred.headers.get('location'), '/notes/later');
      assert.equal(deferred.headers.get('preference-applied'), 'respond-async');
      assert.equal(module.added, 0);
    }),
    test('answers the unexpected with an opaque 500', async ({ call }) => {
      const failed = await call('POST', '/explode');
      assertProblem(failed, { status: 500, code: 'INTERNAL' });
      assert.doesNotMatch(failed.text, /hunter2|secret|TypeError/);
    }),
    test('tells the work when its client goes away', async ({ url, module }) => {
      const seen: string[] = [];
      const aborted = new Promise<void>((resolve) => {
        module.onHang((what) => {
          seen.push(what);
          if (what === 'started') hanging.destroy();
          else resolve();
        });
      });
      const hanging = httpRequest(`${url}/hang`, { headers: { authorization: 'Bearer key-of-acme' } });
      hanging.on('error', () => undefined).end();
      await aborted;
      assert.deepEqual(seen, ['started', 'aborted']);
    }),
    ...streamCasesOf(test),
    test('serves liveness, readiness, the document and its page without credentials', async ({ call }) => {
      assert.deepEqual((await call('GET', '/livez', { as: null })).body, { status: 'ok' });
      assert.deepEqual((await call('GET', '/readyz', { as: null })).body, { status: 'ready', parts: { notes: 'ok' } });
      const { body: document } = await call('GET', '/openapi.json', { as: null });
      assert.deepEqual(Object.keys(document.paths), [
        ...['/notes', '/notes/{id}', '/explode', '/hang'],
        ...['/notes/import', '/ticks', '/open/{id}'],
      ]);
      const docs = await call('GET', '/docs', { as: null });
      assert.match(docs.headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.doesNotMatch(docs.text, /https?:\/\//);
      for (const [, asset] of docs.text.matchAll(/(?:src|href)="(docs\/[^"]+)"/g))
        assert.equal((await call('GET', `/${asset}`, { as: null })).status, 200, asset);
    }),
  ],
};

function postChunked(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: 'Bearer key-of-acme', 'content-type': 'application/json' };
    const sending = httpRequest(url, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sending.on('error', reject);
    sending.write(body.slice(0, 100));
    sending.end(body.slice(100));
  });
}
