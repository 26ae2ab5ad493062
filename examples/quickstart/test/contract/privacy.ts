import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually } from './client.js';
import { active } from './customer-lifecycle.js';
import { provisioned } from './services.js';
import type { ContractSubject } from './subject.js';

const customers = '/customer-lifecycle/customers';

/** What customers may ask for: to see what is held on them, and to have it gone. */
export const privacy: Suite<ContractSubject> = {
  name: 'privacy',
  cases: [
    {
      name: 'exports all that is held on a customer as lines',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        assertStatus(await client.post(`${customers}/${id}/suspend`, { action_type: 'abuse', reason: 'loud' }), 200);
        const answer = await client.stream('GET', `${customers}/${id}/export`);
        assert.equal(answer.status, 200);
        assert.match(answer.headers.get('content-type') ?? '', /^application\/x-ndjson/);
        const lines = (await answer.text())
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>);
        const [first] = lines;
        assert.deepEqual([first?.['kind'], first?.['email']], ['customer', 'neo@example.com']);
        assert.deepEqual(first?.['attributes'], { planHint: 'internet-100' });
        assertInstants(first ?? {}, 'created_at', 'terms_accepted_at');
        const suspended = lines.find((line) => line['event_type'] === 'customer.suspended');
        assert.equal((suspended?.['details'] as { note: string }).note, 'loud');
        assert.deepEqual(lines.at(-1), { kind: 'end', lines: lines.length - 1 });
        assertProblem(await client.get(`${customers}/unknown/export`), 404, 'CUSTOMER_NOT_FOUND');
      },
    },
    {
      name: 'erases a customer whose services are gone and whom nothing holds',
      async run(subject) {
        const { client } = subject;
        const id = await active(subject);
        const at = `${customers}/${id}`;
        const service = await provisioned(subject, id);
        assertProblem(await client.post(`${at}/erase`, {}), 409, 'ILLEGAL_TRANSITION');
        const hold = assertStatus(await client.post(`${at}/legal-holds`, { name: 'case-1', note: 'a lawsuit' }), 200);
        assertInstants(hold.body, 'set_at');
        assertStatus(await client.post(`${at}/delete`, {}), 200);
        assertProblem(await client.post(`${at}/erase`, {}), 409, 'LEGAL_HOLD');
        assert.equal(assertStatus(await client.get(`${at}/legal-holds`), 200).body[0].name, 'case-1');
        assertStatus(await client.call('DELETE', `${at}/legal-holds/case-1`), 200);
        await eventually(
          () => client.get(`/customer-lifecycle/services/${service.id}`),
          ({ body }) => body.status === 'terminated',
        );
        const erased = assertStatus(await client.post(`${at}/erase`, { reference: 'DSR-17' }), 200);
        assert.equal(erased.body.lifecycle_stage, 'deleted');
        assertProblem(await client.post(`${at}/restore`, {}), 409, 'ILLEGAL_TRANSITION');
        const text = await (await client.stream('GET', `${at}/export`)).text();
        assert.doesNotMatch(text, /neo@example\.com|Anderson|planHint/);
        const { body } = assertStatus(await client.get(`${at}/summary`), 200);
        assert.equal(body.lifecycle_events.at(-1).details.reference, 'DSR-17');
      },
    },
  ],
};
