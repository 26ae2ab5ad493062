import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ConnectFailure, isConnectFailure } from '@dotmac/core/net';
import { WrongAnswer } from '../probe.js';

/** One request, ready to be written. */
export interface Ask {
  method: string;
  host: string;
  port: number;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
}

/** The head of an answer. */
export interface Answer {
  status: number;
  version: string;
  message: IncomingMessage;
}

/** The headers of an answer: names in lower case; several of one name are joined by a comma. */
export function headersOf({ message }: Answer): Record<string, string> {
  const joined = Object.entries(message.headers).map(([name, value]) => [name, [value].flat().join(', ')]);
  return Object.fromEntries(joined) as Record<string, string>;
}

/** The reason of a signal that aborted, or what a peer that does not speak HTTP amounts to. */
function broken(signal: AbortSignal): Error {
  if (!signal.aborted) return new WrongAnswer('The answer is not HTTP');
  return isConnectFailure(signal.reason) ? signal.reason : new ConnectFailure('aborted');
}

/**
 * Sends a request over a socket, and resolves with the head of its answer. When an `upgrade` that was asked for comes
 * about, the socket is the caller's again, and what came behind the head can be read from it.
 */
export function exchange(socket: Socket, { body, ...ask }: Ask, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Without a length, one that could have a body would be sent in chunks.
    const isBare = body === undefined && (ask.method === 'GET' || ask.method === 'HEAD');
    const length = isBare ? {} : { 'content-length': String(Buffer.byteLength(body ?? '')) };
    const sent = request({
      ...ask,
      headers: { 'user-agent': 'dotmac-health', accept: '*/*', connection: 'close', ...ask.headers, ...length },
      createConnection: () => socket,
    });
    const stop = (): void => void sent.destroy();
    signal.addEventListener('abort', stop, { once: true });
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
      signal.removeEventListener('abort', stop);
    };
    // Making an error is not cheap, and most requests end without one.
    const fail = (): void => {
      if (isSettled) return;
      settle();
      reject(broken(signal));
    };
    const answered = (message: IncomingMessage): void => {
      settle();
      resolve({
        status: message.statusCode ?? 0,
        version: message.httpVersion,
        message: message.on('error', () => undefined),
      });
    };
    sent.on('response', answered);
    if (ask.headers.upgrade !== undefined)
      sent.on('upgrade', (message: IncomingMessage, _: unknown, beginning: Buffer) => {
        if (beginning.length > 0) socket.unshift(beginning);
        answered(message);
      });
    // An upgrade that nobody asked for ends without an 'error'.
    sent.on('close', fail).on('error', fail);
    sent.end(body);
    if (signal.aborted) stop();
  });
}

const decoders: ReadonlyMap<string, () => NodeJS.ReadWriteStream> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/** How many more bytes may come than are unpacked from them: a few full buffers. */
const mostAhead = 262_144;

/**
 * The body, unpacked, up to so many bytes; what lies behind is not read, so that neither a body without end, nor one
 * that unpacks to a thousandfold, nor one that unpacks to nothing takes much more than that.
 */
export async function readBody(answer: Answer, limit: number, signal: AbortSignal): Promise<Buffer> {
  const { message } = answer;
  const decode = decoders.get(message.headers['content-encoding']?.toLowerCase() ?? '') ?? (() => new PassThrough());
  const stream = decode() as unknown as Readable & NodeJS.WritableStream;
  const stop = (): void => void stream.destroy(broken(signal));
  const cut = (): void => void stream.destroy(new WrongAnswer('The answer broke off'));
  signal.addEventListener('abort', stop, { once: true });
  let came = 0;
  const count = (part: Buffer): void => {
    came += part.length;
    if (came > limit + mostAhead) stream.destroy(new WrongAnswer('The body cannot be read'));
  };
  message.on('aborted', cut).on('data', count).pipe(stream);
  const parts: Buffer[] = [];
  let size = 0;
  try {
    if (signal.aborted) throw broken(signal);
    for await (const part of stream as AsyncIterable<Buffer>) {
      parts.push(part);
      size += part.length;
      if (size >= limit) break;
    }
  } catch (error) {
    throw isConnectFailure(error) || error instanceof WrongAnswer ? error : new WrongAnswer('The body cannot be read');
  } finally {
    signal.removeEventListener('abort', stop);
    stream.destroy();
    message.destroy();
  }
  return Buffer.concat(parts).subarray(0, limit);
}
