import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../core/test/net/certificates.js';
import { closedPort } from '../../../../test/support/ports.js';
import { websocketProbe } from '../../src/probes/websocket.js';
import { connectorKnowing, probed, serving, type Probing } from '../support/probing.js';

const websocket = (probing: Probing) => probed(websocketProbe, probing);
const needs = (on: string, value: string | number | boolean) => [
  { on, op: 'eq', value, severity: 'critical' } as const,
];

/** A frame of a server: not masked, whole unless its first byte says otherwise. */
function frame(payload: Buffer | string, first = 0x81): Buffer {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  const size = Buffer.alloc(length < 126 ? 1 : length < 65_536 ? 3 : 9);
  if (length < 126) size[0] = length;
  else if (length < 65_536) size.writeUInt16BE(length, size.writeUInt8(126));
  else size.writeBigUInt64BE(BigInt(length), size.writeUInt8(127));
  return Buffer.concat([Buffer.from([first]), size, bytes]);
}

/** The short frames that a client sent, unmasked: their first byte and what they say. */
function unmasked(bytes: Buffer): [number, string][] {
  const frames: [number, string][] = [];
  for (let at = 0; at + 6 <= bytes.length;) {
    const isLong = (bytes[at + 1] ?? 0) === (0x80 | 126);
    const length = isLong ? bytes.readUInt16BE(at + 2) : (bytes[at + 1] ?? 0) - 0x80;
    const start = at + (isLong ? 8 : 6);
    const payload = bytes
      .subarray(start, start + length)
      .map((byte, index) => byte ^ (bytes[start - 4 + (index % 4)] ?? 0));
    frames.push([bytes[at] ?? 0, Buffer.from(payload).toString('latin1')]);
    at = start + length;
  }
  return frames;
}

const acceptOf = (key = '') => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
type Answer = (request: IncomingMessage) => Record<string, string>;
const agreeing: Answer = ({ headers }) => ({
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Accept': acceptOf(headers['sec-websocket-key']),
});

/** A server of WebSockets that notes what it was asked and told. `talk` says what it says after the handshake. */
async function opening(talk: (socket: Duplex) => void = () => {}, answer = agreeing, server = createServer()) {
  const seen: { request?: IncomingMessage; heard: Buffer } = { heard: Buffer.alloc(0) };
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    seen.request = request;
    socket.on('data', (part: Buffer) => (seen.heard = Buffer.concat([seen.heard, part]))).on('error', () => {});
    // Node leaves the ending of such a connection to whoever took it over.
    socket.on('end', () => socket.end());
    const lines = Object.entries(answer(request)).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
    talk(socket);
  });
  const { port, accepted } = await serving(server);
  return { port, seen, accepted };
}
const saying =
  (...parts: Buffer[]) =>
  (socket: Duplex) =>
    void parts.forEach((part) => socket.write(part));
const wellOver: [number, string] = [0x88, '\x03\xe8'];

