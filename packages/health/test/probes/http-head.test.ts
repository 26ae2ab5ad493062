import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../../src/conditions/condition.js';
import { httpProbe } from '../../src/probes/http.js';
import { joined, readHead } from '../../src/probes/http/head.js';
import { probed, serving } from '../support/probing.js';

const http = httpProbe(false);

/** Serves these bytes to whoever asks, and what came of it, with the body read by Node's parser and without. */
async function bothWays(answer: string, config: Record<string, unknown> = {}, conditions: Condition[] = []) {
  const { port } = await serving(createServer(), undefined, (socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(answer, 'latin1'));
  });
  const outcomes = await Promise.all(
    [false, true].map((read) => probed(http, { port, config: { ...config, read }, conditions })),
  );
  return outcomes.map(({ status, message }) => `${status}: ${message}`);
}

const end = '\r\n\r\n';
const wrong = 'critical: The answer is not HTTP';
const right = (status: number): string => `healthy: Answered HTTP ${status}`;

describe('the head of an answer is read as Node reads it', () => {
  it.each([
    ['a plain answer', `HTTP/1.1 200 OK\r\nContent-Length: 0${end}`, right(200)],
    ['an older version', `HTTP/1.0 404 Not Found${end}`, right(404)],
    ['no reason, and no blank before it', `HTTP/1.1 204${end}`, right(204)],
    ['a reason of other letters', `HTTP/1.1 200 \xe4\xf6${end}`, right(200)],
    [
      'answers before the answer',
      `HTTP/1.1 100 Continue${end}HTTP/1.1 103 Early Hints\r\nlink: x${end}HTTP/1.1 200 OK${end}`,
      right(200),
    ],
    [
      'another protocol that nobody asked for',
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade${end}`,
      wrong,
    ],
    ['another protocol', `SSH-2.0-OpenSSH_9.2\r\n`, wrong],
    ['nothing', '', wrong],
    ['a head that breaks off', 'HTTP/1.1 200 OK\r\nserver: x', wrong],
    ['a status that is none', `HTTP/1.1 2x0 OK${end}`, wrong],
    ['a name with a blank in it', `HTTP/1.1 200 OK\r\nse rver: x${end}`, wrong],
    ['a line without a colon', `HTTP/1.1 200 OK\r\nserver${end}`, wrong],
    ['a value with a control character', `HTTP/1.1 200 OK\r\nserver: a\x01b${end}`, wrong],
    ['two lengths', `HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2${end}a`, wrong],
    ['a length that is none', `HTTP/1.1 200 OK\r\ncontent-length: -1${end}`, wrong],
    ['a length, and none', `HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked${end}`, wrong],
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}${end}`, wrong],
  ])('%s', async (_, answer, outcome) => {
    expect(await bothWays(answer)).toEqual([outcome, outcome]);
  });

  it('with the same headers for conditions', async () => {
    const fields = [
      'Server:  \t  one two \t ',
      'Server: three',
      'Vary: a',
      'vary: b',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'Empty:',
      'X-Letters: \xe4\xa0',
    ].join('\r\n');
    const condition = (name: string, value: string): Condition => {
      return { on: `headers["${name}"]`, op: 'eq', value, severity: 'critical' };
    };
    const conditions = [
      condition('server', 'one two'),
      condition('vary', 'a, b'),
      condition('set-cookie', 'a=1, b=2'),
      condition('empty', ''),
      condition('x-letters', '\xe4\xa0'),
      { on: 'version', op: 'eq', value: '1.1', severity: 'critical' } satisfies Condition,
    ];
    const answer = `HTTP/1.1 200 OK\r\n${fields}\r\ncontent-length: 0${end}`;
    expect(await bothWays(answer, {}, conditions)).toEqual([right(200), right(200)]);
  });
});

describe('a head', () => {
  const whole = `HTTP/1.1 200 OK\r\nserver: x\r\nserver: y${end}`;

  it('is the same in whatever pieces it comes', () => {
    for (let size = 0; size < whole.length; size++) expect(readHead(whole.slice(0, size))).toBeUndefined();
    const read = readHead(`${whole}body`);
    expect(read).toEqual({
      head: {
        status: 200,
        version: '1.1',
        fields: [
          ['server', 'x'],
          ['server', 'y'],
        ],
      },
      size: whole.length,
    });
    expect(joined(read?.head.fields ?? [])).toEqual({ server: 'x' });
  });

  it('is refused as soon as it cannot become one, however long its line goes on', () => {
    for (const text of ['S', 'HTTP/x', 'HTTP/1.1 2x', 'http/1.1 200']) expect(() => readHead(text), text).toThrow();
    expect(() => readHead(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(16_400)}`)).toThrow('The answer is not HTTP');
  });

  it('of blanks alone is read in no time', () => {
    const line = `x:${' '.repeat(8_000)}a${' '.repeat(8_000)}`;
    expect(readHead(`HTTP/1.1 200 OK\r\n${line}${end}`)?.head.fields).toEqual([['x', 'a']]);
  });
});

describe('a request for a head', () => {
  /** What a server was sent. */
  async function sent(config: Record<string, unknown>): Promise<{ port: number; lines: string[] }> {
    let came = '';
    const { port } = await serving(createServer(), undefined, (socket) => {
      socket
        .on('error', () => undefined)
        .on('data', (part) => {
          came += part.toString();
          if (came.includes(end)) socket.end(`HTTP/1.1 200 OK${end}`);
        });
    });
    expect(await probed(http, { port, config })).toMatchObject({ status: 'healthy' });
    return { port, lines: came.split('\r\n') };
  }

  it('says who asks and that this is all, once each, in the words of the endpoint where it has some', async () => {
    const { port, lines } = await sent({ headers: { Accept: 'text/plain', 'X-Own': 'a' } });
    expect(lines).toEqual([
      'GET / HTTP/1.1',
      'user-agent: dotmac-health',
      'Accept: text/plain',
      'connection: close',
      `host: 127.0.0.1:${port}`,
      'X-Own: a',
      '',
      '',
    ]);
  });

  it('carries a body with its length in bytes', async () => {
    const { lines } = await sent({ method: 'POST', body: 'äö' });
    expect(lines).toContain('content-length: 4');
    expect(lines.at(-1)).toBe('äö');
    expect((await sent({ method: 'DELETE' })).lines).toContain('content-length: 0');
  });

  it('is not made of credentials that would be more than a header', async () => {
    const { port } = await serving(
      createServer(),
      undefined,
      (socket) => void socket.on('error', () => undefined).resume(),
    );
    for (const token of ['a\r\nx-own: b', 'a\u2028b']) {
      const result = await probed(http, { port, config: { auth: { token } } });
      expect(result).toMatchObject({ status: 'unknown', message: 'The check itself failed' });
      expect(await probed(http, { port, config: { auth: { token }, read: true } })).toMatchObject({
        status: 'unknown',
      });
    }
  });
});
