// The same table on three databases: made once, copied anew for each measurement, and deleted from by hand.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import pg from 'pg';

const postgresUrl = process.env.POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/test';
const mysqlUrl = process.env.MYSQL_URL ?? 'mysql://root@127.0.0.1:3306/test';
const unique = () => `bench_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
/** One row a second, the younger half within the last days. */
const cutoff = Math.floor(Date.now() / 1000) * 1000 - 40 * 86_400_000;
/** The cutoff falls half a second after the last row that goes: a run reckons it anew from days. */
const bornAt = (rows) => cutoff - (rows / 2) * 1000 - 500;
const windowRows = 10_000;

const indexes = [
  'create index events_created on events (created_at)',
  'create index events_customer on events (customer, created_at)',
];

export const postgres = {
  title: 'PostgreSQL',
  isPaceable: true,
  async open(rows) {
    const name = unique();
    const admin = new pg.Client({ connectionString: postgresUrl });
    await admin.connect();
    await admin.query(`create database ${name}`);
    const url = new URL(postgresUrl);
    url.pathname = `/${name}`;
    const client = new pg.Client({ connectionString: String(url) });
    await client.connect();
    await client.query(
      `create table base as select i::bigint as id, ${bornAt(rows)} + i * 1000 as created_at, (i % 9973)::bigint as customer, repeat('x', 150) as payload from generate_series(1, ${rows}::bigint) i`,
    );
    await client.query(
      'create table accounts as select i::bigint as id, 0::bigint as balance from generate_series(1, 10000) i',
    );
    await client.query('alter table accounts add primary key (id)');
    return {
      url: String(url),
      cutoff,
      async fresh() {
        await client.query('drop table if exists events');
        await client.query('create table events as select * from base');
        await client.query('alter table events add primary key (id)');
        for (const index of indexes) await client.query(index);
        await client.query('vacuum analyze events');
        await client.query('checkpoint');
      },
      /** Windows of as many rows, each followed by a rest of `rest` times what it took, of `leastRestMs` at least. */
      async floor({ rows: window = windowRows, rest = 0, leastRestMs = 0 } = {}) {
        await client.query(`do $$
          declare lo bigint := 0; most bigint; begun timestamptz;
          begin
            select max(id) into most from events where created_at < ${cutoff};
            while lo < most loop
              begun := clock_timestamp();
              delete from events where id > lo and id <= lo + ${window} and created_at < ${cutoff};
              commit;
              perform pg_sleep(greatest(${leastRestMs / 1000}, ${rest} * extract(epoch from clock_timestamp() - begun)));
              commit;
              lo := lo + ${window};
            end loop;
          end $$`);
        const { rows: left } = await client.query('select count(*)::int as n from events');
        return { deleted: rows - left[0].n };
      },
      async drop() {
        await client.end();
        await admin.query(`drop database ${name} with (force)`);
        await admin.end();
      },
    };
  },
};

async function ptArchiver({ hostname, port, username, password }, database, more) {
  const source = `h=${hostname},P=${port || 3306},D=${database},t=events,u=${username}${password ? `,p=${password}` : ''}`;
  const words = [
    '--source',
    source,
    '--purge',
    '--where',
    `created_at < ${cutoff}`,
    '--no-check-charset',
    '--run-time',
    '60s',
  ];
  const child = spawn('pt-archiver', [...words, ...more.map(String)], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`pt-archiver ended with ${code}`);
}

export const mariadb = {
  title: 'MariaDB',
  async open(rows) {
    const name = unique();
    const url = new URL(mysqlUrl);
    const client = await mysql.createConnection(mysqlUrl);
    await client.query(`create database ${name}`);
    await client.query(`use ${name}`);
    url.pathname = `/${name}`;
    await client.query(
      'create table base (id bigint primary key, created_at bigint, customer bigint, payload varchar(200))',
    );
    const step = 100_000;
    for (let from = 1; from <= rows; from += step)
      await client.query(
        `insert into base select seq, ${bornAt(rows)} + seq * 1000, seq % 9973, repeat('x', 150) from seq_${from}_to_${Math.min(rows, from + step - 1)}`,
      );
    await client.query('create table accounts (id bigint primary key, balance bigint)');
    await client.query('insert into accounts select seq, 0 from seq_1_to_10000');
    const left = async () => {
      const [[{ n }]] = await client.query('select count(*) as n from events');
      return { deleted: rows - Number(n) };
    };
    const has = spawnSync('pt-archiver', ['--version']).status === 0;
    return {
      url: String(url),
      cutoff,
      async fresh() {
        await client.query('drop table if exists events');
        await client.query(
          'create table events (id bigint primary key, created_at bigint, customer bigint, payload varchar(200))',
        );
        for (let from = 1; from <= rows; from += step)
          await client.query(`insert into events select * from base where id between ${from} and ${from + step - 1}`);
        for (const index of indexes) await client.query(index);
        await client.query('analyze table events');
      },
      async floor() {
        for (let lo = 0; lo < rows / 2; lo += windowRows)
          await client.query(
            `delete from events where id > ${lo} and id <= ${lo + windowRows} and created_at < ${cutoff}`,
          );
        return left();
      },
      /** Batches of as many rows as ours had; for a minute at most, which a row a statement needs. */
      ...(has && {
        others: {
          'pt-archiver, same batches': (limit) =>
            ptArchiver(url, name, ['--limit', limit, '--txn-size', limit]).then(left),
          'pt-archiver --bulk-delete, same batches': (limit) =>
            ptArchiver(url, name, ['--limit', limit, '--commit-each', '--bulk-delete']).then(left),
        },
      }),
      async drop() {
        await client.query(`drop database ${name}`);
        await client.end();
      },
    };
  },
};

export const sqlite = {
  title: 'SQLite',
  open(rows) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    const file = join(folder, 'bench.db');
    const create = (db) => {
      db.pragma('journal_mode = wal');
      db.pragma('synchronous = normal');
    };
    const base = new Sqlite(join(folder, 'base.db'));
    create(base);
    base.exec(`create table base as with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
      select i as id, ${bornAt(rows)} + i * 1000 as created_at, i % 9973 as customer, hex(zeroblob(75)) as payload from n`);
    base.close();
    return Promise.resolve({
      url: `sqlite:${file}`,
      cutoff,
      fresh() {
        for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
        const db = new Sqlite(file);
        create(db);
        db.exec(`attach '${join(folder, 'base.db')}' as made`);
        db.exec('create table events (id integer primary key, created_at integer, customer integer, payload text)');
        db.exec('insert into events select * from made.base order by id');
        for (const index of indexes) db.exec(index);
        db.exec('create table accounts (id integer primary key, balance integer)');
        db.exec(
          'insert into accounts with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) select i, 0 from n',
        );
        db.exec('detach made');
        db.pragma('wal_checkpoint(truncate)');
        db.close();
        return Promise.resolve();
      },
      floor() {
        const db = new Sqlite(file);
        create(db);
        const statement = db.prepare('delete from events where id > ? and id <= ? and created_at < ?');
        let deleted = 0;
        for (let lo = 0; lo < rows / 2; lo += 5_000) deleted += statement.run(lo, lo + 5_000, cutoff).changes;
        db.close();
        return Promise.resolve({ deleted });
      },
      drop() {
        rmSync(folder, { recursive: true, force: true });
        return Promise.resolve();
      },
    });
  },
};
