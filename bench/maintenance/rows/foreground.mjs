// An application: a read and an update of accounts in one transaction, two hundred a second, until its standard input ends.
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import pg from 'pg';

const [url] = process.argv.slice(2);
const perSecond = 200;

async function open() {
  if (url.startsWith('sqlite:')) {
    const db = new Sqlite(url.slice('sqlite:'.length), { timeout: 0 });
    db.pragma('synchronous = normal');
    const read = db.prepare('select balance from accounts where id = ?');
    const write = db.prepare('update accounts set balance = balance + 1 where id = ?');
    const begin = db.prepare('begin immediate');
    const commit = db.prepare('commit');
    // SQLite's own waiting grows to 100 ms between two looks, and would measure that.
    const begun = async () => {
      for (;;)
        try {
          return begin.run();
        } catch (error) {
          if (error.code !== 'SQLITE_BUSY') throw error;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
    };
    let last = Promise.resolve();
    return (id) =>
      (last = last.then(async () => {
        await begun();
        read.get(id);
        write.run(id);
        commit.run();
      }));
  }
  if (url.startsWith('postgres')) {
    const pool = new pg.Pool({ connectionString: url, max: 8 });
    return async (id) => {
      const client = await pool.connect();
      await client.query('begin');
      await client.query('select balance from accounts where id = $1', [id]);
      await client.query('update accounts set balance = balance + 1 where id = $1', [id]);
      await client.query('commit');
      client.release();
    };
  }
  const pool = mysql.createPool({ uri: url, connectionLimit: 8 });
  return async (id) => {
    const client = await pool.getConnection();
    await client.query('begin');
    await client.query('select balance from accounts where id = ?', [id]);
    await client.query('update accounts set balance = balance + 1 where id = ?', [id]);
    await client.query('commit');
    client.release();
  };
}

const work = await open();
for (let i = 0; i < 20; i++) await work(1 + i);
const times = [];
let over = false;
process.stdin.on('end', () => (over = true)).resume();
console.log('ready');
const startedAt = performance.now();
const under = [];
for (let index = 0; !over; index++) {
  const due = startedAt + (index * 1000) / perSecond;
  const early = due - performance.now();
  if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  // Counted from when it should have begun, for a stall counts for all that it held up; a timer may fire a moment before that.
  const from = Math.min(due, performance.now());
  under.push(Promise.resolve(work(1 + ((index * 7919) % 10_000))).then(() => times.push(performance.now() - from)));
}
await Promise.all(under);
// A pipe takes what is long bit by bit, and an exit before that would cut it off.
process.stdout.write(`${JSON.stringify(times)}\n`, () => process.exit(0));
