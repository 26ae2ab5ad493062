import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertProblem, assertStatus, eventsUntil } from './client.js';
import type { ContractSubject } from './subject.js';

/** What comes and goes in streams. */
export const streams: Suite<ContractSubject> = {
  name: 'streams',
  cases: [
    {
      name: 'follows what happens, and goes on where it left off',
      async run({ client }) {
        const following = await client.stream('GET', '/network-monitoring/events?event=endpoint.registered');
        assert.equal(following.status, 200);
        const register = (name: string) =>
          client.post('/network-monitoring/endpoints', { name, host: '127.0.0.1', port: 9, service_type: 'tcp' });
        const { id } = assertStatus(await register('one'), 201).body;
        const [first] = await eventsUntil(following, 'endpoint.registered');
        const told = JSON.parse(first?.data ?? '');
        assert.deepEqual([told.endpoint_id, told.data], [id, { name: 'one', service_type: 'tcp' }]);
        assertStatus(await register('two'), 201);
        const headers = { 'last-event-id': first?.id ?? '' };
        const again = await client.stream('GET', '/network-monitoring/events?event=endpoint.registered', { headers });
        const [next] = await eventsUntil(again, 'endpoint.registered');
        assert.equal(JSON.parse(next?.data ?? '').data.name, 'two');
        const lost = await client.stream('GET', '/network-monitoring/events', {
          headers: { 'last-event-id': 'long-gone' },
        });
        assert.equal((await eventsUntil(lost, 'reset'))[0]?.event, 'reset');
      },
    },
    {
      name: 'imports endpoints, and answers each line',
      async run({ client }) {
        const line = (name: string, more: object = {}) =>
          JSON.stringify({ name, host: '127.0.0.1', port: 9, service_type: 'tcp', ...more });
        const body = [line('one'), line('two', { port: 0 }), '{', line('three')].join('\n');
        const headers = { 'content-type': 'application/x-ndjson' };
        const send = async (query: string) => {
          const answer = await client.stream('POST', `/network-monitoring/endpoints/import${query}`, { headers, body });
          assert.equal(answer.status, 200);
          return (await answer.text())
            .trim()
            .split('\n')
            .map((it) => JSON.parse(it));
        };
        const tried = await send('?dry_run=true');
        assert.deepEqual(
          tried.map((it) => it.status),
          ['valid', 'refused', 'refused', 'valid'],
        );
        const told = await send('');
        assert.deepEqual(
          told.map((it) => [it.line, it.status, it.errors[0]?.path]),
          [
            [1, 'created', undefined],
            [2, 'refused', 'port'],
            [3, 'refused', ''],
            [4, 'created', undefined],
          ],
        );
        const { items } = assertStatus(await client.get('/network-monitoring/endpoints'), 200).body;
        assert.deepEqual(
          items.map((it: { id: string; name: string }) => [it.id, it.name]),
          [
            [told[0].id, 'one'],
            [told[3].id, 'three'],
          ],
        );
        assertProblem(await client.post('/network-monitoring/endpoints/import', {}), 415, 'UNSUPPORTED_MEDIA_TYPE');
      },
    },
  ],
};
