import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { PassThrough } from 'node:stream';
import { apiKeyAuthenticator, hashApiKey, type Authenticate } from '@dotmac/core/http';
import { notesModule, type NotesModule } from '@dotmac/core/testing';
import fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fastifyRoutes } from '../src/index.js';
import { gate, telling } from './support/telling.js';

const authenticate = apiKeyAuthenticator([
  { hash: hashApiKey('k'), tenantId: 'acme', actorId: 'neo', permissions: ['*'] },
]);

interface Serving {
  /** Pass bodies through a stream of the host's. */
  between?: boolean;
  authenticate?: Authenticate;
}

async function served(module: NotesModule, serving: Serving = {}) {
  const app = fastify({ http2: true });
  const left = gate<void>();
  app.server.on('stream', (stream) => stream.once('close', () => left.open()));
  if (serving.between) app.addHook('preParsing', async (_request, _reply, payload) => payload.pipe(new PassThrough()));
  await app.register(fastifyRoutes, { authenticate, ...serving, operations: module });
  const session = connect(await app.listen({ port: 0, host: '127.0.0.1' }));
  onTestFinished(async () => {
    session.destroy();
    await app.close();
  });
  return { session, left: left.opened };
}
const asked = (session: ClientHttp2Session, path: string, type = 'application/x-ndjson'): ClientHttp2Stream =>
  session
    .request({ ':method': 'POST', ':path': path, 'content-type': type, authorization: 'Bearer k' })
    .on('error', () => undefined);

describe('a Fastify plugin over HTTP/2', () => {
  it('answers as over HTTP/1', async () => {
    const { session } = await served(notesModule());
    const request = asked(session, '/notes', 'application/json').end('{"note_text":"hello"}');
    const [headers] = (await once(request, 'response')) as [Record<string, unknown>];
    expect(headers).toMatchObject({ ':status': 201, location: expect.stringMatching(/^\/notes\/./) as string });
  });

  it('streams events until their client leaves, also where it takes no more', async () => {
    const module = notesModule();
    const ended = new Promise<void>((resolve) => module.onHang((what) => what === 'aborted' && resolve()));
    const { session } = await served(module);
    const request = session.request({ ':path': '/ticks', authorization: 'Bearer k' }).on('error', () => undefined);
    const [chunk] = (await once(request, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(/^:\n/);
    // As many as there are places for: the next waits for the client.
    request.pause();
    let before = 0;
    const isStill = (): boolean => before > 0 && before === module.ticks;
    await expect.poll(() => isStill() || (before = module.ticks), { interval: 100 }).toBe(true);
    request.destroy();
    await ended;
  });

  it('tells a fault on the way as the last line, though not all of the body was read', async () => {
    const { session } = await served(notesModule());
    const request = asked(session, '/notes/import').setEncoding('utf8');
    request.write('{"note_text":"one"}\n{"note_text":"sealed"}\n{"note_text":"three"}\n');
    let text = '';
    for await (const part of request) text += String(part);
    expect(text.trim().split('\n').at(-1)).toMatch(/^\{"problem":.*"NOTE_SEALED"/);
  });

  it('has work end that nobody waits for', async () => {
    const module = notesModule();
    const [started, ended] = [gate(), gate()];
    module.onHang((what) => (what === 'started' ? started : ended).open());
    const { session } = await served(module);
    const request = session.request({ ':path': '/hang', authorization: 'Bearer k' }).on('error', () => undefined);
    await started.opened;
    request.destroy();
    await ended.opened;
  });

  it.each([
    ['itself', false],
    ['through what the host put between', true],
  ])('has read the body of an import whole that ended, %s', async (_, between) => {
    const { told, module } = telling(notesModule(), Promise.resolve());
    const { session } = await served(module, { between });
    const request = asked(session, '/notes/import').end('{"note_text":"one"}\n{"note_text":"two"}\n');
    request.resume();
    expect([await told.end.opened, told.lines]).toEqual(['whole', 2]);
    await once(request, 'close');
  });

  it.each([
    ['itself', false],
    ['through what the host put between', true],
  ])('takes an import for cut off that its client breaks off midway, %s', async (_, between) => {
    const goOn = gate();
    const { told, module } = telling(notesModule(), goOn.opened);
    const { session, left } = await served(module, { between });
    const request = asked(session, '/notes/import');
    request.write('{"note_text":"one"}\n');
    await told.begun.opened;
    request.write('{"note_text":"two"}\n');
    request.destroy();
    await left;
    goOn.open();
    expect(await told.end.opened).toMatchObject({ code: 'MALFORMED_BODY', details: { reason: 'it was cut off' } });
  });

  it.each([
    ['itself', false],
    ['through what the host put between', true],
  ])('takes an import for cut off that its client breaks off before it is read, %s', async (_, between) => {
    const { told, module } = telling(notesModule(), Promise.resolve());
    const [asking, goOn] = [gate(), gate()];
    const slowly: Authenticate = async (request) => {
      asking.open();
      await goOn.opened;
      return authenticate(request);
    };
    const { session, left } = await served(module, { between, authenticate: slowly });
    const request = asked(session, '/notes/import');
    request.write('{"note_text":"one"}\n');
    await asking.opened;
    request.destroy();
    await left;
    goOn.open();
    expect(await told.end.opened).toMatchObject({ code: 'MALFORMED_BODY', details: { reason: 'it was cut off' } });
  });
});
