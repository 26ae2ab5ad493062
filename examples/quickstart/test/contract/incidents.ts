import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { closedPort } from '../../../../test/support/ports.js';
import {
  assertInstants,
  assertProblem,
  assertStatus,
  eventually,
  foundToBe,
  invalidPaths,
  type Client,
} from './client.js';
import type { ContractSubject } from './subject.js';

/** The incident of an endpoint that cannot be reached. */
export async function incidentOf(client: Client): Promise<{ id: string; endpoint_id: string }> {
  const draft = { name: 'gone', host: '127.0.0.1', port: await closedPort(), service_type: 'tcp', retry_count: 1 };
  const endpoint = assertStatus(await client.post('/network-monitoring/endpoints', draft), 201).body;
  const path = `/network-monitoring/incidents?endpoint_id=${endpoint.id}`;
  const { body } = await eventually(
    () => client.get(path),
    (it) => it.body.items.length > 0,
  );
  return body.items[0];
}

/** What goes beyond the fixed paths of `/network-monitoring`: endpoints managed, incidents. */
export const incidents: Suite<ContractSubject> = {
  name: 'endpoints and incidents',
  cases: [
    {
      name: 'opens an incident for an endpoint that fails, and lets people work on it',
      async run({ client }) {
        const { id, endpoint_id } = await incidentOf(client);
        const path = `/network-monitoring/incidents/${id}`;
        const story = assertStatus(await client.get(path), 200).body;
        assertInstants(story, 'started_at', 'opened_at');
        assert.deepEqual(
          [story.endpoint_id, story.endpoint_name, story.status, story.severity, story.duration, story.resolved_at],
          [endpoint_id, 'gone', 'open', 'offline', null, null],
        );
        assert.equal(story.timeline[0].kind, 'opened');
        const acknowledged = assertStatus(await client.post(`${path}/acknowledge`, { text: 'On my way' }), 200).body;
        assert.equal(acknowledged.status, 'acknowledged');
        assertStatus(await client.post(`${path}/comments`, { text: 'It is the fuse' }), 200);
        const refused = await client.post(`${path}/comments`, {});
        assertProblem(refused, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(refused), ['text']);
        const resolved = assertStatus(await client.post(`${path}/resolve`, {}), 200).body;
        assert.equal(resolved.status, 'resolved');
        assert.deepEqual(
          resolved.timeline.map((entry: { kind: string }) => entry.kind),
          ['opened', 'acknowledged', 'commented', 'resolved'],
        );
        assertProblem(await client.post(`${path}/resolve`, {}), 409, 'INCIDENT_RESOLVED');
        const unresolved = assertStatus(await client.get('/network-monitoring/incidents?status=unresolved'), 200).body;
        assert.deepEqual(unresolved.items, []);
      },
    },
    {
      name: 'changes, pauses, resumes and checks an endpoint, and lists its results',
      async run({ client }) {
        const port = await closedPort();
        const draft = { name: 'web', host: '127.0.0.1', port, service_type: 'http', tags: ['edge'], retry_count: 1 };
        const { id } = assertStatus(await client.post('/network-monitoring/endpoints', draft), 201).body;
        const path = `/network-monitoring/endpoints/${id}`;
        const config = { path: '/ready', auth: { token: '${secrets.token}' } };
        const changed = assertStatus(
          await client.call('PATCH', path, { config, secrets: { token: 'canary' } }),
          200,
        ).body;
        assert.deepEqual([changed.config, changed.secret_names, changed.name], [config, ['token'], 'web']);
        assert.ok(!JSON.stringify(changed).includes('canary'), 'the secret is shown');
        const refused = await client.call('PATCH', path, { host: '127.0.0.2' });
        assertProblem(refused, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(refused), ['secrets.token']);
        const wrong = await client.call('PATCH', path, { config: { follow: true }, check_interval: 1 });
        assertProblem(wrong, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(wrong), ['check_interval']);
        const checked = assertStatus(await foundToBe(client, id, 'offline'), 200).body;
        assert.deepEqual([checked.status, checked.message], ['offline', 'The connection was refused']);
        const results = assertStatus(await client.get(`${path}/results?kind=issues&limit=1`), 200).body;
        assert.equal(results.items[0].status, 'offline');
        const paused = assertStatus(await client.post(`${path}/pause`), 200).body;
        assert.ok(Date.parse(paused.paused_at) > 0);
        assertProblem(await client.post(`${path}/check`), 409, 'ENDPOINT_PAUSED');
        const ids = async (query: string) =>
          assertStatus(await client.get(`/network-monitoring/endpoints?${query}`), 200).body.items.map(
            (it: { id: string }) => it.id,
          );
        assert.deepEqual([await ids('tag=edge&paused=true'), await ids('tag=core')], [[id], []]);
        assert.equal(assertStatus(await client.post(`${path}/resume`), 200).body.paused_at, null);
      },
    },
    {
      name: 'explains a state, and tries another policy on what led there',
      async run({ client }) {
        const { id, endpoint_id } = await incidentOf(client);
        const path = `/network-monitoring/endpoints/${endpoint_id}`;
        const { reasons, status, recent, counters, thresholds } = assertStatus(
          await client.get(`${path}/explanation`),
          200,
        ).body;
        assert.equal(status, 'offline');
        assert.deepEqual(
          reasons.map((it: { code: string }) => it.code),
          ['last_check', 'incident'],
        );
        assert.equal(recent[0].status, 'offline');
        assert.deepEqual([counters.better, counters.own_trouble, thresholds.recovery_count], [0, 0, 1]);
        const tried = assertStatus(await client.post(`${path}/simulations`, { retry_count: 10 }), 200).body;
        assert.deepEqual([tried.incidents, tried.pages], [[], 0]);
        const own = assertStatus(await client.post(`${path}/simulations`), 200).body;
        const { started_at } = assertStatus(await client.get(`/network-monitoring/incidents/${id}`), 200).body;
        assert.deepEqual([own.incidents[0].started_at, own.pages], [started_at, 1]);
        assertProblem(await client.post(`${path}/simulations`, { retry_count: 0 }), 422, 'INVALID_INPUT');
        const results = ['healthy', 'offline', 'healthy'].map((status, index) => ({
          ...{
            checked_at: `2025-06-01T00:0${index}:00.000Z`,
            status,
            response_time: status === 'healthy' ? 0.1 : null,
          },
        }));
        const given = assertStatus(await client.post(`${path}/simulations`, { retry_count: 1, results }), 200).body;
        assert.deepEqual([given.results, given.from, given.incidents.length], [3, results[0]?.checked_at, 1]);
        assertProblem(await client.post(`${path}/simulations`, { results: [] }), 422, 'INVALID_INPUT');
      },
    },
    {
      name: 'describes its probes',
      async run({ client }) {
        const { items } = assertStatus(await client.get('/network-monitoring/probes'), 200).body;
        const named = new Map(items.map((it: { service_type: string }) => [it.service_type, it])) as Map<
          string,
          { config: { properties: object }; addressing: string }
        >;
        for (const name of ['tcp', 'http', 'https', 'tls', 'dns', 'icmp', 'smtp', 'ssh', 'database'])
          assert.ok(named.has(name), `${name} is not described`);
        assert.ok('redirects' in (named.get('http')?.config.properties ?? {}));
      },
    },
  ],
};
