import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as passes } from 'node:timers/promises';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** A listening server, how often it was connected to, and its end. */
export interface Listening {
  port: number;
  /** The sockets that were accepted, in order. */
  accepted: Socket[];
  close(): Promise<void>;
}

/** Listens with any server on an address (default 127.0.0.1) and a port, or a free one. */
export async function listen(
  server: Server,
  host = '127.0.0.1',
  serve?: (socket: Socket) => void,
  port = 0,
): Promise<Listening> {
  const accepted: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    accepted.push(socket.on('error', () => {}));
    serve?.(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted,
    async close() {
      for (const socket of accepted) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port on 127.0.0.1 that neither accepts nor refuses: its process sleeps and its backlog is full. */
export async function deafPort(): Promise<{ port: number; close(): void }> {
  const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    require('fs').writeSync(1, String(this.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);
  })`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(printed.toString());
  const fillers: Socket[] = [];
  // The kernel takes a few more than it was told; full is when one more hangs.
  for (let connected = true; connected && fillers.length < 16;) {
    const filler = connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    await Promise.race([once(filler, 'connect'), passes(300)]);
    // What was connected while this process stood still is told after its timers have fired.
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    connected = !filler.connecting;
  }
  return {
    port,
    close() {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
    },
  };
}
