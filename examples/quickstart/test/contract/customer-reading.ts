import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventsUntil, invalidPaths } from './client.js';
import { active, mailed, registered } from './customer-lifecycle.js';
import { provisioned } from './services.js';
import type { ContractSubject } from './subject.js';

const customers = '/customer-lifecycle/customers';

/** Finding customers, and what happened to them. */
export const customerReading: Suite<ContractSubject> = {
  name: 'reading of customers',
  cases: [
    {
      name: 'lists and searches customers, a page at a time',
      async run(subject) {
        const { client, stranger } = subject;
        const id = await active(subject, { external_id: 'user-7' });
        const other = await registered(client, { username: 'neon', email: 'neon@example.com', last_name: 'Light' });
        const ids = async (query: string) =>
          assertStatus(await client.get(`${customers}?${query}`), 200).body.items.map((it: { id: string }) => it.id);
        assert.deepEqual(await ids(''), [other, id]);
        assert.deepEqual(await ids('stage=active'), [id]);
        assert.deepEqual(await ids('search=NEO'), [id, other]);
        assert.deepEqual(await ids('search=light'), [other]);
        assert.deepEqual(await ids('external_id=user-7'), [id]);
        assert.deepEqual(await ids('user_type=business'), []);
        assert.deepEqual(await ids('updated_from=2000-01-01T00:00:00Z&order=asc&created_to=2100-01-01T00:00:00Z'), [
          id,
          other,
        ]);
        assertStatus(await client.post(`${customers}/${id}/suspend`, { action_type: 'non_payment' }), 200);
        const { body } = assertStatus(await client.get(`${customers}?reason=non_payment`), 200);
        assert.deepEqual(body.items[0].open_reasons, ['non_payment']);
        assert.equal(body.items[0].lifecycle_stage, 'suspended');
        const first = assertStatus(await client.get(`${customers}?limit=1`), 200).body;
        assert.deepEqual(await ids(`limit=1&cursor=${first.next_cursor}`), [id]);
        const refused = await client.get(`${customers}?stage=odd&cursor=x&limit=0`);
        assertProblem(refused, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(refused), ['limit', 'stage']);
        assertProblem(await client.get(`${customers}?cursor=x`), 422, 'INVALID_INPUT');
        assert.deepEqual(assertStatus(await stranger.get(`${customers}?search=neo`), 200).body.items, []);
      },
    },
    {
      name: 'shows all that is kept of a customer, and what it was changed to',
      async run(subject) {
        const { client, stranger } = subject;
        const id = await active(subject, {
          external_id: 'user-7',
          referral_code: 'friend',
          attributes: { planName: 'gold' },
        });
        const changed = { marketing_consent: true, attributes: { 'fibre.port': 7 } };
        assertStatus(await client.call('PATCH', `${customers}/${id}`, changed), 200);
        const said = { action_type: 'abuse', reason: 'Scanned ports', parameters: { caseNo: 17 } };
        assertStatus(await client.post(`${customers}/${id}/suspend`, said), 200);
        const { body } = assertStatus(await client.get(`${customers}/${id}/record`), 200);
        assert.equal(body.username, 'neo');
        assert.deepEqual([body.external_id, body.referral_code, body.marketing_consent], ['user-7', 'friend', true]);
        assert.deepEqual([body.status, body.lifecycle_stage], ['suspended', 'suspended']);
        assert.deepEqual(body.attributes, { planName: 'gold', 'fibre.port': 7 });
        assert.deepEqual(body.onboarding_data, { router: 'ax' });
        assertInstants(body, 'terms_accepted_at', 'email_verified_at', 'created_at', 'updated_at');
        assertInstants(body.blocks[0], 'opened_at');
        const { opened_at: _, opened_by: __, ...block } = body.blocks[0];
        assert.deepEqual(block, {
          reason: 'abuse',
          severity: 'suspend',
          promised_until: null,
          note: 'Scanned ports',
          parameters: { caseNo: 17 },
        });
        assert.doesNotMatch(JSON.stringify(body), /token|tenant/);
        assertProblem(await stranger.get(`${customers}/${id}/record`), 404, 'CUSTOMER_NOT_FOUND');
      },
    },
    {
      name: 'verifies by a link: a page asks, its button consumes',
      async run(subject) {
        const { client, anonymous } = subject;
        const id = await registered(client);
        const link = await mailed(subject, id, 'email', 'path');
        const stage = async () => (await client.get(`${customers}/${id}`)).body.lifecycle_stage;
        for (let opened = 0; opened < 2; opened++) {
          const page = assertStatus(await anonymous.get(link), 200);
          assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
          assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'self'/);
          assert.equal(page.headers.get('cache-control'), 'no-store');
          assert.match(page.body, /<form method="post">/);
        }
        assert.equal(await stage(), 'registration');
        const press = () => anonymous.call('POST', link, '', { 'content-type': 'application/x-www-form-urlencoded' });
        const done = assertStatus(await press(), 200);
        assert.equal(await stage(), 'verification');
        assert.notEqual(assertStatus(await press(), 200).body, done.body);
        assertStatus(await anonymous.get('/customer-lifecycle/verify?token=nonsense'), 200);
      },
    },
    {
      name: 'sends a token to an address, and answers alike for every address',
      async run({ client }) {
        await registered(client);
        const ask = (email: string) => client.post('/customer-lifecycle/verification', { email });
        const known = assertStatus(await ask('neo@example.com'), 202);
        assert.deepEqual(assertStatus(await ask('nobody@example.com'), 202).body, known.body);
        assertProblem(await ask('nobody'), 422, 'INVALID_INPUT');
      },
    },
    {
      name: 'lists what could not be delivered, and knows which hooks there are',
      async run({ client }) {
        const parked = await client.get('/customer-lifecycle/parked-deliveries');
        assert.deepEqual(assertStatus(parked, 200).body, { items: [], next_cursor: null });
        const id = await registered(client);
        const replay = (hook: string) => client.post(`${customers}/${id}/replay`, { hook });
        assertProblem(await replay('customer.suspend'), 409, 'HOOK_NOT_FOUND');
        assertProblem(await replay('customer.odd'), 422, 'INVALID_INPUT');
      },
    },
    {
      name: 'links a customer to a user of the host',
      async run({ client }) {
        const id = await registered(client);
        const other = await registered(client, { username: 'b', email: 'b@example.com', external_id: 'user-1' });
        const link = (external_id: string | null, of = id) => client.post(`${customers}/${of}/link`, { external_id });
        assertProblem(await link('user-1'), 409, 'CUSTOMER_EXISTS');
        assert.equal(assertStatus(await link(null, other), 200).body.external_id, null);
        assert.equal(assertStatus(await link('user-1'), 200).body.external_id, 'user-1');
      },
    },
    {
      name: 'reads the feed of all customers, the history of one, and what it was',
      async run(subject) {
        const { client, stranger } = subject;
        // Instants are told to the millisecond: what is registered in the same one is there at it.
        const before = new Date(Date.now() - 1).toISOString();
        const id = await active(subject);
        const page = assertStatus(await client.get('/customer-lifecycle/feed?limit=3'), 200).body;
        assert.deepEqual(
          page.items.map((it: { customer_id: string; seq: number }) => [it.customer_id, it.seq]),
          [1, 2, 3].map((seq) => [id, seq]),
        );
        assert.equal(page.has_more, true);
        const rest = assertStatus(await client.get(`/customer-lifecycle/feed?cursor=${page.next_cursor}`), 200).body;
        assert.deepEqual([rest.items.length, rest.has_more], [1, false]);
        assert.equal(rest.items[0].event_type, 'customer.activated');
        const typed = await client.get('/customer-lifecycle/feed?types=customer.verified,customer.registered');
        assert.equal(assertStatus(typed, 200).body.items.length, 2);
        assertProblem(await client.get('/customer-lifecycle/feed?types=odd'), 422, 'INVALID_INPUT');
        assert.deepEqual(assertStatus(await stranger.get('/customer-lifecycle/feed'), 200).body.items, []);
        const history = assertStatus(await client.get(`${customers}/${id}/events?limit=2`), 200).body;
        assert.deepEqual(
          history.items.map((it: { seq: number }) => it.seq),
          [4, 3],
        );
        const older = assertStatus(
          await client.get(`${customers}/${id}/events?cursor=${history.next_cursor}`),
          200,
        ).body;
        assert.deepEqual(
          older.items.map((it: { seq: number }) => it.seq),
          [2, 1],
        );
        const state = assertStatus(await client.get(`${customers}/${id}/state`), 200).body;
        assert.deepEqual([state.lifecycle_stage, state.seq], ['active', 4]);
        assertProblem(await client.get(`${customers}/${id}/state?at=${before}`), 404, 'CUSTOMER_NOT_FOUND');
      },
    },
    {
      name: 'reckons figures, and checks every customer against its history',
      async run(subject) {
        const { client } = subject;
        await active(subject);
        const { body } = assertStatus(await client.get('/customer-lifecycle/figures'), 200);
        assert.equal(body.funnel.active, 1);
        assert.equal(body.churn.at(-1).gained, 1);
        assert.equal(body.cohorts.length, 12);
        const refused = await client.get('/customer-lifecycle/figures?from=1990-01-01T00:00:00Z');
        assertProblem(refused, 422, 'INVALID_INPUT');
        const check = await client.stream(
          'POST',
          '/customer-lifecycle/consistency-check?repair_search=true&repair_services=true',
        );
        const lines = (await check.text()).trim().split('\n');
        assert.deepEqual(
          lines.map((line) => JSON.parse(line)),
          [{ kind: 'done', checked: 1, differing: 0, customer_id: null, differences: [] }],
        );
      },
    },
    {
      name: 'follows the steps of a run until it is over',
      async run(subject) {
        const { client } = subject;
        const { id } = await provisioned(subject, await active(subject));
        const following = await client.stream('GET', `/customer-lifecycle/provisioning/${id}/events`);
        const [ended] = await eventsUntil(following, 'ended');
        assert.equal(JSON.parse(ended?.data ?? '').run.run_status, 'completed');
      },
    },
    {
      name: 'follows what happens to customers, and goes on where it left off',
      async run({ client }) {
        const path = '/customer-lifecycle/events?types=customer.registered';
        const following = await client.stream('GET', path);
        assert.equal(following.status, 200);
        // It begins with what happens once it is read, and nobody is told when that is: one after another, until one is told of.
        let isTold = false;
        const events = eventsUntil(following, 'customer.registered').finally(() => (isTold = true));
        const ids: string[] = [];
        for (let number = 0; !isTold; number++) {
          ids.push(await registered(client, { username: `a${number}`, email: `a${number}@example.com` }));
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        const [first] = await events;
        const id: string = JSON.parse(first?.data ?? '').customer_id;
        assert.ok(ids.includes(id), 'it is none of them');
        await registered(client, { username: 'b', email: 'b@example.com' });
        const again = await client.stream('GET', path, { headers: { 'last-event-id': first?.id ?? '' } });
        const [next] = await eventsUntil(again, 'customer.registered');
        assert.notEqual(JSON.parse(next?.data ?? '').customer_id, id);
        const lost = await client.stream('GET', path, { headers: { 'last-event-id': 'long-gone' } });
        assert.equal((await eventsUntil(lost, 'reset'))[0]?.event, 'reset');
      },
    },
  ],
};
