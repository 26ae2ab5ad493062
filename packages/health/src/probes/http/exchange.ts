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

/** Sends a request over a socket, and resolves with the head of its answer. */
export function exchange(socket: Socket, { body, ...ask }: Ask, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Without a length, one that could have a body would be sent in chunks.
    const isBare = body === undefined && (ask.method === 'GET' || ask.method === 'HEAD');
    const length = isBare ? {} : { 'content-length': String(Buffer.byteLength(body ?? '')) };
    const sent = request({
      ...ask,
      headers: { 'user-agent': 'dotmac-health', accept: '*/*', ...ask.headers, ...length, connection: 'close' },
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
    sent.on('response', (message: IncomingMessage) => {
      settle();
      resolve({
        status: message.statusCode ?? 0,
        version: message.httpVersion,
        message: message.on('error', () => undefined),
      });
    });
    // An upgrade that nobody asked for ends without an 'error'.
    sent.on('close', fail).on('error', fail);
    sent.end(body);
    if (signal.aborted) stop();
  });
}

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * The body as text, unpacked, up to so many bytes; what lies behind is not read, so that neither a body without end nor
 * one that unpacks to a thousandfold takes more than that.
 */
export async function readBody(answer: Answer, limit: number, signal: AbortSignal): Promise<string> {
  const { message } = answer;
  const decode = decoders[message.headers['content-encoding']?.toLowerCase() ?? ''] ?? (() => new PassThrough());
  const stream = decode() as unknown as Readable & NodeJS.WritableStream;
  const stop = (): void => void stream.destroy(broken(signal));
  const cut = (): void => void stream.destroy(new WrongAnswer('The answer broke off'));
  signal.addEventListener('abort', stop, { once: true });
  message.on('aborted', cut).pipe(stream);
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
  return Buffer.concat(parts).subarray(0, limit).toString('utf8');
}
