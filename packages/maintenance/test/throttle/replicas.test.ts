import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { activeSessions, replicaLag } from '../../src/index.js';
import { startable, startMariadb, startPostgres, startStandby, type OwnServer } from '../support/own-servers.js';
import { pausesUntil } from '../support/pausing.js';

const execute = (database: Database, text: string) => sql.raw(text).execute(database.kysely);
const read = async (database: Database) => replicaLag(database).read(new AbortController().signal);

describe.skipIf(!startable.postgres)('work waits for standbys of PostgreSQL (needs postgres: npm run services)', () => {
  const servers: OwnServer[] = [];
  let [primary, standby]: Database[] = [];
  let over = false;
  let writing = Promise.resolve();

  beforeAll(async () => {
    const server = await startPostgres({});
    servers.push(server);
    const urlOf = ({ port }: OwnServer) => `postgres://postgres@127.0.0.1:${port}/postgres`;
    primary = databaseFromUrl(urlOf(server));
    await execute(primary, 'create table ticks (id bigint generated always as identity, at timestamptz default now())');
    servers.push(
      await startStandby(server.port, { wal_receiver_status_interval: '1s', wal_retrieve_retry_interval: '200ms' }),
    );
    standby = databaseFromUrl(urlOf(servers[1] as OwnServer));
    // What is behind is so by something that was written.
    writing = (async () => {
      while (!over) {
        await execute(primary as Database, 'insert into ticks default values').catch(() => undefined);
        await sleep(50);
      }
    })();
    const followed = 'select 1 from pg_stat_replication where replay_lag is not null';
    await vi.waitFor(
      async () => {
        expect((await execute(primary as Database, followed)).rows).toHaveLength(1);
        expect(await read(standby as Database)).toBeLessThan(1);
      },
      { timeout: 60_000, interval: 100 },
    );
  });
  afterAll(async () => {
    over = true;
    await writing;
    await Promise.all([primary?.close(), standby?.close()]);
    for (const server of servers.reverse()) await server.stop();
  });

  it.each(['the primary', 'the standby'])(
    'that are behind, by what %s says, and goes on when they have caught up',
    async (asked) => {
      const signal = replicaLag((asked === 'the primary' ? primary : standby) as Database, { pauseAt: 1 });
      await pausesUntil(signal, {
        press: async () => void (await execute(standby as Database, 'select pg_wal_replay_pause()')),
        relieve: async () => void (await execute(standby as Database, 'select pg_wal_replay_resume()')),
      });
    },
    120_000,
  );

  it('of which nobody may see how they are, which counts as too far behind', async () => {
    await execute(primary as Database, 'create role app login');
    const asApp = databaseFromUrl(`postgres://app@127.0.0.1:${servers[0]?.port}/postgres`);
    await expect(read(asApp)).rejects.toThrow(/takes pg_monitor/);
    await execute(primary as Database, 'grant pg_monitor to app');
    expect(await read(asApp)).toBeLessThan(60);
    await asApp.close();
  });

  it('of which one has far to go, and has not said a word of how far it is', { timeout: 120_000 }, async () => {
    const replica = new Client({
      connectionString: `postgres://postgres@127.0.0.1:${servers[0]?.port}/postgres?replication=true`,
      ...({ replication: 'true' } as object),
    });
    replica.on('error', () => undefined);
    await replica.connect();
    const { rows } = await replica.query<{ xlogpos: string }>('IDENTIFY_SYSTEM');
    const more = `select pg_logical_emit_message(false, 'dotmac', repeat('x', 1000000)) from generate_series(1, 64)`;
    await execute(primary as Database, more);
    const { stream } = (replica as unknown as { connection: { stream: Socket } }).connection;
    replica.query(`START_REPLICATION PHYSICAL ${rows[0]?.xlogpos}`).catch(() => undefined);
    // What it does not read keeps the server from sending it the rest.
    stream.pause();
    const said = () =>
      read(primary as Database).then(
        () => 'a figure',
        (error: Error) => error.message,
      );
    await expect.poll(said, { timeout: 20_000 }).toMatch(/said how far/);
    stream.destroy();
    await expect.poll(said, { timeout: 60_000 }).toBe('a figure');
  });

  it('that are cut off, and have replayed all that they got', { timeout: 120_000 }, async () => {
    expect(await read(standby as Database)).toBeLessThan(60);
    over = true;
    await writing;
    await primary?.close();
    await servers[0]?.stop();
    await expect.poll(() => read(standby as Database), { timeout: 60_000 }).toBe(Infinity);
  });
});

describe.skipIf(!startable.mariadb)('work waits for replicas of MariaDB (needs mariadbd: npm run services)', () => {
  const servers: OwnServer[] = [];
  let [source, replica]: Database[] = [];

  beforeAll(async () => {
    for (const id of [1, 2])
      servers.push(await startMariadb([`--server-id=${id}`, '--log-bin', '--slave-parallel-threads=4']));
    const urlOf = ({ port }: OwnServer) => `mysql://root@127.0.0.1:${port}/mysql`;
    [source, replica] = servers.map((server) => databaseFromUrl(urlOf(server)));
    await execute(
      replica as Database,
      `change master to master_host='127.0.0.1', master_port=${servers[0]?.port}, master_user='root', master_use_gtid=slave_pos`,
    );
    await execute(replica as Database, 'start slave');
    await vi.waitFor(async () => expect(await read(replica as Database)).toBe(0), { timeout: 60_000, interval: 100 });
  });
  afterAll(async () => {
    await Promise.all([source?.close(), replica?.close()]);
    for (const server of servers.reverse()) await server.stop();
  });

  it('that do not replicate, and goes on when they do', { timeout: 120_000 }, async () => {
    expect(await read(source as Database)).toBe(0);
    await pausesUntil(replicaLag(replica as Database), {
      press: async () => void (await execute(replica as Database, 'stop slave')),
      relieve: async () => void (await execute(replica as Database, 'start slave')),
    });
  });

  it('whose own threads, and what follows them, are no sessions that are at work', async () => {
    const busy = (database: Database | undefined) =>
      activeSessions(database as Database).read(new AbortController().signal);
    const threads = `select 1 from information_schema.processlist where user = 'system user' or command like 'Binlog%'`;
    for (const [database, least] of [
      [source, 1],
      [replica, 6],
    ] as const) {
      expect((await execute(database as Database, threads)).rows.length).toBeGreaterThanOrEqual(least);
      expect(await busy(database)).toBe(0);
    }
  });

  it('that are seconds behind', { timeout: 120_000 }, async () => {
    await execute(source as Database, 'create table test_lag (id integer primary key) engine = innodb');
    await expect.poll(() => read(replica as Database)).toBe(0);
    let letGo = (): void => {};
    const done = new Promise<void>((resolve) => (letGo = resolve));
    let holding: Promise<void> | undefined;
    await pausesUntil(replicaLag(replica as Database, { pauseAt: 2, resumeAt: 0 }), {
      // What is replayed waits for a lock that somebody holds on the replica.
      async press() {
        let held = (): void => {};
        const locked = new Promise<void>((resolve) => (held = resolve));
        holding = (replica as Database).kysely.connection().execute(async (connection) => {
          await sql`lock tables test_lag write`.execute(connection);
          held();
          await done;
          await sql`unlock tables`.execute(connection);
        });
        await locked;
        await execute(source as Database, 'insert into test_lag values (1)');
      },
      async relieve() {
        letGo();
        await holding;
      },
    });
  });
});
