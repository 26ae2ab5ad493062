import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually, invalidPaths, type Client } from './client.js';
import type { ContractSubject } from './subject.js';

const neo = {
  username: 'neo',
  email: 'neo@example.com',
  first_name: 'Thomas',
  last_name: 'Anderson',
  user_type: 'residential',
  attributes: { planHint: 'internet-100' },
};
const at = (id: string, action: string) => `/customer-lifecycle/customers/${id}/${action}`;

/** Registers a customer; the id. */
export async function registered(client: Client, more: object = {}): Promise<string> {
  return assertStatus(await client.post('/customer-lifecycle/register', { ...neo, ...more }), 201).body.id;
}

/** The verification token that would have been mailed. */
export async function mailed(
  { dataDirectory }: ContractSubject,
  customerId: string,
  channel = 'email',
  part: 'token' | 'path' = 'token',
): Promise<string> {
  const file = join(dataDirectory, 'outbox.ndjson');
  const find = async () => {
    // The last piece is empty, or a line that is being written.
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
    const deliveries = lines.map(
      (line) => JSON.parse(line) as { customer_id: string; channel: string; token: string; path: string },
    );
    return {
      status: 0,
      headers: new Headers(),
      body: deliveries.findLast((it) => it.customer_id === customerId && it.channel === channel),
    };
  };
  return (await eventually(find, ({ body }) => body !== undefined)).body[part];
}

/** Registers, verifies and onboards a customer; the id. */
export async function active(subject: ContractSubject, more: object = {}): Promise<string> {
  const { client } = subject;
  const id = await registered(client, more);
  const verification_token = await mailed(subject, id);
  assertStatus(await client.post(at(id, 'verify'), { verification_token, verification_type: 'email' }), 200);
  assertStatus(await client.post(at(id, 'onboard'), { onboarding_data: { router: 'ax' } }), 200);
  return id;
}

