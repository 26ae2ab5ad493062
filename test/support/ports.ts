import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Ports that no system gives to who asks for any: Linux begins at 32,768, macOS and Windows at 49,152. What is free among them
 * stays free, whatever others open meanwhile. Files that run at the same time each have a share of their own, and runs at the
 * same time begin at different places of it.
 */
const [lowest, share, shares] = [10_000, 2_500, 8];
const own = lowest + share * (Number(process.env['VITEST_POOL_ID'] ?? 0) % shares);
let given = process.pid * 100;

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  try {
    await Promise.all([once(server, 'listening'), once(socket, 'listening')]);
    return true;
  } catch {
    return false;
  } finally {
    server.close();
    socket.close();
  }
}

/** A port on 127.0.0.1 where nobody listens, over TCP or UDP, until whoever asked does. */
export async function closedPort(): Promise<number> {
  for (let tried = 0; tried < share; tried++) {
    const port = own + (given++ % share);
    if (await isFree(port)) return port;
  }
  throw new Error('No port is free.');
}