describe('a handshake', () => {
  it('that is answered is healthy, and the WebSocket closed again', async () => {
    const { port, seen, accepted } = await opening();
    const config = { path: '/feed?x=1', headers: { Origin: 'https://web.test' } };
    expect(await websocket({ port, config, conditions: needs('status', 101) })).toMatchObject({
      status: 'healthy',
      message: 'Opened a WebSocket',
      phases: { connectMs: expect.any(Number) as number, firstByteMs: expect.any(Number) as number },
    });
    expect(seen.request).toMatchObject({
      method: 'GET',
      url: '/feed?x=1',
      headers: {
        host: `127.0.0.1:${port}`,
        origin: 'https://web.test',
        upgrade: 'websocket',
        connection: 'Upgrade',
        'sec-websocket-version': '13',
        'user-agent': 'dotmac-health',
      },
    });
    expect(Buffer.from(seen.request?.headers['sec-websocket-key'] ?? '', 'base64')).toHaveLength(16);
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
    expect(unmasked(seen.heard)).toEqual([wellOver]);
  });

  it('agrees on a subprotocol, or is critical', async () => {
    const config = { subprotocol: 'graphql-transport-ws' };
    const choosing = (protocol: string) =>
      opening(undefined, (request) => ({ ...agreeing(request), 'Sec-WebSocket-Protocol': protocol }));
    const good = await choosing('graphql-transport-ws');
    const conditions = needs('subprotocol', 'graphql-transport-ws');
    expect(await websocket({ port: good.port, config, conditions })).toMatchObject({ status: 'healthy' });
    expect(good.seen.request?.headers['sec-websocket-protocol']).toBe('graphql-transport-ws');
    const message = 'The server did not agree on the subprotocol';
    for (const { port } of [await choosing('mqtt'), await opening()])
      expect(await websocket({ port, config })).toMatchObject({ status: 'critical', message });
    expect(await websocket({ port: good.port })).toMatchObject({ status: 'critical', message });
  });

  it.each<[string, Answer, string]>([
    [
      'another key',
      () => ({ ...agreeing({ headers: {} } as IncomingMessage) }),
      'The handshake is not answered by its key',
    ],
    [
      'an extension that nobody offered',
      (request) => ({ ...agreeing(request), 'Sec-WebSocket-Extensions': 'permessage-deflate' }),
      'The server chose an extension that nobody offered',
    ],
    [
      'another protocol',
      (request) => ({ ...agreeing(request), Upgrade: 'h2c' }),
      'The connection did not become a WebSocket',
    ],
    ['no protocol at all', () => ({ 'Content-Length': '0' }), 'The connection did not become a WebSocket'],
  ])('that is answered with %s is critical', async (_, answer, message) => {
    const { port } = await opening(undefined, answer);
    expect(await websocket({ port })).toMatchObject({
      status: 'critical',
      message,
      responseTimeMs: expect.any(Number) as number,
    });
  });

  it.each([200, 302, 401, 426, 503])('that is answered with HTTP %i is critical', async (status) => {
    const { port } = await serving(
      createServer().on('upgrade', (_, socket: Duplex) => void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)),
    );
    const message = `Answered HTTP ${status} in place of 101`;
    expect(await websocket({ port })).toMatchObject({ status: 'critical', message });
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['headers without end', `HTTP/1.1 101 Go\r\n${'x-filler: aaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2_000)}`],
  ])('that is answered with %s is critical', async (_, words) => {
    const { port } = await serving(createTcpServer(), undefined, (socket) => {
      socket.once('data', () => socket.write(words));
    });
    expect(await websocket({ port })).toMatchObject({ status: 'critical', message: 'The answer is not HTTP' });
  });

  it('that is never answered is offline, and so is a server that refuses or has no name', async () => {
    const { port, accepted } = await serving(createTcpServer(), undefined, (socket) => socket.resume());
    expect(await websocket({ port, timeoutMs: 200 })).toMatchObject({
      status: 'offline',
      message: 'No answer in time',
    });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
    expect(await websocket({ port: await closedPort() })).toMatchObject({ status: 'offline' });
    const connector = await connectorKnowing({});
    expect(await websocket({ host: 'gone.test', port: 80, connector })).toMatchObject({ status: 'offline' });
  });

  it('later than expected is degraded', async () => {
    const server = createServer().on('upgrade', (request: IncomingMessage, socket: Duplex) => {
      const lines = Object.entries(agreeing(request)).map(([name, value]) => `${name}: ${value}\r\n`);
      setTimeout(() => socket.write(`HTTP/1.1 101 Slow\r\n${lines.join('')}\r\n`), 120);
    });
    const { port } = await serving(server);
    expect(await websocket({ port, expectedResponseTimeMs: 100 })).toMatchObject({ status: 'degraded' });
  });
});

