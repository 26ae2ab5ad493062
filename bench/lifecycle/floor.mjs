// A transition with nothing round it: five statements by hand in one transaction, first on small tables of their own, then
// on the very tables of the lifecycle, with all of their columns and indexes. Argument: the database's URL.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { kyselyLifecycleStore } from '@dotmac/lifecycle';
import { atOnce, lanes, poolSize } from './measure.mjs';

const [url, isSmall] = process.argv.slice(2);
const people = isSmall ? 100 : 1_000;
const count = isSmall ? 400 : 4_000;
const data = { from: 'active', to: 'suspended', reason: 'late', note: null, parameters: {}, openReasons: ['late'] };
const blocks = JSON.stringify([
  { reason: 'late', severity: 'suspend', note: null, parameters: {}, openedAt: Date.now() },
]);
const at = () => Date.now();
const tenant = 'floor';
const lane = () => crypto.randomUUID().replaceAll('-', '').padEnd(64, '0');
const stored = (id) =>
  JSON.stringify({
    id: crypto.randomUUID(),
    name: 'customer.suspended',
    at: at(),
    tenantId: tenant,
    actor: 'bench',
    subject: id,
    data,
  });

/** What is read, swapped and added; `?` for a value. Each gives its values for a customer at a version. */
const layouts = {
  own: {
    add: ['insert into floor_customers values (?, 1, ?, ?)', (id) => [id, 'active', blocks]],
    read: ['select * from floor_customers where id = ?', (id) => [id]],
    swap: [
      'update floor_customers set version = ?, stage = ?, body = ? where id = ? and version = ?',
      (id, version) => [version + 1, 'suspended', blocks, id, version],
    ],
    event: [
      'insert into floor_events values (?, ?, ?, ?, ?)',
      (id, version) => [id, version + 1, 'customer.suspended', at(), JSON.stringify(data)],
    ],
    outbox: ['insert into floor_outbox values (?, ?, ?)', (id) => [crypto.randomUUID(), 'lifecycle', stored(id)]],
  },
  same: {
    add: [
      `insert into dotmac_customers (tenant_id, id, version, stage, approval, username, username_key, email, email_key,
        first_name, last_name, user_type, registration_source, terms_accepted_at, marketing_consent, attributes,
        onboarding_data, blocks, created_at, updated_at)
       values (?, ?, 1, 'active', 'not_required', ?, ?, ?, ?, 'A', 'B', 'residential', 'web', 0, 0, '{}', '{}', '[]', 0, 0)`,
      (id) => [tenant, id, id, `${id}u`, `${id}@example.com`, `${id}e`],
    ],
    read: ['select * from dotmac_customers where tenant_id = ? and id = ?', (id) => [tenant, id]],
    swap: [
      `update dotmac_customers set version = ?, stage = ?, blocks = ?, updated_at = ?
       where tenant_id = ? and id = ? and version = ?`,
      (id, version) => [version + 1, version % 2 ? 'suspended' : 'active', blocks, at(), tenant, id, version],
    ],
    event: [
      `insert into dotmac_customer_events (tenant_id, customer_id, seq, id, name, entered_stage, actor, at, data)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      (id, version) => {
        const event = [crypto.randomUUID(), 'customer.suspended', 'suspended', 'bench', at(), JSON.stringify(data)];
        return [tenant, id, version + 1, ...event];
      },
    ],
    outbox: [
      `insert into dotmac_outbox (delivery_id, queue, subscriber, lane, tenant_id, event, available_at)
       values (?, ?, ?, ?, ?, ?, ?)`,
      (id) => [crypto.randomUUID(), 'lifecycle', 'ledger', lane(), tenant, stored(id), at()],
    ],
  },
};
const small = [
  'create table floor_customers (id varchar(36) primary key, version int not null, stage varchar(64) not null, body text)',
  'create table floor_events (customer_id varchar(36) not null, seq int not null, name text, at bigint, data text, primary key (customer_id, seq))',
  'create table floor_outbox (id varchar(36) primary key, topic text, data text)',
];
const ids = Array.from({ length: people }, () => crypto.randomUUID());

/** Both ways, each warmed up by as many as there are people. */
async function measured(prepare) {
  const rates = {};
  for (const [name, layout] of Object.entries(layouts)) {
    const transition = await prepare(layout);
    await atOnce(people, lanes, (index) => transition(ids[index]));
    rates[name] = (await atOnce(count, lanes, (index) => transition(ids[index % people]))).perSecond;
  }
  return rates;
}

async function postgres() {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url, max: poolSize });
  for (const table of small) await pool.query(table);
  const numbered = (text) => {
    let number = 0;
    return text.replaceAll('?', () => `$${++number}`);
  };
  const rates = await measured(async (layout) => {
    const run = (on, [text, values], ...given) => on.query(numbered(text), values(...given));
    for (const id of ids) await run(pool, layout.add, id);
    const [readText, readValues] = layout.read;
    return async (id) => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        const { rows } = await client.query(numbered(`${readText} for update`), readValues(id));
        for (const part of ['swap', 'event', 'outbox']) await run(client, layout[part], id, rows[0].version);
        await client.query('commit');
      } finally {
        client.release();
      }
    };
  });
  await pool.end();
  return rates;
}

async function sqlite() {
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(url.replace('sqlite:', ''));
  db.pragma('journal_mode = WAL');
  // As the lifecycle has it.
  db.pragma('synchronous = NORMAL');
  for (const table of small) db.exec(table);
  const rates = await measured((layout) => {
    const [add, read, swap, event, outbox] = ['add', 'read', 'swap', 'event', 'outbox'].map((part) => {
      const [text, values] = layout[part];
      return { statement: db.prepare(text), values };
    });
    const [begin, commit] = [db.prepare('begin immediate'), db.prepare('commit')];
    for (const id of ids) add.statement.run(add.values(id));
    return async (id) => {
      begin.run();
      const { version } = read.statement.get(read.values(id));
      for (const { statement, values } of [swap, event, outbox]) statement.run(values(id, version));
      commit.run();
    };
  });
  db.close();
  return rates;
}

const database = databaseFromUrl(url);
await kyselyLifecycleStore(database).migrate();
await database.close();
console.log(JSON.stringify(await (url.startsWith('sqlite') ? sqlite() : postgres())));
