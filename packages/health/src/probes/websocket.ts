import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connectFailureOf } from '@dotmac/core/net';
import { z } from 'zod';
import { exchange, headersOf } from './http/exchange.js';
import { authorityOf } from './http/redirect.js';
import { httpSettings, secretHeaders } from './http/settings.js';
import { defineProbe, isWrongAnswer, timed, WrongAnswer, type Phases } from './probe.js';
import { certificateFacts, connectTls, tlsSettings, worryOf } from './tls-settings.js';

const settings = z
  .strictObject({
    /** With the query. Default `/`. */
    path: httpSettings.shape.path,
    /** At most 30. Those of the handshake are set by the check. */
    headers: httpSettings.shape.headers.refine(
      (headers) => !Object.keys(headers).some((name) => /^sec-websocket-/i.test(name)),
      'These headers are set by the check itself',
    ),
    /** What the server must agree to speak; default: none. */
    subprotocol: z
      .string()
      .max(100)
      .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'This is no name of a subprotocol')
      .optional()
      .meta({ description: 'What the server must agree to speak' }),
    /** Whether to speak TLS (wss). Default false. */
    secure: z.boolean().default(false).meta({ description: 'Speak TLS (wss)' }),
    tls: tlsSettings.optional().meta({ description: 'How to speak TLS; with secure alone' }),
    /** A text to send once the WebSocket is open; its answer is read. */
    send: z.string().max(4_096).optional().meta({ description: 'A text to send; its answer is read' }),
    /** What the first text that comes must contain; empty takes any. Default: none is waited for unless `send` is set. */
    expect: z
      .string()
      .max(1_024)
      .optional()
      .meta({ description: 'What the first text that comes must contain; empty takes any' }),
  })
  .refine(({ secure, tls }) => secure || tls === undefined, { path: ['tls'], message: 'This needs secure' });

/**
 * Opens a WebSocket (RFC 6455), and can send a text and read one of up to 64 KiB. The response time goes to that, or to
 * the end of the handshake when nothing is sent or expected; the name's resolution is left out.
 */
export const websocketProbe = defineProbe({
  serviceType: 'websocket',
  summary: 'Opens a WebSocket, and can send a text and expect one.',
  addressing: 'port',
  config: settings,
  facts: ['status', 'subprotocol', 'message', 'certificate'],
  secret: [...secretHeaders.map((name) => `headers.${name}`), 'tls.key'],
  sent: ['path', 'headers', 'send'],
  lacking: ({ secure, send, expect }) => [
    ...(secure ? [] : ['certificate']),
    ...(send === undefined && expect === undefined ? ['message'] : []),
  ],
  async run({ connector, host, port, config, timeoutMs, signal, clock }) {
    const { path, headers, subprotocol, secure, send, expect } = config;
    const startedAt = clock.monotonic();
    const tls = secure ? connectTls(config.tls, ['http/1.1']) : undefined;
    const { socket, timings } = await connector.connect({ host, port, timeoutMs, signal, ...(tls && { tls }) });
    const { dnsMs, connectMs, tlsMs } = timings;
    const phases: Phases = { dnsMs, connectMs, ...(tls && { tlsMs }) };
    const elapsed = (): number => clock.monotonic() - startedAt - dnsMs;
    const connectedMs = elapsed();
    try {
      const seen = tls ? certificateFacts(socket as TLSSocket, config.tls, clock.now()) : undefined;
      const key = randomBytes(16).toString('base64');
      const asked = {
        host: authorityOf({ secure, host, port }),
        ...headers,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': key,
        'sec-websocket-version': '13',
        ...(subprotocol !== undefined && { 'sec-websocket-protocol': subprotocol }),
      };
      const ask = { method: 'GET', host, port, path, headers: asked, body: undefined };
      const answer = await exchange(socket, ask, signal);
      const openMs = elapsed();
      phases.firstByteMs = openMs - connectedMs;
      const fault = faultOf(answer.status, headersOf(answer), key, subprotocol);
      if (fault !== undefined)
        throw new WrongAnswer(fault, { code: answer.status === 101 ? 'handshake_failed' : 'status_unexpected' });
      if (send !== undefined) socket.write(frameOf(text, Buffer.from(send)));
      const isRead = send !== undefined || expect !== undefined;
      const message = isRead ? await firstText(socket, signal) : undefined;
      if (!isRead) hangUp(socket);
      const responseTimeMs = isRead ? elapsed() : openMs;
      if (isRead) phases.transferMs = responseTimeMs - openMs;
      if (message !== undefined && !message.includes(expect ?? ''))
        throw new WrongAnswer('The message is not the expected one', { code: 'answer_unexpected' });
      return {
        responseTimeMs,
        message: isRead ? 'Answered as expected' : 'Opened a WebSocket',
        phases,
        facts: {
          status: answer.status,
          ...(subprotocol !== undefined && { subprotocol }),
          ...(message !== undefined && { message }),
          ...(seen && { certificate: seen.certificate }),
        },
        ...worryOf(seen),
      };
    } catch (error) {
      throw isWrongAnswer(error) ? timed(error, elapsed(), phases) : error;
    } finally {
      socket.destroy();
    }
  },
});

