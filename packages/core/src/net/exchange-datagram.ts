import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import type { CancelTimer, Clock } from '../clock.js';
import type { StopSignal } from '../stop.js';
import { abortFailure, ConnectFailure, connectFailureOf } from './connect-failure.js';

/** What is sent to one judged address, and which reply to it counts. */
export interface DatagramExchange<Reply> {
  address: string;
  family: 4 | 6;
  port: number;
  message: Uint8Array;
  /** Reads a reply; undefined when it is none. `say` sends the next question of a longer conversation. */
  accept: (message: Buffer, say: (next: Uint8Array) => void) => Reply | undefined;
  /** After so long without a reply the last question is sent again, then after twice as long. Default: once only. */
  resendAfterMs?: number | undefined;
}

/**
 * Sends a datagram and waits for its reply. All that is said comes from one port, so that a server knows a repetition
 * for what it is, and a reply to the first is heard while the second is on its way. The socket is connected, so that only that address and port are heard,
 * and a refusal is too. What is no reply may come from anybody who can write a false sender: it is passed over.
 * @throws ConnectFailure; `timeout` after `limitMs`
 */
export function exchangeDatagram<Reply>(
  { address, family, port, message, accept, resendAfterMs }: DatagramExchange<Reply>,
  limitMs: number,
  clock: Clock,
  signal: StopSignal | undefined,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortFailure(signal.reason));
    const socket = createSocket({ type: `udp${family}`, lookup: asItIs });
    let ended = false;
    let cancelResend: CancelTimer = () => undefined;
    const end = (): void => {
      ended = true;
      cancel();
      cancelResend();
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
    };
    const fail = (failure: ConnectFailure): void => {
      // What was on its way when the socket was closed fails too.
      if (ended) return;
      end();
      reject(failure);
    };
    const onAbort = (): void => fail(abortFailure(signal?.reason));
    const onError = (error: Error): void => fail(connectFailureOf(error));
    const cancel = clock.after(limitMs, () => fail(new ConnectFailure('timeout')));
    signal?.addEventListener('abort', onAbort, { once: true });
    const ask = (question: Uint8Array, patienceMs = resendAfterMs): void => {
      cancelResend();
      socket.send(question, (error) => void (error && onError(error)));
      if (patienceMs !== undefined) cancelResend = clock.after(patienceMs, () => ask(question, 2 * patienceMs));
    };
    const read = (received: Buffer): Reply | undefined => {
      try {
        return accept(received, (next) => ask(next));
      } catch (error) {
        // Whoever sends what a reader stumbles over ends a check with it, and not the process.
        fail(connectFailureOf(error));
        return undefined;
      }
    };
    socket.on('error', onError).on('message', (received) => {
      const reply = read(received);
      if (reply === undefined) return;
      end();
      resolve(reply);
    });
    socket.once('connect', () => ask(message));
    socket.connect(port, address);
  });
}

/**
 * Nothing may be looked up any more. Node asks for two: the judged address, and before it the one to send from, which
 * is any (`0.0.0.0`, `::`) and must stay so, or only this machine itself could be asked.
 */
const asItIs = (asked: string, _: unknown, found: (error: Error | null, address: string, family: number) => void) =>
  found(isIP(asked) === 0 ? new ConnectFailure('denied') : null, asked, isIP(asked));
