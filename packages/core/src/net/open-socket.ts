import { Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Clock } from '../clock.js';
import type { StopSignal } from '../stop.js';
import { plainAddress } from './address-classes.js';
import { abortFailure, ConnectFailure, connectFailureOf } from './connect-failure.js';

const ignore = (): void => {};

/**
 * Connects to one judged address, and makes sure that it is there that the socket leads. The socket keeps a listener for
 * 'error' that does nothing any more, so that trouble between here and its next owner never ends the process; 'close'
 * follows every error.
 * @throws ConnectFailure; `timeout` after `limitMs`, the signal's reason (a ConnectFailure) when it aborts
 */
export function openSocket(
  { address, family, port }: { address: string; family: 4 | 6; port: number },
  limitMs: number,
  clock: Clock,
  signal: StopSignal | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortFailure(signal.reason));
    // Without options: the constructor copies them into an object with a hidden class of its own, for every socket, of
    // which V8 keeps more than the socket itself takes, until the next full collection.
    const socket = new Socket().setNoDelay(true);
    socket.connect({ host: address, port, family, lookup: neverLookup });
    let isSettled = false;
    const settle = (failure?: ConnectFailure): void => {
      isSettled = true;
      cancel();
      signal?.removeEventListener('abort', onAbort);
      if (!failure) return resolve(socket);
      socket.destroy();
      reject(failure);
    };
    const onAbort = (): void => settle(abortFailure(signal?.reason));
    const cancel = clock.after(limitMs, () => settle(new ConnectFailure('timeout')));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => {
      if (isSettled) return;
      const remote = plainAddress(socket.remoteAddress ?? '')?.address;
      settle(remote === address ? undefined : new ConnectFailure(remote === undefined ? 'reset' : 'denied'));
    });
    socket.on('error', (error) => isSettled || settle(connectFailureOf(error)));
  });
}

/** An address is never looked up; should Node think otherwise one day, it must fail here and not ask anybody. */
const neverLookup = (_: string, __: unknown, answer: (error: Error, address: string, family: number) => void): void =>
  answer(new ConnectFailure('denied'), '', 0);

/**
 * Agrees on TLS over a connected socket, and destroys the socket when that fails.
 * @throws ConnectFailure; the signal's reason (a ConnectFailure) when it aborts
 */
export function startTls(socket: Socket, options: ConnectionOptions, signal: StopSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let secure: TLSSocket;
    try {
      secure = connectTls({ ...options, socket });
    } catch (error) {
      // Options that Node itself refuses, a protocol name of 256 bytes say.
      socket.destroy();
      return reject(connectFailureOf(error));
    }
    secure.on('error', ignore);
    const settle = (failure?: ConnectFailure): void => {
      signal.removeEventListener('abort', onAbort);
      secure.off('secureConnect', onSecure).off('error', onError).off('close', onClose);
      if (!failure) return resolve(secure);
      secure.destroy();
      socket.destroy();
      reject(failure);
    };
    const onAbort = (): void => settle(connectFailureOf(signal.reason));
    const onSecure = (): void => settle();
    const onError = (error: Error): void => settle(connectFailureOf(error));
    const onClose = (): void => settle(new ConnectFailure('reset'));
    signal.addEventListener('abort', onAbort, { once: true });
    secure.on('secureConnect', onSecure).on('error', onError).on('close', onClose);
    if (signal.aborted) onAbort();
  });
}
