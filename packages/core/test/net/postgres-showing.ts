import { createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { KeyPair } from './certificates.js';
import { listen } from './listeners.js';

/** A server that agrees on TLS as PostgreSQL does, and shows a certificate; one without TLS when it has none. */
export function postgresShowing(shown: KeyPair | null): Promise<{ port: number; close(): Promise<void> }> {
  return listen(createServer(), '127.0.0.1', (socket) => {
    socket.once('readable', () => {
      // The client's request for TLS.
      socket.read(8);
      socket.write(shown ? 'S' : 'N');
      if (shown) new TLSSocket(socket, { isServer: true, ...shown }).on('error', () => undefined);
    });
  });
}
