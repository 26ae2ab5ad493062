import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually, type Answer, type Client } from './client.js';
import { registered } from './customer-lifecycle.js';
import type { ContractSubject } from './subject.js';

const operations = '/customer-lifecycle/bulk-operations';
const ndjson = { 'content-type': 'application/x-ndjson' };
const person = (name: string) => ({
  username: name,
  email: `${name}@example.com`,
  first_name: 'A',
  last_name: 'B',
  user_type: 'residential',
});

/** Starts a dry run; its id. */
export async function bulkOf(client: Client): Promise<string> {
  return assertStatus(await client.post(operations, { command: 'delete', filter: {} }), 202).body.id;
}

function ended(client: Client, id: string): Promise<Answer> {
  return eventually(
    () => client.get(`${operations}/${id}`),
    ({ body }) => body.status === 'completed',
  );
}

async function lines(client: Client, path: string, items: readonly unknown[]): Promise<Record<string, unknown>[]> {
  const body = items.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join('\n');
  const answer = await client.stream('POST', path, { headers: ndjson, body });
  assert.equal(answer.status, 200);
  return (await answer.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** One command for many customers, and many registrations. */
export const bulk: Suite<ContractSubject> = {
  name: 'bulk',
  cases: [
    {
      name: 'registers customers by the line, each answered',
      async run({ client }) {
        const items = [
          person('one'),
          'no json',
          { ...person('two'), email: 'nowhere' },
          person('one'),
          person('three'),
        ];
        const path = '/customer-lifecycle/import';
        const dry = await lines(client, `${path}?dry_run=true`, items);
        assert.deepEqual(
          dry.map(({ status }) => status),
          ['valid', 'refused', 'refused', 'refused', 'valid'],
        );
        const made = await lines(client, path, items);
        assert.deepEqual(
          made.map(({ status, code }) => [status, code]),
          [
            ['created', null],
            ['refused', 'INVALID_INPUT'],
            ['refused', 'INVALID_INPUT'],
            ['refused', 'CUSTOMER_EXISTS'],
            ['created', null],
          ],
        );
        assertStatus(await client.get(`/customer-lifecycle/customers/${String(made[0]?.['id'])}`), 200);
        const wrong = await client.post(path, person('four'));
        assertProblem(wrong, 415, 'UNSUPPORTED_MEDIA_TYPE');
      },
    },
    {
      name: 'counts what a command would do to many, then does it, and lists who was refused',
      async run({ client }) {
        const ids = [];
        for (const name of ['a', 'b', 'c']) ids.push(await registered(client, person(name)));
        assertStatus(await client.post(`/customer-lifecycle/customers/${ids[0]}/delete`, {}), 200);
        const asked = await client.post(operations, { command: 'delete', input: { reason: 'merger' }, filter: {} });
        const started = assertStatus(asked, 202);
        assert.equal(started.headers.get('location'), `${operations}/${started.body.id}`);
        const dry = (await ended(client, started.body.id)).body;
        assert.deepEqual([dry.dry_run, dry.total, dry.changed, dry.refused], [true, 3, 2, 1]);
        assertInstants(dry, 'created_at', 'started_at', 'ended_at');
        assert.equal(
          (await client.get(`/customer-lifecycle/customers/${ids[1]}`)).body.lifecycle_stage,
          'registration',
        );
        const run = assertStatus(await client.post(`${operations}/${dry.id}/run`), 202);
        const real = (await ended(client, run.body.id)).body;
        assert.deepEqual([real.dry_run, real.changed, real.refused], [false, 2, 1]);
        const failures = assertStatus(await client.get(`${operations}/${real.id}/failures`), 200).body;
        assert.deepEqual([failures.items[0].id, failures.items[0].code], [ids[0], 'ILLEGAL_TRANSITION']);
        assert.equal((await client.get(`/customer-lifecycle/customers/${ids[1]}`)).body.lifecycle_stage, 'deleted');
        assertProblem(await client.post(`${operations}/${real.id}/run`), 409, 'BULK_NOT_RUNNABLE');
        const page = assertStatus(await client.get(`${operations}?limit=1`), 200).body;
        assert.deepEqual([page.items[0].id, typeof page.next_cursor], [real.id, 'string']);
        assert.equal(assertStatus(await client.post(`${operations}/${real.id}/cancel`), 200).body.status, 'completed');
      },
    },
    {
      name: 'gives a command to those who are listed by the line',
      async run({ client }) {
        const id = await registered(client);
        const asked = await client.post(operations, { command: 'delete', filter: { listed: true }, dry_run: false });
        const operation = assertStatus(asked, 202).body;
        assert.equal(operation.status, 'collecting');
        const path = `${operations}/customers?operation_id=`;
        const answers = await lines(client, path + String(operation.id), [{ customer_id: id }, { customer: id }]);
        assert.deepEqual(
          answers.map(({ status }) => status),
          ['created', 'refused'],
        );
        const unknown = await client.stream('POST', `${path}unknown`, { headers: ndjson, body: '' });
        assert.equal(unknown.status, 404);
        assertStatus(await client.post(`${operations}/${operation.id}/run`), 202);
        assert.equal((await ended(client, operation.id)).body.changed, 1);
        const other = assertStatus(await client.post(operations, { command: 'delete', filter: { listed: true } }), 202);
        const cancelled = await client.post(`${operations}/${other.body.id}/cancel`);
        assert.equal(assertStatus(cancelled, 200).body.status, 'cancelled');
        const wrong = { command: 'delete', filter: { listed: true, user_types: ['business'] } };
        assertProblem(await client.post(operations, wrong), 422, 'INVALID_INPUT');
      },
    },
  ],
};
