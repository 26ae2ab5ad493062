import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as passes } from 'node:timers/promises';
import type { NotesModule } from './notes-module.js';
import type { SuiteCase } from './suite.js';
import type { ServeModule } from './serve-module.js';

/** What a case is given: the module on a port. */
interface Served {
  url: string;
  module: NotesModule;
}
type MakeCase = (name: string, run: (served: Served) => Promise<void>) => SuiteCase<ServeModule>;

const authorization = 'Bearer key-of-acme';

function open(url: string, method: string, headers: Record<string, string> = {}): ClientRequest {
  return httpRequest(url, { method, headers: { authorization, ...headers } }).on('error', () => undefined);
}

async function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer.on('error', () => undefined);
}

/** The lines of an answer, as they come. */
async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const part of answer) {
    const lines = (rest + String(part)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

const ndjson = { 'content-type': 'application/x-ndjson' };

/** What every adapter does alike with streams and open routes. */
export const streamCasesOf = (test: MakeCase): SuiteCase<ServeModule>[] => [
  test('answers each line of a body while more of it comes', async ({ url, module }) => {
    const sent = open(`${url}/notes/import`, 'POST', ndjson);
    sent.write('{"note_text":"one"}\n');
    const answer = await answerOf(sent);
    assert.equal(answer.headers['content-type'], 'application/x-ndjson; charset=utf-8');
    const lines = linesOf(answer);
    const next = async () => JSON.parse(String((await lines.next()).value)) as { line_number: number; note_id: string };
    assert.equal((await next()).line_number, 1);
    assert.equal(module.added, 1);
    // Split in the middle of a character.
    const second = Buffer.from('{"note_text":"zwölf"}\n');
    sent.write(second.subarray(0, 17));
    sent.write(second.subarray(17));
    const { note_id } = await next();
    sent.end();
    assert.equal((await lines.next()).done, true);
    const read = await fetch(`${url}/notes/${note_id}`, { headers: { authorization } });
    assert.equal(((await read.json()) as { note_text: string }).note_text, 'zwölf');
  }),
  test('takes all of a body from a client that reads no answer before it has sent it', async ({ url, module }) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const lines = 10_000;
    const body = '{"note_text":"long"}\n'.repeat(lines);
    const head = Object.entries({ host: hostname, authorization, ...ndjson, connection: 'close' });
    const length = `content-length: ${body.length}`;
    socket.write(`POST /notes/import HTTP/1.1\r\n${head.map((it) => it.join(': ')).join('\r\n')}\r\n${length}\r\n\r\n`);
    // More answers than the system has room for: who waits for them to be read, waits for ever.
    for (let at = 0; at < body.length; at += 10_000)
      await new Promise((resolve) => socket.write(body.slice(at, at + 10_000), resolve));
    for (let round = 0; module.added < lines; round++) {
      assert.ok(round < 300, `${module.added} of ${lines} lines were taken`);
      await passes(50);
    }
    let text = '';
    for await (const part of socket as AsyncIterable<Buffer>) text += part.toString();
    assert.equal(text.match(/"line_number":/g)?.length, lines);
    assert.match(text, /"line_number":10000,/);
  }),
  test('refuses a line that is wrong, and reads on', async ({ url, module }) => {
    const body = [
      '{"note_text":"one"}',
      '{"note_text":',
      '',
      '{"other":1}',
      `{"note_text":"${'x'.repeat(200_000)}"}`,
      '{"note_text":"a","__proto__":{"b":1}}',
      '{"note_text":"last"}',
    ].join('\n');
    const answer = await fetch(`${url}/notes/import`, { method: 'POST', body, headers: { authorization, ...ndjson } });
    const lines = (await answer.text()).trim().split('\n');
    const told = lines.map(
      (line) => JSON.parse(line) as { line_number: number; note_id: string | null; faults: string[] },
    );
    assert.deepEqual(
      told.map(({ line_number, note_id }) => [line_number, note_id !== null]),
      [
        [1, true],
        [2, false],
        [4, false],
        [5, false],
        [6, false],
        [7, true],
      ],
    );
    assert.match(String(told[2]?.faults), /note_text/);
    assert.equal(module.added, 2);
  }),
  test('ends a stream that fails with the problem', async ({ url }) => {
    const body = '{"note_text":"one"}\n{"note_text":"sealed"}\n{"note_text":"two"}\n';
    const answer = await fetch(`${url}/notes/import`, { method: 'POST', body, headers: { authorization, ...ndjson } });
    const lines = (await answer.text()).trim().split('\n');
    assert.equal(lines.length, 2);
    const { problem } = JSON.parse(String(lines[1])) as { problem: { code: string; status: number } };
    assert.deepEqual([problem.code, problem.status], ['NOTE_SEALED', 409]);
  }),
  test('takes lines of JSON as such alone, and from nobody without credentials', async ({ url }) => {
    const post = async (headers: Record<string, string>) => {
      const answer = await fetch(`${url}/notes/import`, { method: 'POST', body: '{"note_text":"one"}\n', headers });
      return [answer.status, ((await answer.json()) as { code: string }).code];
    };
    assert.deepEqual(await post({ authorization, 'content-type': 'application/json' }), [
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ]);
    assert.deepEqual(await post(ndjson), [401, 'UNAUTHENTICATED']);
    assert.deepEqual(await post({ authorization: 'Bearer key-of-reader', ...ndjson }), [403, 'PERMISSION_DENIED']);
  }),
  test('sends events from where a client left off, and ends when it goes away', async ({ url, module }) => {
    const gone = new Promise<void>((resolve) => module.onHang((what) => void (what === 'aborted' && resolve())));
    const sent = open(`${url}/ticks`, 'GET', { 'last-event-id': '41' });
    sent.end();
    const answer = await answerOf(sent);
    assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(answer.headers['content-length'], undefined);
    const lines: string[] = [];
    for await (const line of linesOf(answer)) {
      lines.push(line);
      if (lines.length === 6) break;
    }
    assert.deepEqual(lines.slice(0, 4), [':', '', 'id: 42', 'event: tick']);
    assert.match(lines[4] ?? '', /^data: \{"id":"42","event":"tick","pad_text":"x+"\}$/);
    sent.destroy();
    await gone;
  }),
  test('answers HEAD with the head of a stream, and ends it', async ({ url, module }) => {
    const seen: string[] = [];
    const gone = new Promise<void>((resolve) => module.onHang((what) => (seen.push(what), resolve())));
    const answer = await fetch(`${url}/ticks`, { method: 'HEAD', headers: { authorization, 'last-event-id': '41' } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(answer.headers.get('content-length'), null);
    assert.equal(await answer.text(), '');
    await gone;
    assert.deepEqual([seen, module.ticks], [['aborted'], 42]);
    assert.equal((await fetch(`${url}/ticks`, { method: 'HEAD' })).status, 401);
  }),
  test('makes no more of a stream than its client takes', async ({ url, module }) => {
    const sent = open(`${url}/ticks`, 'GET');
    sent.end();
    const answer = await answerOf(sent);
    answer.pause();
    let before = -1;
    // Until what lies between is full: what is made stands still then.
    for (let round = 0; round < 200 && before !== module.ticks; round++) {
      before = module.ticks;
      await passes(100);
    }
    const held = module.ticks;
    assert.ok(held > 0 && held * 10_000 < 64 * 2 ** 20, `${held} pieces were made`);
    // It goes on when the client does.
    for await (const _ of answer) if (module.ticks > held + 100) break;
    sent.destroy();
  }),
  test('answers an open route to anybody, as the text that it is, and once to whoever keeps it', async ({ url }) => {
    const post = { method: 'POST', headers: { authorization, 'content-type': 'application/json' } };
    const made = await fetch(`${url}/notes`, { ...post, body: '{"note_text":"for all"}' });
    const { id } = (await made.json()) as { id: string };
    const answer = await fetch(`${url}/open/${id}`);
    assert.deepEqual(
      [answer.status, answer.headers.get('content-type'), await answer.text()],
      [200, 'text/plain', 'for all'],
    );
    const kept = ['cache-control', 'x-content-type-options'].map((name) => answer.headers.get(name));
    assert.deepEqual(kept, ['public, max-age=30', 'nosniff']);
    const etag = answer.headers.get('etag') ?? '';
    const ask = async (tag: string) => {
      const again = await fetch(`${url}/open/${id}`, { headers: { 'if-none-match': tag } });
      return [again.status, again.headers.get('etag'), await again.text()];
    };
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) assert.deepEqual(await ask(tag), [304, etag, '']);
    assert.deepEqual(await ask('"x"'), [200, etag, 'for all']);
    const missing = await fetch(`${url}/open/0199c0de-0000-7000-8000-000000000000`);
    assert.deepEqual([missing.status, ((await missing.json()) as { code: string }).code], [404, 'NOTE_NOT_FOUND']);
  }),
];
