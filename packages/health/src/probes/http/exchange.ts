import type { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import {
  ConnectFailure,
  exchangeHttp,
  isConnectFailure,
  NotHttp,
  type HttpAnswer as Answer,
  type HttpAsk,
} from '@dotmac/core/net';
import type { StopSignal } from '@dotmac/core';
import { WrongAnswer } from '../probe.js';
import { askHead } from './ask-head.js';
import { joined } from './head.js';

/** The headers of an answer: names in lower case; several of one name are joined by a comma. */
export function headersOf({ message }: Answer): Record<string, string> {
  const joined = Object.entries(message.headers).map(([name, value]) => [name, [value].flat().join(', ')]);
  return Object.fromEntries(joined) as Record<string, string>;
}

/** Sends a request over a socket, and resolves with the head of its answer. What is no HTTP is a wrong answer. */
export function exchange(socket: Socket, ask: HttpAsk, signal: StopSignal): Promise<Answer> {
  const headers = { 'user-agent': 'dotmac-health', ...ask.headers };
  return exchangeHttp(socket, { ...ask, headers }, signal).catch(blame);
}

/** The head of an answer; its body can be read when that was said before. */
export interface Seen {
  status: number;
  version: string;
  /** Names in lower case; several of one name are joined by a comma. */
  headers(): Record<string, string>;
  body?: (limit: number) => Promise<Buffer>;
}

/** Sends a request over a socket, and resolves with its answer. What is no HTTP is a wrong answer. */
export async function see(socket: Socket, ask: HttpAsk, isRead: boolean, signal: StopSignal): Promise<Seen> {
  if (!isRead) {
    const { status, version, fields } = await askHead(socket, ask, signal).catch(blame);
    return { status, version, headers: () => joined(fields) };
  }
  const answer = await exchange(socket, ask, signal);
  const { status, version } = answer;
  return { status, version, headers: () => headersOf(answer), body: (limit) => readBody(answer, limit, signal) };
}

function blame(error: unknown): never {
  throw error instanceof NotHttp ? new WrongAnswer(error.message, { code: 'answer_malformed' }) : error;
}

/** The reason of a signal that aborted. */
function broken(signal: StopSignal): Error {
  return isConnectFailure(signal.reason) ? signal.reason : new ConnectFailure('aborted');
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
async function readBody(answer: Answer, limit: number, signal: StopSignal): Promise<Buffer> {
  const { message } = answer;
  const decode = decoders.get(message.headers['content-encoding']?.toLowerCase() ?? '') ?? (() => new PassThrough());
  const stream = decode() as unknown as Readable & NodeJS.WritableStream;
  const stop = (): void => void stream.destroy(broken(signal));
  const cut = (): void => void stream.destroy(new WrongAnswer('The answer broke off', { code: 'answer_truncated' }));
  signal.addEventListener('abort', stop, { once: true });
  let came = 0;
  const count = (part: Buffer): void => {
    came += part.length;
    if (came > limit + mostAhead)
      stream.destroy(new WrongAnswer('The body cannot be read', { code: 'body_unreadable' }));
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
    throw isConnectFailure(error) || error instanceof WrongAnswer
      ? error
      : new WrongAnswer('The body cannot be read', { code: 'body_unreadable' });
  } finally {
    signal.removeEventListener('abort', stop);
    stream.destroy();
    message.destroy();
  }
  return Buffer.concat(parts).subarray(0, limit);
}
