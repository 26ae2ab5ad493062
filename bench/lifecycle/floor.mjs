// A transition with nothing round it: five statements by hand in one transaction. Argument: the database's URL.
import { atOnce } from './measure.mjs';

const [url, isSmall] = process.argv.slice(2);
const count = isSmall ? 400 : 4_000;
const people = 1_000;
const tables = [
  'create table floor_customers (id varchar(36) primary key, version int not null, stage varchar(64) not null, body text)',
  'create table floor_events (customer_id varchar(36) not null, seq int not null, name text, at bigint, data text, primary key (customer_id, seq))',
  'create table floor_outbox (id varchar(36) primary key, topic text, data text)',
];
const data = JSON.stringify({ from: 'active', to: 'suspended', reason: 'late', note: null, openReasons: ['late'] });

async function postgres() {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url, max: 16 });
  for (const table of tables) await pool.query(table);
  for (let id = 0; id < people; id++)
    await pool.query('insert into floor_customers values ($1, 1, $2, $3)', [String(id), 'active', data]);
  const transition = async (index) => {
    const id = String(index % people);
    const client = await pool.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query('select * from floor_customers where id = $1 for update', [id]);
      const version = rows[0].version + 1;
      await client.query('update floor_customers set version = $2, stage = $3, body = $4 where id = $1', [
        id,
        version,
        'suspended',
        data,
      ]);
      await client.query('insert into floor_events values ($1, $2, $3, $4, $5)', [
        id,
        version,
        'customer.suspended',
        Date.now(),
        data,
      ]);
      await client.query('insert into floor_outbox values ($1, $2, $3)', [crypto.randomUUID(), 'lifecycle', data]);
      await client.query('commit');
    } finally {
      client.release();
    }
  };
  const { perSecond } = await atOnce(count, 16, transition);
  await pool.end();
  return perSecond;
}

async function sqlite() {
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(url.replace('sqlite:', ''));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  for (const table of tables) db.exec(table);
  const add = db.prepare('insert into floor_customers values (?, 1, ?, ?)');
  for (let id = 0; id < people; id++) add.run(String(id), 'active', data);
  const read = db.prepare('select * from floor_customers where id = ?');
  const update = db.prepare('update floor_customers set version = ?, stage = ?, body = ? where id = ?');
  const event = db.prepare('insert into floor_events values (?, ?, ?, ?, ?)');
  const outbox = db.prepare('insert into floor_outbox values (?, ?, ?)');
  const { perSecond } = await atOnce(count, 16, async (index) => {
    const id = String(index % people);
    db.exec('begin immediate');
    const version = read.get(id).version + 1;
    update.run(version, 'suspended', data, id);
    event.run(id, version, 'customer.suspended', Date.now(), data);
    outbox.run(crypto.randomUUID(), 'lifecycle', data);
    db.exec('commit');
  });
  db.close();
  return perSecond;
}

console.log(JSON.stringify({ transitions: await (url.startsWith('sqlite') ? sqlite() : postgres()) }));
