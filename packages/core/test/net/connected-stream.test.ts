import { createConnection } from 'mysql2/promise';
import { createServer, type Socket } from 'node:net';
import { Client } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { available } from '../../../../test/support/services.js';
import {
  createConnector,
  mysqlStream,
  parseConnectionString,
  pgStream,
  type ConnectionTarget,
} from '../../src/net/index.js';
import { listen } from './listeners.js';

const postgresUrl = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';
const mysqlUrl = process.env['MYSQL_URL'] ?? 'mysql://root@127.0.0.1:3306/test';
const connector = createConnector({ policy: { allow: ['loopback', 'private'] } });

async function reach(url: string): Promise<ConnectionTarget & { socket: Socket }> {
  const target = parseConnectionString(url);
  const { socket } = await connector.connect({ ...target, timeoutMs: 5_000, tls: undefined });
  onTestFinished(() => void socket.destroy());
  return { ...target, socket };
}

/** A host that nobody may ask for: a driver that opened a connection of its own would fail. */
const nowhere = 'nowhere.invalid';
const onceOnly = expect.objectContaining({ name: 'ConnectFailure' });

/** A socket whose other end is gone, as its owner finds it. */
async function brokenSocket(): Promise<Socket> {
  const listening = await listen(createServer());
  const { socket } = await connector.connect({ host: '127.0.0.1', port: listening.port, timeoutMs: 5_000 });
  socket.resume();
  await expect.poll(() => listening.accepted.length).toBe(1);
  listening.accepted[0]?.resetAndDestroy();
  await expect.poll(() => socket.closed).toBe(true);
  await listening.close();
  return socket;
}

describe('a socket that is connected already', () => {
  it.runIf(available.postgres)('carries a pg client', async () => {
    const { socket, user, password, database } = await reach(postgresUrl);
    const stream = pgStream(socket);
    const client = new Client({ stream, host: nowhere, user, password, database });
    await client.connect();
    expect((await client.query('select inet_client_port() as port')).rows).toEqual([{ port: socket.localPort }]);
    await client.end();
    expect(socket.destroyed).toBe(true);
    expect(stream).toThrow(onceOnly);
  });

  it.runIf(available.mysql)('carries a mysql2 connection', async () => {
    const { socket, user, password, database } = await reach(mysqlUrl);
    const stream = mysqlStream(socket);
    const connection = await createConnection({ stream, host: nowhere, user, password, database });
    expect((await connection.query('select 1 as one'))[0]).toEqual([{ one: 1 }]);
    const [rows] = await connection.query('select host from information_schema.processlist where id = connection_id()');
    expect(JSON.stringify(rows)).toContain(`:${socket.localPort}`);
    await connection.end();
    expect(stream).toThrow(onceOnly);
  });

  it('is not waited for when it broke before the driver had it', async () => {
    const client = new Client({ stream: pgStream(await brokenSocket()), host: nowhere, user: 'x' });
    await expect(client.connect()).rejects.toThrow();
    const stream = mysqlStream(await brokenSocket());
    await expect(createConnection({ stream, connectTimeout: 20_000 })).rejects.toThrow();
  }, 10_000);
});
