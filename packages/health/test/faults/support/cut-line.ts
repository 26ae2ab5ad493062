import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * What a line does: passes everything, refuses connections, holds back what it is given, or breaks off when a commit is
 * answered, so that nobody learns of it.
 */
export type LineMood = 'passes' | 'refuses' | 'swallows' | 'loses commits';

/** A TCP line to a database on this machine that can be in moods. */
export async function cutLine(port: number) {
  const pairs = new Set<Socket[]>();
  let mood: LineMood = 'passes';
  const commits = { lost: 0 };
  const drop = (pair: Socket[]): void => {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  };
  const server = createServer((client) => {
    if (mood === 'refuses') return void client.destroy();
    const database = connect(port, '127.0.0.1');
    const pair = [client, database];
    pairs.add(pair);
    let isCommitting = false;
    for (const socket of pair) socket.on('error', () => drop(pair)).on('close', () => drop(pair));
    client.on('data', (asked) => {
      if (mood === 'swallows') return;
      isCommitting = /\bcommit\b/i.test(asked.toString('latin1'));
      database.write(asked);
    });
    database.on('data', (answer) => {
      if (mood === 'swallows') return;
      if (mood === 'loses commits' && isCommitting) {
        commits.lost++;
        return drop(pair);
      }
      client.write(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const pair of pairs) drop(pair);
  });
  return {
    port: (server.address() as AddressInfo).port,
    commits,
    become(next: LineMood): void {
      mood = next;
      if (next !== 'loses commits') for (const pair of pairs) drop(pair);
    },
  };
}
