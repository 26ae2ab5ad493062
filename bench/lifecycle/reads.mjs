// What reading costs among 1,000,000 customers: the first page of every filter and order. Prints milliseconds as JSON.
// Arguments: the URL of an empty PostgreSQL database; `small` for 20,000 customers.
import { postgres } from '@dotmac/core/kysely';
import { createLifecycle, kyselyLifecycleStore } from '@dotmac/lifecycle';
import pg from 'pg';

const [, , url, size] = process.argv;
const total = size === 'small' ? 20_000 : 1_000_000;
const rounds = size === 'small' ? 5 : 31;
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const database = postgres(url, { queryTimeoutMs: 1_200_000 });
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(database),
  searchableAttributes: ['plan'],
  waker: { start: async () => undefined, stop: async () => undefined, wake: () => undefined },
});
await lifecycle.start();
const loader = new pg.Client({ connectionString: url });
await loader.connect();

/**
 * Every stage and type, from common to rare; one customer in 50 suspended, one in 10,000 for abuse. `n` is the customer's
 * number; times are spread over three years.
 */
const started = performance.now();
await loader.query(`
  insert into dotmac_customers (tenant_id, id, version, stage, approval, external_id, username, username_key, email,
    email_key, first_name, last_name, user_type, phone, registration_source, terms_accepted_at, marketing_consent,
    attributes, onboarding_data, blocks, email_verified_at, created_at, updated_at)
  select 'bench', '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 4,
    case when n % 10000 = 0 then 'deleted' when n % 1000 = 0 then 'churning' when n % 50 = 0 then 'suspended'
         when n % 10 = 1 then 'registration' else 'active' end,
    'not_required', 'user-' || n, 'user' || n, encode(sha256(('user' || n)::bytea), 'hex'),
    'user' || n || '@example.com', encode(sha256(('user' || n || '@example.com')::bytea), 'hex'),
    (array['Ann','Ben','Cleo','Dan','Eve','Finn','Gil','Hana'])[n % 8 + 1], 'Name' || n % 5000,
    case when n % 100 = 0 then 'business' else 'residential' end, null, 'api', 1, 0,
    case when n % 1000 = 0 then '{"plan":"gold"}' else '{"plan":"basic"}' end, '{}',
    case when n % 10000 = 50 then '[{"reason":"abuse","note":null,"parameters":{},"openedAt":1,"openedBy":"x"}]'
         when n % 50 = 0 then '[{"reason":"non_payment","note":null,"parameters":{},"openedAt":1,"openedBy":"x"}]'
         else '[]' end, 1,
    1700000000000 + n::bigint * 90000, 1700000000000 + ((n::bigint * 7919) % ${total}) * 90000 + 1
  from generate_series(1, ${total}) n`);
await loader.query(`
  insert into dotmac_customer_terms (tenant_id, kind, term, created_at, customer_id)
  select distinct c.tenant_id, t.kind, t.term, c.created_at, c.id from dotmac_customers c
  cross join lateral (values ('name', lower(c.username)), ('name', lower(c.email)),
    ('name', lower(c.first_name || ' ' || c.last_name)), ('name', lower(c.last_name)),
    ('attribute', 'plan:' || (c.attributes::json ->> 'plan')), ('reason', c.blocks::json -> 0 ->> 'reason')) t (kind, term)
  where t.term is not null`);
await loader.query(`
  insert into dotmac_customer_events (tenant_id, customer_id, seq, id, name, entered_stage, actor, at, data)
  select tenant_id, id, s, s || substr(id, 2),
    (array['customer.registered', 'customer.verified', 'customer.onboarding_started', 'customer.activated'])[s],
    (array['registration', 'verification', 'onboarding', 'active'])[s], 'user:1', created_at + s,
    (array['{"to":"registration","requiresApproval":false,"registrationSource":"api","referralCode":null}',
      '{"from":"registration","to":"verification","channel":"email","additionalData":{}}',
      '{"from":"verification","to":"onboarding"}', '{"from":"onboarding","to":"active"}'])[s]
  from dotmac_customers, generate_series(1, 4) s`);
await loader.query(`vacuum analyze`);
const loadedInMs = performance.now() - started;

const { customers, feed } = lifecycle.scope({ tenantId: 'bench' });
const [first, last] = [1_700_000_000_000, 1_700_000_000_000 + total * 90_000];
const lists = {
  all: {},
  'all, oldest first': { order: 'asc' },
  'all, by change': { sort: 'updated' },
  'stage, common': { stage: 'active' },
  'stage, rare': { stage: 'churning' },
  'stage, none': { stage: 'onboarding' },
  'type, common': { userType: 'residential' },
  'type, rare': { userType: 'business' },
  'reason, common': { reason: 'non_payment' },
  'reason, rare': { reason: 'abuse' },
  'reason, none': { reason: 'never' },
  'attribute, common': { attribute: 'plan:basic' },
  'attribute, rare': { attribute: 'plan:gold' },
  'external id': { externalId: `user-${total - 1}` },
  'created in a month': { createdFrom: first + 5e9, createdTo: first + 7.6e9 },
  'created since': { createdFrom: last - 1e9 },
  'changed in a month': { updatedFrom: first + 5e9, updatedTo: first + 7.6e9 },
  'search, everybody': { search: 'user' },
  'search, a name': { search: 'name49' },
  'search, one': { search: `user${total - 7}@` },
  'search, none': { search: 'xyz' },
  'stage and type': { stage: 'suspended', userType: 'business' },
  'stage and reason': { stage: 'suspended', reason: 'abuse' },
  'stage and search': { stage: 'churning', search: 'ann name1' },
  'stage, by change': { stage: 'churning', sort: 'updated' },
  'reason and search': { reason: 'non_payment', search: 'user' },
  'reason, by change': { reason: 'non_payment', sort: 'updated' },
  'stage and type, nobody, by change': { stage: 'registration', userType: 'business', sort: 'updated' },
  // Two conditions that a tenth of all meet, and nobody meets both.
  'stage and search, nobody': { stage: 'registration', search: 'ann' },
};
const figures = { customers: total, loadedInMs: Math.round(loadedInMs) };
const timed = async (work) => {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return { p50: Number(median(times).toFixed(2)), worst: Number(times.at(-1).toFixed(2)) };
};
figures.pages = {};
for (const [name, draft] of Object.entries(lists)) figures.pages[name] = await timed(() => customers.list(draft));
/** Where the first page ended before it was full: how many it takes until as many are found, or nobody is left, and ms. */
figures.untilFull = {};
for (const [name, draft] of Object.entries(lists)) {
  const before = performance.now();
  let [pages, found, cursor] = [0, 0, undefined];
  do {
    const page = await customers.list({ ...draft, cursor });
    pages++;
    found += page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== null && found < 50);
  if (pages > 1) figures.untilFull[name] = { pages, ms: Math.round(performance.now() - before) };
}
const { items } = await customers.list({});
figures.pages['history of one'] = await timed(() => feed.history(items[0].id));
figures.pages['the feed, from its beginning'] = await timed(() => feed.read());
const slowestBy = (share) => {
  const [name, times] = Object.entries(figures.pages).sort((a, b) => b[1][share] - a[1][share])[0];
  return { name, ms: times[share] };
};
figures.slowest = slowestBy('p50');
figures.worst = { ...slowestBy('worst'), reads: rounds * Object.keys(figures.pages).length };
await lifecycle.stop();
await loader.end();
await database.close();
console.log(JSON.stringify(figures));
