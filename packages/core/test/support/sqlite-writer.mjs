// Another process on the same SQLite file: adds 1 to a counter in transactions that read first, `argv[3]` times.
import Sqlite from 'better-sqlite3';

const db = new Sqlite(process.argv[2], { timeout: 10_000 });
const add = db.transaction(() => {
  const { n } = db.prepare('select n from counters').get();
  const until = process.hrtime.bigint() + 2_000_000n;
  while (process.hrtime.bigint() < until);
  db.prepare('update counters set n = ?').run(n + 1);
});
for (let done = 0; done < Number(process.argv[3]); done++) add.immediate();
db.close();
