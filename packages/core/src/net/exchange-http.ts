import { request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { StopSignal } from '../stop.js';
import { ConnectFailure, isConnectFailure } from './connect-failure.js';

/** One request, ready to be written. */
export interface HttpAsk {
  method: string;
  host: string;
  port: number;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
}

/** The head of an answer. */
export interface HttpAnswer {
  status: number;
  version: string;
  message: IncomingMessage;
}

/** What came over a socket is not HTTP. */
export class NotHttp extends Error {
  constructor() {
    super('The answer is not HTTP');
  }
}

/** The reason of a signal that aborted, or what a peer that does not speak HTTP amounts to. */
function broken(signal: StopSignal): Error {
  if (!signal.aborted) return new NotHttp();
  return isConnectFailure(signal.reason) ? signal.reason : new ConnectFailure('aborted');
}

/**
 * Sends a request over a socket, and resolves with the head of its answer. When an `upgrade` that was asked for comes
 * about, the socket is the caller's again, and what came behind the head can be read from it.
 * @throws NotHttp, and what the signal was aborted with
 */
export function exchangeHttp(socket: Socket, { body, ...ask }: HttpAsk, signal: StopSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    // Without a length, one that could have a body would be sent in chunks.
    const isBare = body === undefined && (ask.method === 'GET' || ask.method === 'HEAD');
    const length = isBare ? {} : { 'content-length': String(Buffer.byteLength(body ?? '')) };
    const sent = request({
      ...ask,
      headers: { 'user-agent': 'dotmac', accept: '*/*', connection: 'close', ...ask.headers, ...length },
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
