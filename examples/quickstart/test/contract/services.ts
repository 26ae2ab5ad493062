import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually, type Answer, type Client } from './client.js';
import { active } from './customer-lifecycle.js';
import type { ContractSubject } from './subject.js';

const customers = '/customer-lifecycle/customers';
const services = '/customer-lifecycle/services';
const runs = '/customer-lifecycle/provisioning';

/** Requests a service and waits until it is active. */
export async function provisioned({ client }: ContractSubject, customerId: string): Promise<{ id: string }> {
  const asked = assertStatus(
    await client.post(`${customers}/${customerId}/services`, { service_name: 'internet-100' }),
    202,
  );
  await becomes(client, asked.body.id, { status: 'active', access: 'full' });
  return { id: asked.body.id };
}

function becomes(client: Client, id: string, wanted: Record<string, string>): Promise<Answer> {
  return eventually(
    () => client.get(`${services}/${id}`),
    ({ body }) => Object.entries(wanted).every(([key, value]) => body[key] === value) && body.open_run_id === null,
  );
}

/** Services over their whole life, and what may be asked about a customer. */
export const serviceLife: Suite<ContractSubject> = {
  name: 'services and commands',
  cases: [
    {
      name: 'suspends a service with its customer, and by itself',
      async run(subject) {
        const { client } = subject;
        const customerId = await active(subject);
        const { id } = await provisioned(subject, customerId);
        const suspend = { action_type: 'non_payment', severity: 'throttle' };
        assertStatus(await client.post(`${customers}/${customerId}/suspend`, suspend), 200);
        await becomes(client, id, { status: 'active', access: 'throttled' });
        assertStatus(await client.post(`${customers}/${customerId}/reactivate`, { action_type: 'non_payment' }), 200);
        await becomes(client, id, { status: 'active', access: 'full' });
        const own = assertStatus(await client.post(`${services}/${id}/suspend`, { action_type: 'abuse' }), 200);
        assert.deepEqual(own.body.open_reasons, ['abuse']);
        await becomes(client, id, { status: 'suspended', access: 'suspended' });
        assertProblem(await client.post(`${services}/${id}/suspend`, { action_type: 'abuse' }), 409, 'SERVICE_BUSY');
        assertStatus(await client.post(`${services}/${id}/resume`, { action_type: 'abuse' }), 200);
        await becomes(client, id, { status: 'active', access: 'full' });
        const { body } = assertStatus(await client.get(`${services}/${id}/runs`), 200);
        assert.deepEqual(
          body.map((run: { operation: string }) => run.operation),
          ['resume', 'suspend', 'resume', 'throttle', 'provision'],
        );
      },
    },
    {
      name: 'shows all that is kept of a service, and what its steps gave back',
      async run(subject) {
        const { client, stranger } = subject;
        const { id } = await provisioned(subject, await active(subject));
        const said = { action_type: 'abuse', reason: 'Scanned ports', parameters: { caseNo: 17 } };
        assertStatus(await client.post(`${services}/${id}/suspend`, said), 200);
        await becomes(client, id, { status: 'suspended', access: 'suspended' });
        const { body } = assertStatus(await client.get(`${services}/${id}/record`), 200);
        const { outputs, blocks, ...view } = body;
        assert.deepEqual(view, assertStatus(await client.get(`${services}/${id}`), 200).body);
        assert.deepEqual(outputs, {
          'reserve-address': { reservation: `${id}:reserve-address` },
          'configure-access': { vlan: 100 },
          'activate-billing': { activated: true },
        });
        assertInstants(blocks[0], 'opened_at');
        assert.deepEqual([blocks.length, blocks[0].reason, blocks[0].note], [1, 'abuse', 'Scanned ports']);
        assertProblem(await stranger.get(`${services}/${id}/record`), 404, 'SERVICE_NOT_FOUND');
      },
    },
    {
      name: 'leaves a reason of one service without effect while payment is promised for it',
      async run(subject) {
        const { client } = subject;
        const { id } = await provisioned(subject, await active(subject));
        const late = { action_type: 'non_payment' };
        const until = new Date(Date.now() + 86_400_000).toISOString();
        assertProblem(await client.post(`${services}/${id}/promise`, { ...late, until }), 409, 'SERVICE_BUSY');
        assertStatus(await client.post(`${services}/${id}/suspend`, late), 200);
        await becomes(client, id, { status: 'suspended', access: 'suspended' });
        const { body } = assertStatus(await client.post(`${services}/${id}/promise`, { ...late, until }), 200);
        assert.deepEqual([body.open_reasons, body.promises], [['non_payment'], [{ reason: 'non_payment', until }]]);
        await becomes(client, id, { status: 'active', access: 'full' });
        const past = await client.post(`${services}/${id}/promise`, { ...late, until: '2020-01-01T00:00:00Z' });
        assertProblem(past, 422, 'INVALID_INPUT');
        const over = assertStatus(await client.post(`${services}/${id}/end-promise`, late), 200);
        assert.deepEqual(over.body.promises, []);
        await becomes(client, id, { status: 'suspended', access: 'suspended' });
      },
    },
    {
      name: 'takes a service down, and lists what there is',
      async run(subject) {
        const { client } = subject;
        const customerId = await active(subject);
        const [one, two] = [await provisioned(subject, customerId), await provisioned(subject, customerId)];
        assertStatus(await client.post(`${services}/${one.id}/terminate`, { reason: 'moved' }), 202);
        const ended = await becomes(client, one.id, { status: 'terminated', access: 'none' });
        assertInstants(ended.body, 'terminated_at');
        const page = assertStatus(await client.get(`${services}?customer_id=${customerId}&limit=1`), 200).body;
        assert.equal(page.items[0].id, two.id);
        const rest = assertStatus(
          await client.get(`${services}?customer_id=${customerId}&limit=1&cursor=${page.next_cursor}`),
          200,
        ).body;
        assert.deepEqual([rest.items[0].id, rest.next_cursor], [one.id, null]);
        assertStatus(await client.get(`${services}/${two.id}/drift`), 200);
        const report = await (await client.stream('POST', '/customer-lifecycle/drift-check?concurrency=2')).text();
        const lines = report.trim().split('\n');
        const { kind, checked, drifted } = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
        assert.deepEqual({ kind, checked, drifted }, { kind: 'done', checked: 1, drifted: 0 });
        assertProblem(await client.post(`${services}/${two.id}/change-plan`), 409, 'PLAN_CHANGE_UNSUPPORTED');
      },
    },
    {
      name: 'tells runs apart from what cannot be done to them',
      async run(subject) {
        const { client } = subject;
        const { id } = await provisioned(subject, await active(subject));
        const done = assertStatus(await client.get(`${runs}?status=completed`), 200).body.items;
        assert.ok(done.some((run: { id: string }) => run.id === id));
        assert.deepEqual(assertStatus(await client.get(`${runs}?status=stuck`), 200).body.items, []);
        assertProblem(await client.post(`${runs}/${id}/cancel`), 409, 'RUN_NOT_OPEN');
        assertProblem(await client.post(`${runs}/${id}/retry`, {}), 409, 'RUN_NOT_OPEN');
        const said = assertStatus(await client.get(`${runs}/${id}/commands`), 200).body as Record<string, unknown>[];
        assert.deepEqual(
          said.map(({ command, allowed, code, until_step }) => [command, allowed, code, until_step]),
          ['cancel', 'retry', 'skip', 'force'].map((command) => [command, false, 'RUN_NOT_OPEN', null]),
        );
        const made = await subject.anonymous.post(`${runs}/completions`, { token: 'made.up' });
        assertProblem(made, 422, 'COMPLETION_TOKEN_INVALID');
      },
    },
    {
      name: 'says what may be done to a customer, and what it would do',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const explained = assertStatus(await client.get(`${customers}/${id}/commands`), 200).body;
        const suspend = explained.find((it: { command: string }) => it.command === 'suspend');
        assert.deepEqual([suspend.allowed, suspend.leads_to], [true, 'suspended']);
        const restore = explained.find((it: { command: string }) => it.command === 'restore');
        assert.deepEqual([restore.allowed, typeof restore.reason], [false, 'string']);
        const asked = { command: 'suspend', input: { action_type: 'abuse' } };
        const dry = assertStatus(await client.post(`${customers}/${id}/dry-run`, asked), 200).body;
        assert.deepEqual([dry.allowed, dry.to, dry.events], [true, 'suspended', ['customer.suspended']]);
        assert.equal((await client.get(`${customers}/${id}`)).body.lifecycle_stage, 'active');
        const { id: service } = await provisioned(subject, id);
        const taken = assertStatus(
          await client.post(`${services}/${service}/dry-run`, { command: 'terminate' }),
          200,
        ).body;
        assert.deepEqual([taken.allowed, taken.events[0]], [true, 'service.termination_requested']);
        const register = '/customer-lifecycle/register/dry-run';
        const askedFor = { username: 'trial', email: 'trial@example.com', first_name: 'T', last_name: 'R' };
        const registered = assertStatus(
          await client.post(register, { ...askedFor, user_type: 'residential' }),
          200,
        ).body;
        assert.deepEqual([registered.allowed, registered.from, registered.to], [true, null, 'registration']);
      },
    },
    {
      name: 'sets timers, and takes promises',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const due_at = new Date(Date.now() + 3_600_000).toISOString();
        const timer = { name: 'trial-end', command: 'suspend', input: { action_type: 'trial' }, due_at };
        const set = assertStatus(await client.post(`${customers}/${id}/timers`, timer), 200).body;
        assert.deepEqual([set.due_at, set.input], [due_at, { action_type: 'trial' }]);
        assert.equal(assertStatus(await client.get(`${customers}/${id}/timers`), 200).body.length, 1);
        assertStatus(await client.call('DELETE', `${customers}/${id}/timers/trial-end`), 200);
        assert.deepEqual(assertStatus(await client.get(`${customers}/${id}/timers`), 200).body, []);
        assertStatus(await client.post(`${customers}/${id}/suspend`, { action_type: 'late' }), 200);
        const promised = await client.post(`${customers}/${id}/promise`, { action_type: 'late', until: due_at });
        assert.equal(assertStatus(promised, 200).body.lifecycle_stage, 'active');
        const ended = await client.post(`${customers}/${id}/end-promise`, {});
        assert.equal(assertStatus(ended, 200).body.lifecycle_stage, 'suspended');
      },
    },
    {
      name: 'is told by billing which invoices are overdue, and which are paid',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const dunning = `${customers}/${id}/dunning`;
        const told = assertStatus(
          await client.post(`${dunning}/overdue`, { invoice_id: 'A', facts: { amountDue: 5 } }),
          200,
        );
        assert.deepEqual(told.body.invoices[0].facts, { amountDue: 5 });
        assert.equal(told.body.next_step.action, 'warn');
        const [seen] = assertStatus(await client.get(dunning), 200).body;
        assert.deepEqual(seen.invoices, told.body.invoices);
        assert.equal(assertStatus(await client.post(`${dunning}/paid`, { invoice_id: 'A' }), 200).body.opened_at, null);
        const wrong = await client.post(`${dunning}/overdue`, { invoice_id: 'A', policy: 'none' });
        assertProblem(wrong, 422, 'DUNNING_POLICY_NOT_FOUND');
      },
    },
    {
      name: 'parts with a customer, and takes it back',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const parted = ['mark-churning', 'win-back', 'deactivate', 'delete', 'restore', 'win-back'];
        const stages = [];
        for (const command of [...parted, 'mark-churning', 'win-back', 'mark-churning', 'onboard']) {
          const answer = assertStatus(await client.post(`${customers}/${id}/${command}`, {}), 200);
          stages.push(`${answer.body.lifecycle_stage}: ${answer.body.status}`);
        }
        assert.deepEqual(stages, [
          ...['churning: active', 'active: active', 'inactive: inactive', 'deleted: deleted', 'inactive: inactive'],
          ...['onboarding: pending', 'churning: pending', 'onboarding: pending', 'churning: pending', 'active: active'],
        ]);
        const refused = await client.post(`${customers}/${id}/restore`, {});
        assertProblem(refused, 409, 'ILLEGAL_TRANSITION');
        const { stage, command, legal, possible } = refused.body.details;
        assert.deepEqual([stage, command], ['active', 'restore']);
        assert.ok(legal.includes('reactivate') && possible.includes('suspend') && !possible.includes('reactivate'));
      },
    },
  ],
};
