import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import type { StopSignal } from '@dotmac/core';
import { ConnectFailure, isConnectFailure, NotHttp, type HttpAsk } from '@dotmac/core/net';
import { readHead, type Head } from './head.js';

/**
 * Sends a request over a socket, and resolves with the head of its answer, whose body nobody wants. Most checks are no
 * more than this, and a request of `node:http` with all that belongs to it costs more than the connection.
 * @throws NotHttp, and what the signal was aborted with
 */
export function askHead(socket: Socket, ask: HttpAsk, signal: StopSignal): Promise<Head> {
  return new Promise((resolve, reject) => {
    let came = '';
    const end = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('data', onData).off('close', onClose);
    };
    const fail = (error: Error): void => {
      end();
      reject(error);
    };
    const onAbort = (): void => fail(isConnectFailure(signal.reason) ? signal.reason : new ConnectFailure('aborted'));
    const onClose = (): void => fail(new NotHttp());
    const onData = (part: Buffer): void => {
      came += part.toString('latin1');
      try {
        for (let read = readHead(came); read; read = readHead(came)) {
          const { head, size } = read;
          if (head.status >= 200) {
            end();
            resolve(head);
            return;
          }
          // Nobody asked for another protocol; what else there is below 200 comes before the answer.
          if (head.status === 101) throw new NotHttp();
          came = came.slice(size);
        }
      } catch (error) {
        fail(error as Error);
      }
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('data', onData).on('close', onClose);
    socket.write(requestText(ask), 'latin1');
    if (ask.body !== undefined) socket.write(ask.body);
  });
}

/** @throws TypeError for what cannot stand in a request */
function requestText({ method, path, headers, body }: HttpAsk): string {
  if (/[^\x21-\x7e]/.test(path)) throw new TypeError('A path must be escaped');
  const fields = new Map([
    ['user-agent', 'user-agent: dotmac-health'],
    ['accept', 'accept: */*'],
    ['connection', 'connection: close'],
  ]);
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    fields.set(name.toLowerCase(), `${name}: ${value}`);
  }
  // Without a length, one that could have a body would have no end.
  const isBare = body === undefined && (method === 'GET' || method === 'HEAD');
  if (!isBare) fields.set('content-length', `content-length: ${Buffer.byteLength(body ?? '')}`);
  return `${method} ${path} HTTP/1.1\r\n${[...fields.values()].join('\r\n')}\r\n\r\n`;
}
