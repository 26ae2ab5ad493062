import { createSocket } from 'node:dgram';
import type { Clock } from '../clock.js';
import { abortFailure, ConnectFailure, connectFailureOf } from './connect-failure.js';

/** What is sent to one judged address, and which reply to it counts. */
export interface DatagramExchange<Reply> {
  address: string;
  family: 4 | 6;
  port: number;
  message: Uint8Array;
  /** Reads a reply; undefined when it is none. */
  accept: (message: Buffer) => Reply | undefined;
}

/**
 * Sends one datagram and waits for its reply. The socket is connected, so that only that address and port are heard,
 * and a refusal is too. What is no reply may come from anybody who can write a false sender: it is passed over.
 * @throws ConnectFailure; `timeout` after `limitMs`
 */
export function exchangeDatagram<Reply>(
  { address, family, port, message, accept }: DatagramExchange<Reply>,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortFailure(signal.reason));
    // The address was judged as it is: nothing may be looked up any more.
    const socket = createSocket({ type: `udp${family}`, lookup: (_, __, found) => found(null, address, family) });
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
    };
    const fail = (failure: ConnectFailure): void => {
      end();
      reject(failure);
    };
    const onAbort = (): void => fail(abortFailure(signal?.reason));
    const onError = (error: Error): void => fail(connectFailureOf(error));
    const cancel = clock.after(limitMs, () => fail(new ConnectFailure('timeout')));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError).on('message', (received) => {
      const reply = accept(received);
      if (reply === undefined) return;
      end();
      resolve(reply);
    });
    socket.once('connect', () => socket.send(message, (error) => void (error && onError(error))));
    socket.connect(port, address);
  });
}
