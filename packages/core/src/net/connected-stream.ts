import { isIP, type Socket } from 'node:net';
import { nextTick } from 'node:process';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { ConnectTls } from './connector.js';
import { ConnectFailure } from './connect-failure.js';

/**
 * The `stream` option of a pg `Client` that speaks over a socket which is connected already. pg calls `connect()` on
 * what it is given; here that opens nothing and only says that it is done. One socket serves one client, so this is
 * for `new Client`, not for a pool. `host` in the client's options is then only the name that TLS verifies.
 */
export function pgStream(socket: Socket): () => Socket {
  const connect = (): Socket => {
    nextTick(() => (socket.destroyed ? tellBroken(socket) : void socket.emit('connect')));
    return socket;
  };
  return once(() => Object.defineProperty(socket, 'connect', { value: connect, configurable: true }));
}

/** What both drivers take alike. */
function credentialsOf({ rejectUnauthorized = true, ca, cert, key }: ConnectTls) {
  return {
    rejectUnauthorized,
    ...(ca !== undefined && { ca: [ca].flat() as string[] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/** The `ssl` option of a pg client: its certificate must be for `name`, which may be an address. */
export function pgTls(tls: ConnectTls, name: string) {
  // Of itself the driver leaves an address out, and would have the certificate be localhost's.
  const ofName = (_: string, certificate: PeerCertificate): Error | undefined => checkServerIdentity(name, certificate);
  return { ...credentialsOf(tls), checkServerIdentity: ofName };
}

/**
 * The `ssl` option of a mysql2 connection: its certificate must be for the connection's `host`. The driver cannot verify an
 * address: that is `unverifiable`, unless nothing is to be verified.
 */
export function mysqlTls(tls: ConnectTls, host: string) {
  // Of itself the driver takes a certificate that is anybody's.
  const verifyIdentity = tls.rejectUnauthorized !== false;
  return verifyIdentity && isIP(host) !== 0 ? 'unverifiable' : { ...credentialsOf(tls), verifyIdentity };
}

/**
 * The `stream` option of a mysql2 `createConnection` that speaks over a socket which is connected already. One socket
 * serves one connection.
 */
export function mysqlStream(socket: Socket): () => Socket {
  return once(() => {
    if (socket.destroyed) nextTick(tellBroken, socket);
    return socket;
  });
}

/** Gives the socket out a single time. */
function once(give: () => Socket): () => Socket {
  let given = false;
  return () => {
    if (given) throw new ConnectFailure('failed');
    given = true;
    return give();
  };
}

/** Repeats to a new owner, who would wait for ever, that the socket broke before the handover. */
function tellBroken(socket: Socket): void {
  socket.emit('error', new ConnectFailure('reset'));
  if (socket.closed) socket.emit('close', true);
}