describe('a message', () => {
  it('is sent, and its answer held against what is expected and the conditions', async () => {
    const { port, seen } = await opening((socket) => socket.once('data', () => socket.write(frame('{"type":"pong"}'))));
    const config = { send: '{"type":"grün"}', expect: 'pong' };
    const result = await websocket({ port, config, conditions: needs('message.type', 'pong') });
    expect(result).toMatchObject({ status: 'healthy', message: 'Answered as expected' });
    const { connectMs = NaN, firstByteMs = NaN, transferMs = NaN } = result.phases ?? {};
    // Between two phases is what this process took to go on, so they come to no more than the whole.
    for (const phase of [connectMs, firstByteMs, transferMs]) expect(phase).toBeGreaterThanOrEqual(0);
    expect(connectMs + firstByteMs + transferMs).toBeLessThanOrEqual((result.responseTimeMs ?? NaN) + 0.001);
    await expect.poll(() => unmasked(seen.heard)).toHaveLength(2);
    expect(unmasked(seen.heard)).toEqual([[0x81, Buffer.from(config.send).toString('latin1')], wellOver]);
    expect(await websocket({ port, config, conditions: needs('message.type', 'x') })).toMatchObject({
      status: 'critical',
    });
    expect(await websocket({ port, config: { ...config, expect: 'ready' } })).toMatchObject({
      status: 'critical',
      message: 'The message is not the expected one',
    });
  });

  it('may be long, both ways', async () => {
    const { port, seen } = await opening((socket) =>
      socket.once('data', () => socket.write(frame('y'.repeat(65_536)))),
    );
    const config = { send: 'x'.repeat(4_096), expect: 'yyy' };
    expect(await websocket({ port, config, conditions: needs('message.length', 65_536) })).toMatchObject({
      status: 'healthy',
    });
    expect(unmasked(seen.heard)[0]).toEqual([0x81, 'x'.repeat(4_096)]);
  });

  it.each([
    ['right behind the handshake', [frame('ready')]],
    ['in parts, and a ping between them', [frame('re', 0x01), frame('hi', 0x89), frame('', 0x00), frame('ady', 0x80)]],
    ['in single bytes', [...frame('ready')].map((byte) => Buffer.from([byte]))],
    [
      'in letters of several bytes that parts cut',
      [frame(Buffer.from([0xc3]), 0x01), frame(Buffer.from([0xbc, ...Buffer.from('ready')]), 0x80)],
    ],
    ['behind one that is no text', [frame(Buffer.alloc(300), 0x82), frame('', 0x8a), frame('ready')]],
    ['before a flood', [frame('ready'), ...Array.from({ length: 2_000 }, () => frame('x'.repeat(1_000)))]],
  ])('is found when it comes %s', async (_, frames) => {
    const { port, accepted } = await opening(saying(...frames));
    expect(await websocket({ port, config: { expect: 'ready' } })).toMatchObject({ status: 'healthy' });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it('may be any, and a ping before it is answered', async () => {
    const { port, seen } = await opening(saying(frame('are you there', 0x89), frame('hello')));
    expect(await websocket({ port, config: { expect: '' } })).toMatchObject({ status: 'healthy' });
    await expect.poll(() => unmasked(seen.heard)).toEqual([[0x8a, 'are you there'], wellOver]);
  });

  const broken = 'The frames are not those of a WebSocket';
  it.each([
    ['a frame of an extension', frame('ready', 0xc1), broken],
    ['a frame of no known kind', frame('ready', 0x83), broken],
    ['a frame that is masked', Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5]), broken],
    ['a ping in parts', frame('x', 0x09), broken],
    ['a ping that is long', frame('x'.repeat(126), 0x89), broken],
    ['the rest of no message', frame('ready', 0x80), broken],
    ['a message within another', Buffer.concat([frame('re', 0x01), frame('ready')]), broken],
    ['bytes that are no text', frame(Buffer.from([0xff, 0xfe])), 'The message is not text'],
    ['the announcement of 2^63 bytes', Buffer.from([0x81, 127, 128, 0, 0, 0, 0, 0, 0, 0]), 'The message is too long'],
    [
      'parts without end',
      Buffer.concat([frame('', 0x01), ...Array.from({ length: 40_000 }, () => frame('', 0x00))]),
      'The message is too long',
    ],
    [
      'pings without end',
      Buffer.concat(Array.from({ length: 40_000 }, () => frame('', 0x89))),
      'The message is too long',
    ],
    ['a farewell', frame(Buffer.from([0x03, 0xf0, 0x6e, 0x6f]), 0x88), 'The WebSocket was closed with code 1008'],
    ['a silent farewell', frame('', 0x88), 'The WebSocket was closed'],
  ])('is critical when there comes %s', async (_, bytes, message) => {
    const { port, accepted } = await opening(saying(bytes));
    expect(await websocket({ port, config: { expect: 'ready' } })).toMatchObject({
      status: 'critical',
      message,
      responseTimeMs: expect.any(Number) as number,
    });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it('is critical when the connection ends in its place or within it', async () => {
    for (const words of ['', frame('ready').subarray(0, 4)]) {
      const { port } = await opening((socket) => socket.end(words));
      expect(await websocket({ port, config: { expect: 'ready' } })).toMatchObject({
        status: 'critical',
        message: 'The connection was closed in place of a message',
      });
    }
  });

  it('is critical when the connection is reset in its place', async () => {
    const { port, accepted } = await opening((socket) => {
      socket.once('data', () => accepted[0]?.resetAndDestroy());
    });
    expect(await websocket({ port, config: { send: 'hello' } })).toMatchObject({
      status: 'critical',
      message: 'The connection was closed in place of a message',
    });
  });

  it('that does not come is offline, and unknown when the check is stopped; the connection is closed', async () => {
    const { port, accepted } = await opening();
    const config = { send: 'hello' };
    expect(await websocket({ port, config, timeoutMs: 200 })).toMatchObject({
      status: 'offline',
      message: 'No answer in time',
    });
    const stop = new AbortController();
    const { port: other, accepted: others, seen } = await opening();
    const check = websocket({ port: other, config, signal: stop.signal });
    await expect.poll(() => seen.heard.length).toBeGreaterThan(0);
    stop.abort();
    expect(await check).toMatchObject({ status: 'unknown', message: 'The check was stopped' });
    await expect.poll(() => accepted[0]?.destroyed && others[0]?.destroyed).toBe(true);
  });
});

describe('over TLS', () => {
  const certificates = makeCertificates();

  it('a message is exchanged under a valid certificate; another one is critical', async () => {
    const talk = saying(frame('ready'));
    const { port, seen } = await opening(talk, agreeing, createHttpsServer(certificates.good));
    const tls = { ca: certificates.ca };
    const config = { secure: true, tls, expect: 'ready' };
    expect(await websocket({ port, config, conditions: needs('certificate.authorized', true) })).toMatchObject({
      status: 'healthy',
      phases: { tlsMs: expect.any(Number) as number },
    });
    await expect.poll(() => unmasked(seen.heard)).toEqual([wellOver]);
    expect(await websocket({ port, config: { ...config, tls: { ...tls, days: 30 } } })).toMatchObject({
      status: 'degraded',
    });
    const message = 'The certificate is not valid for this host';
    expect(await websocket({ port, config: { secure: true } })).toMatchObject({ status: 'critical', message });
    expect((await websocket({ port })).status).toBe('critical');
  });
});

describe('a setting', () => {
  it.each([
    { path: 'feed' },
    { path: '/a b' },
    { headers: { 'Sec-WebSocket-Key': 'x' } },
    { headers: { Upgrade: 'h2c' } },
    { headers: { 'x y': '1' } },
    { headers: { x: '1\r\ny: 2' } },
    { subprotocol: 'a, b' },
    { send: 'x'.repeat(4_097) },
    { expect: 'x'.repeat(1_025) },
    { tls: {} },
    { other: 1 },
  ])('is refused when it is like %.60j', (config) => {
    expect(websocketProbe.config.safeParse(config).success).toBe(false);
  });
});
