import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertProblem, assertStatus, invalidPaths, type Client } from './client.js';
import type { ContractSubject } from './subject.js';

/** An objective over all endpoints with a tag. */
export async function objectiveOf(client: Client): Promise<string> {
  const draft = { name: 'core answers', target: 0.99, tag: 'core' };
  return assertStatus(await client.post('/network-monitoring/objectives', draft), 201).body.id;
}

/** Service levels that are to be held. */
export const objectives: Suite<ContractSubject> = {
  name: 'objectives',
  cases: [
    {
      name: 'reckons what is left of a budget, and how fast it is spent',
      async run({ client }) {
        const endpoint = { name: 'gone', host: '127.0.0.1', port: 1, service_type: 'tcp', tags: ['core'] };
        const { id } = assertStatus(await client.post('/network-monitoring/endpoints', endpoint), 201).body;
        assertStatus(await client.post(`/network-monitoring/endpoints/${id}/check`), 200);
        const path = `/network-monitoring/objectives/${await objectiveOf(client)}`;
        const report = assertStatus(await client.get(path), 200).body;
        assert.deepEqual([report.attained, report.window_days, report.burning], [0, 28, 'none']);
        // Of a check or two nobody is paged, and no month's budget is spent.
        assert.ok(report.checks >= 1 && report.budget.left > 0.9 && report.coverage < 0.01);
        assert.equal(Math.round(report.budget.seconds), 24_192);
        assert.deepEqual(report.burn_rates[0], { window: '5m', rate: null });
        const refused = await client.call('PATCH', path, { target: 1, endpoint_id: id });
        assertProblem(refused, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(refused), ['target']);
        const both = await client.call('PATCH', path, { endpoint_id: id });
        assertProblem(both, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(both), ['endpoint_id']);
        const changed = await client.call('PATCH', path, { endpoint_id: id, tag: null, window_days: 7 });
        assert.equal(assertStatus(changed, 200).body.window_days, 7);
        const { items } = assertStatus(await client.get('/network-monitoring/objectives'), 200).body;
        assert.equal(items.length, 1);
        assertStatus(await client.call('DELETE', path), 200);
        assertProblem(await client.get(path), 404, 'OBJECTIVE_NOT_FOUND');
      },
    },
  ],
};
