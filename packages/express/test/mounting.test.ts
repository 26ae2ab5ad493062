import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { apiKeyAuthenticator, hashApiKey } from '@dotmac/core/http';
import { notesModule } from '@dotmac/core/testing';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { expressRouter } from '../src/index.js';

const authenticate = apiKeyAuthenticator([
  { hash: hashApiKey('k'), tenantId: 'acme', actorId: 'neo', permissions: ['*'] },
]);
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

async function served(prepare: (app: express.Express) => void): Promise<string> {
  const app = express();
  prepare(app);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const post = (url: string, body: string, type = 'application/json') =>
  fetch(url, { method: 'POST', headers: { authorization: 'Bearer k', 'content-type': type }, body });

describe('an Express router among the host’s own', () => {
  it('says where a thing is from the root of the server, wherever it is mounted', async () => {
    const url = await served((app) => app.use('/ops', expressRouter(notesModule(), { authenticate })));
    const location = (await post(`${url}/ops/notes`, '{"note_text":"hello"}')).headers.get('location');
    expect(location).toMatch(/^\/ops\/notes\/./);
    expect((await fetch(url + String(location), { headers: { authorization: 'Bearer k' } })).status).toBe(200);
  });

  it('leaves methods of its paths to the host that are mounted before it', async () => {
    const url = await served((app) =>
      app
        .post('/notes/extra', (_request, response) => void response.json({ by: 'host' }))
        .use(expressRouter(notesModule(), { authenticate })),
    );
    expect(await (await post(`${url}/notes/extra`, '{}')).json()).toEqual({ by: 'host' });
    expect((await post(`${url}/notes/other`, '{}')).status).toBe(405);
  });

  it('says what a path takes, also where a pattern that it fits is before it', async () => {
    const { routes, ...rest } = notesModule();
    const module = { ...rest, routes: [...routes].sort((one, other) => other.path.length - one.path.length).reverse() };
    const url = await served((app) => app.use(expressRouter(module, { authenticate })));
    const refused = await fetch(`${url}/notes/import`, { method: 'PUT', headers: { authorization: 'Bearer k' } });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, expect.stringContaining('POST')]);
  });

  it('takes what express.json() has read, and holds it to the same rules', async () => {
    const url = await served((app) =>
      app
        .use(express.json(), express.urlencoded(), express.raw({ type: 'application/vnd.raw+json' }))
        .use(expressRouter(notesModule(), { authenticate })),
    );
    expect((await post(`${url}/notes`, '{"note_text":"hello"}')).status).toBe(201);
    expect((await post(`${url}/notes`, '{"note_text":"hello"}', 'application/vnd.raw+json')).status).toBe(201);
    expect((await post(`${url}/notes`, 'note_text=hello', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await post(`${url}/notes`, `${'['.repeat(2_000)}${']'.repeat(2_000)}`)).status).toBe(400);
    expect((await post(`${url}/notes`, '{"note_text":"x","labels":{"__proto__":{"a":1}}}')).status).toBe(400);
  });

  it('refuses a body that something drained before it', async () => {
    const url = await served((app) =>
      app
        .use((request, _response, next) => void request.resume().once('end', next))
        .use(expressRouter(notesModule(), { authenticate })),
    );
    expect((await post(`${url}/notes`, '{"note_text":"hello"}')).status).toBe(400);
  });

  it('leaves an answer alone that the host has given already', async () => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    closing.push(() => process.off('unhandledRejection', note));
    const module = notesModule();
    const url = await served((app) =>
      app
        .use((_request, response, next) => {
          module.onHang((what) => what === 'started' && response.status(503).end());
          next();
        })
        .use(expressRouter(module, { authenticate })),
    );
    expect((await fetch(`${url}/hang`, { headers: { authorization: 'Bearer k' } })).status).toBe(503);
    await new Promise((resolve) => setImmediate(resolve));
    expect(rejections).toEqual([]);
  });

  it('has work end that nobody waits for, the host having answered', async () => {
    const module = notesModule();
    const ended = new Promise<void>((resolve) => module.onHang((what) => what === 'aborted' && resolve()));
    const url = await served((app) =>
      app
        .use((_request, response, next) => {
          module.onHang((what) => what === 'started' && response.status(503).end());
          next();
        })
        .use(expressRouter(module, { authenticate })),
    );
    expect((await fetch(`${url}/hang`, { headers: { authorization: 'Bearer k' } })).status).toBe(503);
    await ended;
  });

  it('answers a path that cannot be decoded with a problem', async () => {
    const url = await served((app) => app.use(expressRouter(notesModule(), { authenticate })));
    const answer = await fetch(`${url}/notes/%zz`, { headers: { authorization: 'Bearer k' } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
  });
});
