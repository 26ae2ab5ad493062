import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertProblem, assertStatus, invalidPaths } from './client.js';
import type { ContractSubject } from './subject.js';

const gatus = {
  endpoints: [
    { name: 'gateway', group: 'core', url: 'tcp://127.0.0.1:9', conditions: ['[CONNECTED] == true'] },
    { name: 'clock', url: 'udp://127.0.0.1:123', conditions: ['[CONNECTED] == true'] },
    { name: 'metadata', url: 'tcp://169.254.169.254:80', conditions: ['[CONNECTED] == true'] },
  ],
};
const uptimeKuma = {
  version: '1.23.16',
  monitorList: [
    { id: 1, name: 'port', type: 'port', hostname: '127.0.0.1', port: 9, interval: 60, proxyId: 7 },
    { id: 2, name: 'game', type: 'steam', hostname: '127.0.0.1', port: 27015 },
  ],
};
const path = '/network-monitoring/endpoints/import';

/** What other products export. */
export const imports: Suite<ContractSubject> = {
  name: 'imports from other products',
  cases: [
    {
      name: 'registers what a Gatus configuration has, and says what became of each',
      async run({ client }) {
        const { counts, monitors } = assertStatus(await client.post(`${path}/gatus`, gatus), 200).body;
        assert.deepEqual(counts, { created: 1, valid: 0, refused: 1, left_behind: 1 });
        assert.deepEqual(
          monitors.map((it: { path: string; status: string; code: string | null }) => [it.path, it.status, it.code]),
          [
            ['endpoints.0', 'created', null],
            ['endpoints.1', 'left_behind', null],
            ['endpoints.2', 'refused', 'INVALID_INPUT'],
          ],
        );
        assert.equal(monitors[2].errors[0].path, 'host');
        const { body } = assertStatus(await client.get(`/network-monitoring/endpoints/${monitors[0].id}`), 200);
        assert.deepEqual([body.name, body.port, body.tags, body.registered_by], ['gateway', 9, ['core'], 'tenant']);
      },
    },
    {
      name: 'rehearses an Uptime Kuma backup, and registers it once under one key',
      async run({ client }) {
        const tried = assertStatus(await client.post(`${path}/uptime-kuma?dry_run=true`, uptimeKuma), 200).body;
        assert.deepEqual(tried.counts, { created: 0, valid: 1, refused: 0, left_behind: 1 });
        assert.deepEqual(
          tried.monitors.map((it: { left_behind: { field: string | null }[] }) => it.left_behind[0]?.field),
          ['proxyId', null],
        );
        const { draft } = tried.monitors[0];
        assert.deepEqual([draft.host, draft.service_type, draft.check_interval], ['127.0.0.1', 'tcp', 60]);
        const listed = async () =>
          assertStatus(await client.get('/network-monitoring/endpoints'), 200).body.items as { id: string }[];
        assert.equal((await listed()).length, 0);
        const headers = { 'idempotency-key': 'move-1' };
        const send = (query = '') => client.call('POST', `${path}/uptime-kuma${query}`, uptimeKuma, headers);
        const first = assertStatus(await send(), 200).body;
        assert.deepEqual(assertStatus(await send(), 200).body, first);
        assertProblem(await send('?dry_run=true'), 422, 'IDEMPOTENCY_KEY_REUSED');
        assert.deepEqual(
          (await listed()).map(({ id }) => id),
          [first.monitors[0].id],
        );
      },
    },
    {
      name: 'refuses what is no export, by its path',
      async run({ client }) {
        for (const [tool, body, wrong] of [
          ['gatus', uptimeKuma, 'endpoints'],
          ['uptime-kuma', gatus, 'monitorList'],
        ] as const) {
          const refused = await client.post(`${path}/${tool}`, body);
          assertProblem(refused, 422, 'INVALID_INPUT');
          assert.deepEqual(invalidPaths(refused), [wrong]);
        }
        assert.equal((await client.get('/network-monitoring/health')).body.total_endpoints, 0);
      },
    },
  ],
};