/** `/customer-lifecycle`, as the contract has it. */
export const customerLifecycle: Suite<ContractSubject> = {
  name: 'customer lifecycle',
  cases: [
    {
      name: 'registers a customer',
      async run({ client }) {
        const answer = assertStatus(await client.post('/customer-lifecycle/register', neo), 201);
        const { body } = answer;
        assert.equal(body.lifecycle_stage, 'registration');
        assert.equal(typeof body.user_id, 'string');
        assert.equal(typeof body.status, 'string');
        assert.ok(
          body.next_actions.every((it: object) => 'action' in it && 'message' in it) && body.next_actions.length > 0,
        );
        assertInstants(body, 'timestamp', 'created_at', 'updated_at');
        assert.ok((answer.headers.get('location') ?? '').endsWith(body.id));
        assertStatus(await client.get(answer.headers.get('location') ?? ''), 200);
      },
    },
    {
      name: 'refuses bad fields by name, and a second customer of one email',
      async run({ client }) {
        const wrong = await client.post('/customer-lifecycle/register', {
          ...neo,
          email: 'nowhere',
          first_name: '',
          age: 3,
        });
        assertProblem(wrong, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(wrong), ['age', 'email', 'first_name']);
        assertProblem(await client.post('/customer-lifecycle/register', { ...neo, terms_accepted: false }), 422);
        await registered(client);
        assertProblem(await client.post('/customer-lifecycle/register', { ...neo, username: 'other' }), 409);
      },
    },
    {
      name: 'replays a registration under one Idempotency-Key',
      async run({ client }) {
        const headers = { 'idempotency-key': 'signup-1' };
        const first = assertStatus(await client.post('/customer-lifecycle/register', neo, headers), 201);
        const second = assertStatus(await client.post('/customer-lifecycle/register', neo, headers), 201);
        assert.deepEqual(second.body, first.body);
        assertProblem(
          await client.post('/customer-lifecycle/register', { ...neo, last_name: 'Smith' }, headers),
          422,
          'IDEMPOTENCY_KEY_REUSED',
        );
      },
    },
    {
      name: 'gives a command once under one Idempotency-Key, whatever happened since',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const headers = { 'idempotency-key': 'late-1' };
        const suspend = (reason: string) =>
          client.post(at(id, 'suspend'), { action_type: 'non_payment', reason }, headers);
        const first = assertStatus(await suspend('late'), 200);
        assert.equal(first.headers.get('idempotency-replayed'), null);
        assertStatus(await client.post(at(id, 'reactivate'), { action_type: 'non_payment' }), 200);
        const again = assertStatus(await suspend('late'), 200);
        assert.equal(again.headers.get('idempotency-replayed'), 'true');
        assert.deepEqual(again.body, first.body);
        assert.equal(assertStatus(await client.get(`/customer-lifecycle/customers/${id}`), 200).body.status, 'active');
        assertProblem(await suspend('later'), 422, 'IDEMPOTENCY_KEY_REUSED');
      },
    },
    {
      name: 'takes a customer from registration to active',
      async run(subject) {
        const { client } = subject;
        const id = await registered(client);
        assertProblem(await client.post(at(id, 'onboard')), 409);
        const verification_token = await mailed(subject, id);
        const verified = assertStatus(
          await client.post(at(id, 'verify'), { verification_token, verification_type: 'email' }),
          200,
        );
        assert.equal(verified.body.lifecycle_stage, 'verification');
        const onboarded = assertStatus(
          await client.post(at(id, 'onboard'), { onboarding_data: { router: 'ax' } }),
          200,
        );
        assert.equal(onboarded.body.lifecycle_stage, 'active');
        const { body } = assertStatus(await client.get(at(id, 'summary')), 200);
        assert.equal(body.user_id, id);
        assert.equal(body.current_stage, 'active');
        assert.equal(typeof body.user_status, 'string');
        assertInstants(body, 'created_at', 'last_activity');
        assert.ok(body.lifecycle_events.length >= 3 && body.stage_history.length >= 3);
        assert.deepEqual(body.services, []);
      },
    },
    {
      name: 'takes a verification token once, and gives a wrong one few chances',
      async run(subject) {
        const { client } = subject;
        const id = await registered(client);
        const verification_token = await mailed(subject, id);
        const verify = (token: string) =>
          client.post(at(id, 'verify'), { verification_token: token, verification_type: 'email' });
        assertProblem(await verify('wrong-token-wrong-token'), 422);
        assertStatus(await verify(verification_token), 200);
        const again = await verify(verification_token);
        assert.ok([409, 422].includes(again.status), String(again.status));
        const locked = await registered(client, { username: 'trinity', email: 'trinity@example.com' });
        const token = await mailed(subject, locked);
        for (let attempt = 0; attempt < 10; attempt++)
          await client.post(at(locked, 'verify'), {
            verification_token: `wrong-${attempt}`,
            verification_type: 'email',
          });
        const late = await client.post(at(locked, 'verify'), { verification_token: token, verification_type: 'email' });
        assert.ok(late.status >= 400, 'the right token came after too many wrong ones');
      },
    },
    {
      name: 'suspends and reactivates',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const suspended = assertStatus(
          await client.post(at(id, 'suspend'), { action_type: 'suspend', reason: 'unpaid' }),
          200,
        );
        assert.equal(suspended.body.lifecycle_stage, 'suspended');
        assertProblem(await client.post(at(id, 'services'), { service_name: 'internet-100' }), 409);
        const back = assertStatus(await client.post(at(id, 'reactivate'), { action_type: 'reactivate' }), 200);
        assert.equal(back.body.lifecycle_stage, 'active');
        assertProblem(await client.post(at(id, 'reactivate'), { action_type: 'reactivate' }), 409);
      },
    },
    {
      name: 'provisions a service through its steps',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const answer = assertStatus(await client.post(at(id, 'services'), { service_name: 'internet-100' }), 202);
        const { body } = answer;
        assert.deepEqual([body.customer_id, body.service_name], [id, 'internet-100']);
        assertInstants(body, 'created_at');
        assert.equal(answer.headers.get('location'), `/customer-lifecycle/provisioning/${body.id}`);
        const done = await eventually(
          () => client.get(`/customer-lifecycle/provisioning/${body.request_id}`),
          (it) => it.body.status === 'active',
        );
        assertInstants(done.body, 'provisioned_at');
        assert.deepEqual(
          done.body.steps.map((it: { status: string }) => it.status),
          ['completed', 'completed', 'completed'],
        );
        const { services } = (await client.get(at(id, 'summary'))).body;
        assert.deepEqual(
          services.map((it: { service_name: string; status: string }) => [it.service_name, it.status]),
          [['internet-100', 'active']],
        );
      },
    },
    {
      name: 'compensates a service whose second step fails',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const { body } = assertStatus(
          await client.post(at(id, 'services'), { service_name: 'internet-100', custom_config: { fail: true } }),
          202,
        );
        const ended = await eventually(
          () => client.get(`/customer-lifecycle/provisioning/${body.id}`),
          (it) => it.body.status === 'failed',
        );
        assert.equal(ended.body.provisioned_at, null);
        assert.equal(ended.body.steps[0].status, 'compensated');
        assert.notEqual(ended.body.steps[2].status, 'completed');
      },
    },
    {
      name: 'provisions for active customers alone, and only what there is',
      async run(subject) {
        const { client } = subject;
        const fresh = await registered(client);
        assertProblem(await client.post(at(fresh, 'services'), { service_name: 'internet-100' }), 409);
        const id = await active(subject, { username: 'trinity', email: 'trinity@example.com' });
        const unknown = await client.post(at(id, 'services'), { service_name: 'internet-9000' });
        assert.ok([404, 422].includes(unknown.status));
        assertProblem(unknown, unknown.status);
      },
    },
  ],
};
