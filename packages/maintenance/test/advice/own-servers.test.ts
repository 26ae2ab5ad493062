import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { adviceLimits, type AdviceLimits } from '../../src/databases/advice.js';
import { upkeepOf } from '../../src/databases/upkeep.js';
import { restrictedUser } from '../support/restricted-user.js';
import { startable, startMariadb, startPostgres, type OwnServer } from '../support/own-servers.js';

const day = 86_400_000;
const adviseOn = (database: Database, more: Partial<AdviceLimits> = {}, asOf = Date.now()) =>
  upkeepOf(database).advise({ tables: null, asOf, limits: { ...adviceLimits, ...more }, checkIntegrity: false });

describe.skipIf(!startable.postgres)('advice on a PostgreSQL of its own (needs its programs: npm run services)', () => {
  let server: OwnServer;
  let database: Database;
  let client: Client;
  beforeAll(async () => {
    server = await startPostgres({
      shared_preload_libraries: 'pg_stat_statements',
      max_prepared_transactions: '5',
      wal_level: 'logical',
    });
    const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
    client = new Client({ connectionString: url });
    await client.connect();
    database = databaseFromUrl(url);
  }, 120_000);
  afterAll(async () => {
    await client?.end();
    await database?.close();
    await server?.stop();
  });

  it('says what the slow queries need, and then which they are, without values and without passwords', async () => {
    const slow = () => upkeepOf(database).slowQueries(50);
    expect(await slow()).toMatchObject({ available: false, reason: expect.stringContaining('CREATE EXTENSION') });
    await client.query('create extension pg_stat_statements');
    await client.query(`select pg_sleep(0.05), 'a secret'`);
    await client.query(`create role someone password 'a secret'`);
    const { available, queries } = await slow();
    expect(available).toBe(true);
    const slept = queries.find(({ query }) => query === 'select pg_sleep($1), $2');
    expect(slept).toMatchObject({ calls: 1 });
    expect(slept?.meanMs).toBeGreaterThan(49);
    // Which of them took most time, is up to the machine.
    expect(queries.map(({ totalMs }) => totalMs)).toEqual(queries.map(({ totalMs }) => totalMs).sort((a, b) => b - a));
    expect(JSON.stringify(queries)).not.toContain('secret');
  });

  it('says what a role lacks to see the slow queries of all, or any', async () => {
    await client.query('drop extension if exists pg_stat_statements');
    const user = await restrictedUser(database, `postgres://postgres@127.0.0.1:${server.port}/postgres`);
    try {
      const slow = () => upkeepOf(user.database).slowQueries(50);
      expect(await slow()).toMatchObject({
        available: false,
        reason: expect.stringContaining('missing: GRANT pg_read_all_settings') as string,
      });
      await client.query('create extension pg_stat_statements');
      expect(await slow()).toMatchObject({
        available: true,
        reason: expect.stringContaining('missing: GRANT pg_read_all_stats') as string,
      });
      await user.grant('pg_read_all_stats');
      expect(await slow()).toMatchObject({ available: true, reason: null });
      await client.query('revoke select on pg_stat_statements from public, pg_read_all_stats');
      expect(await slow()).toMatchObject({
        available: false,
        reason: expect.stringContaining('missing: GRANT SELECT ON public.pg_stat_statements') as string,
      });
    } finally {
      await client.query('grant select on pg_stat_statements to public');
      await user.drop();
    }
  });

  it('finds prepared transactions and slots that nobody ends', async () => {
    await client.query('create table kept (id int)');
    await client.query(`select pg_create_logical_replication_slot('forgotten', 'test_decoding')`);
    await client.query(`begin; insert into kept values (1); prepare transaction 'it''s prepared'`);
    const found = async () =>
      (await adviseOn(database, { longTransactionMs: 0 })).findings.filter((it) => /prepared|slot/.test(it.kind));
    const findings = await found();
    expect(findings.map(({ id }) => id)).toEqual([
      "prepared_transaction:it's prepared",
      'idle_replication_slot:forgotten',
    ]);
    for (const { applySql } of findings) for (const statement of applySql) await client.query(statement);
    expect(await found()).toEqual([]);
  });

  it('judges no use of indexes while replicas are attached, which count their own', async () => {
    await client.query('create table used (id int); create index used_id on used (id)');
    const look = async () => {
      const { findings, notes } = await adviseOn(database, {}, Date.now() + 31 * day);
      return { unused: findings.filter((it) => it.kind === 'unused_index').map(({ object }) => object), notes };
    };
    expect(await look()).toEqual({ unused: ['used_id'], notes: [] });
    const replica = new Client({
      connectionString: `postgres://postgres@127.0.0.1:${server.port}/postgres?replication=true`,
      ...({ replication: 'true' } as object),
    });
    replica.on('error', () => undefined);
    await replica.connect();
    const { rows } = await replica.query<{ xlogpos: string }>('IDENTIFY_SYSTEM');
    replica.query(`START_REPLICATION PHYSICAL ${rows[0]?.xlogpos}`).catch(() => undefined);
    await expect.poll(look).toMatchObject({ unused: [], notes: [expect.stringContaining('1 replicas')] });
    (replica as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  });
});

describe.skipIf(!startable.mariadb)('advice on a MariaDB of its own (needs its programs: npm run services)', () => {
  let server: OwnServer;
  let database: Database;
  beforeAll(async () => {
    server = await startMariadb(['--performance-schema=ON', '--log-bin=log', '--server-id=1']);
    const connection = await createConnection({ host: '127.0.0.1', port: server.port, user: 'root' });
    await connection.query('create database own');
    await connection.end();
    database = databaseFromUrl(`mysql://root@127.0.0.1:${server.port}/own`);
  }, 120_000);
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  it('counts the use of indexes, and knows those that foreign keys need', async () => {
    const { sql } = await import('kysely');
    const run = (statement: string) => sql.raw(statement).execute(database.kysely);
    await run('create table owner (id int primary key)');
    await run(`create table item (id int primary key, owner_id int, a int, b int, key used (a), key unused (b),
      foreign key fk (owner_id) references owner (id))`);
    await run('insert into item values (1, null, 1, 1), (2, null, 2, 2)');
    await run('select * from item force index (used) where a = 1');
    const unused = async (asOf: number) =>
      (await adviseOn(database, {}, asOf)).findings
        .filter((it) => it.kind === 'unused_index')
        .map(({ object }) => object);
    expect(await unused(Date.now())).toEqual([]);
    const { indexFacts } = await import('../../src/databases/mysql/advice/indexes.js');
    const { judgeIndexes } = await import('../../src/databases/index-rules.js');
    const facts = await indexFacts(database.kysely, ['item', 'owner']);
    const judged = judgeIndexes(facts, { since: 0, doubt: null }, Date.now()).map(({ id }) => id);
    expect(judged).toEqual(['unused_index:item.unused']);
  });

  it('judges no use of indexes while replicas are attached, which count their own', async () => {
    const notes = async () => (await adviseOn(database)).notes;
    expect(await notes()).toEqual([]);
    // Whoever follows the log is taken for a replica.
    const follow = ['--read-from-remote-server', '--stop-never', '--stop-never-slave-server-id=2', 'log.000001'];
    const at = ['--no-defaults', '--host=127.0.0.1', `--port=${server.port}`, '--user=root'];
    const replica = spawn('mariadb-binlog', [...at, ...follow], { stdio: 'ignore' });
    const ended = once(replica, 'exit');
    await expect
      .poll(notes, { timeout: 30_000 })
      .toEqual([expect.stringMatching(/Unused indexes are not judged: 1 replicas are attached/)]);
    replica.kill();
    await ended;
  });

  it('says which queries took most time, without their values', async () => {
    const { sql } = await import('kysely');
    await sql`select sleep(0.05), 'a secret'`.execute(database.kysely);
    const { available, queries } = await upkeepOf(database).slowQueries(20);
    expect(available).toBe(true);
    expect(queries.find(({ query }) => /sleep/i.test(query))?.meanMs).toBeGreaterThan(49);
    expect(queries.map(({ totalMs }) => totalMs)).toEqual(queries.map(({ totalMs }) => totalMs).sort((a, b) => b - a));
    expect(JSON.stringify(queries)).not.toContain('secret');
  });

  it('says what a user lacks to see the slow queries', async () => {
    const user = await restrictedUser(database, `mysql://root@127.0.0.1:${server.port}/own`);
    await user.grant('select on own.*');
    expect(await upkeepOf(user.database).slowQueries(20)).toEqual({
      available: false,
      reason:
        'performance_schema may not be read by this user (missing: GRANT SELECT ON performance_schema.events_statements_summary_by_digest)',
      queries: [],
    });
    await user.drop();
  });
});
