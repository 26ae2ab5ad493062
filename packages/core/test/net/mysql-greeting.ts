import { createServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { KeyPair } from './certificates.js';
import { listen } from './listeners.js';

/** What MySQL says first (Protocol::HandshakeV10). */
export function mysqlGreeting({ tls = true } = {}): Buffer {
  const able = 0x1 | 0x4 | 0x200 | (tls ? 0x800 : 0) | 0x2000 | 0x8000 | 0x80000;
  const payload = Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.0.0\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.alloc(8, 'a'),
    Buffer.from([0, able & 0xff, (able >> 8) & 0xff, 45, 2, 0, (able >> 16) & 0xff, 0, 21]),
    Buffer.alloc(10),
    Buffer.alloc(12, 'b'),
    Buffer.from('\0mysql_native_password\0'),
  ]);
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload]);
}

/** A server that agrees on TLS as MySQL does, shows a certificate, and notes what comes then; one without TLS when it has none. */
export async function mysqlShowing(
  shown: KeyPair | null,
): Promise<{ port: number; heard: Buffer[]; close(): Promise<void> }> {
  const heard: Buffer[] = [];
  const { port, close } = await listen(createServer(), '127.0.0.1', (socket) => {
    socket.write(mysqlGreeting({ tls: shown !== null }));
    if (shown === null) return;
    socket.once('readable', () => {
      // The client's request for TLS; what follows it is the beginning of that.
      socket.read(36);
      const secured = new TLSSocket(socket, { isServer: true, ...shown });
      secured.on('error', () => undefined);
      secured.on('data', (data: Buffer) => {
        heard.push(data);
        secured.destroy();
      });
    });
  });
  return { port, heard, close };
}