/** What is wrong with the answer to a handshake (RFC 6455, 4.1); undefined when nothing is. */
function faultOf(status: number, headers: Record<string, string>, key: string, subprotocol: string | undefined) {
  const has = (name: string, token: string): boolean =>
    (headers[name] ?? '').split(',').some((it) => it.trim().toLowerCase() === token);
  if (status !== 101) return `Answered HTTP ${status} in place of 101`;
  if (!has('upgrade', 'websocket') || !has('connection', 'upgrade')) return 'The connection did not become a WebSocket';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  if (headers['sec-websocket-accept'] !== accept) return 'The handshake is not answered by its key';
  if (headers['sec-websocket-extensions']) return 'The server chose an extension that nobody offered';
  if (headers['sec-websocket-protocol'] !== subprotocol) return 'The server did not agree on the subprotocol';
  return undefined;
}

/** The kinds of frames (RFC 6455, 11.8); those from `close` on are about the connection. */
const [continued, text, binary, close, ping, pong] = [0, 1, 2, 8, 9, 10] as const;
const kinds: ReadonlySet<number> = new Set([continued, text, binary, close, ping, pong]);
/** What is read until a text is complete: 64 KiB of it, and 4 KiB for what is around it. */
const mostBytes = 69_632;

/** A frame of ours, which must be masked (RFC 6455, 5.3). At most 64 KiB. */
function frameOf(kind: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const { length } = payload;
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([
    Buffer.from([0x80 | kind, ...size]),
    mask,
    payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)),
  ]);
}

/** Says that all is well and over (1000). */
const hangUp = (socket: Socket): boolean => socket.write(frameOf(close, Buffer.from([0x03, 0xe8])));

interface Frame {
  kind: number;
  isLast: boolean;
  payload: Buffer;
  /** With its head. */
  size: number;
}

/** The frame that bytes begin with (RFC 6455, 5.2); undefined while it is not complete. */
function frameIn(bytes: Buffer): Frame | undefined {
  const [first = 0, second = 0] = bytes;
  const [kind, isLast, short] = [first & 0x0f, first >= 0x80, second & 0x7f];
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < 2) return undefined;
  // Bits of extensions, a server that masks, or a control frame that is long or in parts.
  if (first & 0x70 || second & 0x80 || !kinds.has(kind) || (kind >= close && (!isLast || start > 2)))
    throw new WrongAnswer('The frames are not those of a WebSocket', { code: 'answer_malformed' });
  if (bytes.length < start) return undefined;
  const length = start === 2 ? short : start === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const size = start + length;
  if (size > mostBytes) throw new WrongAnswer('The message is too long', { code: 'answer_too_long' });
  return bytes.length < size ? undefined : { kind, isLast, payload: bytes.subarray(start, size), size };
}

/** Reads up to the first text and hangs up; pings are answered, and other messages are passed over. */
async function firstText(socket: Socket, signal: AbortSignal): Promise<string> {
  const takeFrame = assembly((payload) => void socket.write(frameOf(pong, payload)));
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let waiting: Buffer = Buffer.alloc(0);
  let heard = 0;
  try {
    for await (const part of socket as AsyncIterable<Buffer>) {
      waiting = Buffer.concat([waiting, part]);
      for (let frame = frameIn(waiting); frame; frame = frameIn(waiting)) {
        waiting = waiting.subarray(frame.size);
        heard += frame.size;
        if (heard > mostBytes) throw new WrongAnswer('The message is too long', { code: 'answer_too_long' });
        const message = takeFrame(frame);
        if (message === undefined) continue;
        // Only now: leaving the loop destroys the socket.
        hangUp(socket);
        return message;
      }
    }
  } catch (error) {
    if (isWrongAnswer(error)) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (signal.aborted) throw connectFailureOf(signal.reason);
  throw new WrongAnswer('The connection was closed in place of a message', { code: 'websocket_closed' });
}

/** Puts messages together from frames (RFC 6455, 5.4); gives a text once it is complete. */
function assembly(answerPing: (payload: Buffer) => void): (frame: Frame) => string | undefined {
  let parts: Buffer[] = [];
  let current: number | undefined;
  return ({ kind, isLast, payload }) => {
    if (kind === close)
      throw new WrongAnswer(
        payload.length < 2
          ? 'The WebSocket was closed'
          : `The WebSocket was closed with code ${payload.readUInt16BE(0)}`,
        { code: 'websocket_closed' },
      );
    if (kind === ping) answerPing(payload);
    if (kind > close) return undefined;
    if ((kind === continued) !== (current !== undefined))
      throw new WrongAnswer('The frames are not those of a WebSocket', { code: 'answer_malformed' });
    current ??= kind;
    parts.push(payload);
    if (!isLast) return undefined;
    const [whole, wasText] = [Buffer.concat(parts), current === text];
    [parts, current] = [[], undefined];
    return wasText ? textOf(whole) : undefined;
  };
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new WrongAnswer('The message is not text', { code: 'answer_malformed' });
  }
}
