import { request } from 'node:http';
import { PassThrough, Transform } from 'node:stream';
import { apiKeyAuthenticator, hashApiKey } from '@dotmac/core/http';
import { notesModule } from '@dotmac/core/testing';
import fastify, { type FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { fastifyRoutes } from '../src/index.js';
import { telling } from './support/telling.js';

const authenticate = apiKeyAuthenticator([
  { hash: hashApiKey('k'), tenantId: 'acme', actorId: 'neo', permissions: ['*'] },
]);
const headers = { authorization: 'Bearer k', 'content-type': 'application/json' };
let app: FastifyInstance;
afterEach(() => app.close());

describe('a Fastify plugin among the host’s own', () => {
  it('says where a thing is from the root of the server, whatever its prefix', async () => {
    app = fastify();
    await app.register(fastifyRoutes, { operations: notesModule(), authenticate, prefix: '/ops' });
    const made = await app.inject({ method: 'POST', url: '/ops/notes', headers, payload: '{"note_text":"hello"}' });
    expect(made.headers.location).toMatch(/^\/ops\/notes\/./);
    expect((await app.inject({ url: String(made.headers.location), headers })).statusCode).toBe(200);
  });

  it.each(['/ops/', '/'])('takes a prefix that ends in a slash, “%s”, for one that does not', async (prefix) => {
    app = fastify();
    app.post('/ops/notes/:note', () => ({ by: 'host' }));
    const options = { operations: notesModule(), authenticate, terminal: true };
    await app.register(fastifyRoutes, { ...options, prefix });
    const at = prefix.slice(0, -1);
    const made = await app.inject({ method: 'POST', url: `${at}/notes`, headers, payload: '{"note_text":"hello"}' });
    expect(made.headers.location).toMatch(new RegExp(`^${at}/notes/.`));
    expect((await app.inject({ url: String(made.headers.location), headers })).statusCode).toBe(200);
    const hosts = await app.inject({ method: 'POST', url: '/ops/notes/one', headers, payload: '{}' });
    expect(hosts.json()).toEqual({ by: 'host' });
    const nowhere = await app.inject({ url: `${at}/nowhere`, headers });
    expect([nowhere.statusCode, nowhere.headers['content-type']]).toEqual([
      404,
      expect.stringContaining('problem+json'),
    ]);
  });

  it('takes a path that ends where an id should be for one that there is not', async () => {
    app = fastify();
    await app.register(fastifyRoutes, { operations: notesModule(), authenticate });
    for (const method of ['GET', 'POST', 'DELETE'] as const)
      expect((await app.inject({ method, url: '/notes/', headers })).statusCode, method).toBe(404);
  });

  it('registers a module whose routes call one parameter differently', async () => {
    app = fastify();
    const { routes, ...rest } = notesModule();
    const module = {
      ...rest,
      routes: routes.map((it) => ({ ...it, path: it.path.replace('{id}', `{${it.method}_id}`) })),
    };
    await app.register(fastifyRoutes, { operations: module, authenticate });
    const refused = await app.inject({ method: 'POST', url: '/notes/one', headers });
    expect([refused.statusCode, refused.headers.allow]).toEqual([405, expect.stringMatching(/^GET, HEAD, /)]);
  });

  it.each(['', '/ops'])(
    'leaves methods of its paths to the host that are declared before it, below “%s”',
    async (prefix) => {
      app = fastify();
      app.post(`${prefix}/notes/:note`, () => ({ by: 'host' }));
      app.post(`${prefix}/notes/extra`, () => ({ by: 'host' }));
      await app.register(fastifyRoutes, { operations: notesModule(), authenticate, prefix });
      for (const note of ['one', 'extra']) {
        const url = `${prefix}/notes/${note}`;
        expect((await app.inject({ method: 'POST', url, headers, payload: '{}' })).json()).toEqual({ by: 'host' });
        expect((await app.inject({ method: 'PUT', url, headers })).statusCode).toBe(405);
      }
    },
  );

  it('takes what its client breaks off for cut off, through what the host put in the socket’s place, too', async () => {
    app = fastify();
    app.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(new PassThrough()));
    const { told, module } = telling(notesModule(), Promise.resolve());
    await app.register(fastifyRoutes, { operations: module, authenticate });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    const ndjson = { ...headers, 'content-type': 'application/x-ndjson' };
    const asking = request(`${url}/notes/import`, { method: 'POST', headers: ndjson }).on('error', () => undefined);
    asking.write('{"note_text":"one"}\n{"note');
    await told.begun.opened;
    asking.destroy();
    expect(await told.end.opened).toMatchObject({ code: 'MALFORMED_BODY', details: { reason: 'it was cut off' } });
  });

  it('reads the stream that the host’s preParsing hook put in the socket’s place', async () => {
    app = fastify();
    app.addHook('preParsing', async (_request, _reply, payload) =>
      payload.pipe(new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, chunk) })),
    );
    await app.register(fastifyRoutes, { operations: notesModule(), authenticate });
    const payload = JSON.stringify({ note_text: 'x'.repeat(500_000) });
    const made = await app.inject({ method: 'POST', url: '/notes', headers, payload });
    expect([made.statusCode, made.json<{ note_text: string }>().note_text?.length]).toEqual([201, 500_000]);
  });

  it('lets two modules share one application and one registry', async () => {
    const metrics = new Registry();
    app = fastify();
    await app.register(fastifyRoutes, { operations: notesModule(), authenticate, metrics });
    const second = { ...notesModule(), routes: [] };
    await app.register(fastifyRoutes, {
      operations: second,
      authenticate,
      metrics,
      operational: false,
      document: false,
    });
    expect((await app.inject({ url: '/livez' })).statusCode).toBe(200);
    expect((await app.inject({ url: '/metrics' })).body).toContain('dotmac_http_requests_total');
  });

  it('leaves what the host’s own hooks refuse to the host', async () => {
    app = fastify();
    app.addHook('onRequest', async ({ headers: { 'x-refuse': status } }) => {
      if (status) throw Object.assign(new Error('refused by the host'), { statusCode: Number(status) });
    });
    await app.register(fastifyRoutes, { operations: notesModule(), authenticate });
    for (const status of [401, 429, 503]) {
      const answer = await app.inject({ url: '/notes', headers: { ...headers, 'x-refuse': String(status) } });
      expect(answer.json()).toMatchObject({ statusCode: status, message: 'refused by the host' });
    }
  });

  it('has work end that nobody waits for, the host having answered', async () => {
    const module = notesModule();
    const ended = new Promise<void>((resolve) => module.onHang((what) => what === 'aborted' && resolve()));
    app = fastify();
    app.addHook('onRequest', async (_request, reply) =>
      module.onHang((what) => what === 'started' && void reply.code(503).send('too late')),
    );
    await app.register(fastifyRoutes, { operations: module, authenticate });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    expect((await fetch(`${url}/hang`, { headers })).status).toBe(503);
    await ended;
  });

  it('counts the documentation against the address’s limit, and liveness not', async () => {
    app = fastify();
    const rateLimits = { address: { requests: 1 } };
    await app.register(fastifyRoutes, { operations: notesModule(), authenticate, rateLimits });
    const ask = async (url: string) => (await app.inject({ url })).statusCode;
    expect(await ask('/docs')).toBe(200);
    expect(await ask('/openapi.json')).toBe(429);
    expect(await ask('/livez')).toBe(200);
  });
});
