import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus, eventually } from './client.js';
import type { ContractSubject } from './subject.js';

const run = promisify(execFile);

/** Jobs that call. */
export const heartbeats: Suite<ContractSubject> = {
  name: 'heartbeats',
  cases: [
    {
      name: 'takes the calls of a job without credentials, by GET, POST, HEAD and curl',
      async run({ client, anonymous }) {
        const draft = {
          name: 'backup',
          service_type: 'heartbeat',
          config: { cron: '0 3 * * *', zone: 'Europe/Berlin' },
        };
        const { id } = assertStatus(await client.post('/network-monitoring/endpoints', draft), 201).body;
        const endpoint = `/network-monitoring/endpoints/${id}`;
        const { path, expected_by } = assertStatus(await client.get(`${endpoint}/heartbeat`), 200).body;
        assert.ok(Date.parse(expected_by) > Date.now());
        assertStatus(await anonymous.call('POST', `${path}/start`), 200);
        assertStatus(await anonymous.get(path), 200);
        await eventually(
          () => client.get(endpoint),
          ({ body }) => body.last_status === 'healthy',
        );
        await run('curl', ['-fsS', '-m', '10', '--retry', '5', '-o', '/dev/null', `${client.url}${path}/7`]);
        const told = assertStatus(await client.get(`${endpoint}/heartbeat`), 200).body;
        assertInstants(told, 'last_start', 'last_success', 'last_failure');
        assert.deepEqual(
          told.pings.map((it: { kind: string; exit_status: number | null }) => [it.kind, it.exit_status]),
          [
            ['fail', 7],
            ['success', null],
            ['start', null],
          ],
        );
        // Elsewhere this is how a failure is told: it is no success here.
        for (const query of ['status=down&msg=x', 'success=false'])
          assertProblem(await anonymous.call('POST', `${path}?${query}`), 422, 'INVALID_INPUT');
        const { pings } = assertStatus(await client.get(`${endpoint}/heartbeat`), 200).body;
        assert.equal(pings.length, 3);
        assertProblem(await anonymous.get(`${path}/stop`), 404, 'HEARTBEAT_NOT_FOUND');
        assertProblem(await anonymous.get('/network-monitoring/heartbeats/made-up'), 404, 'HEARTBEAT_NOT_FOUND');
        const turned = assertStatus(await client.post(`${endpoint}/heartbeat/rotate`), 200).body;
        assertProblem(await anonymous.get(path), 404, 'HEARTBEAT_NOT_FOUND');
        assert.equal((await anonymous.stream('HEAD', turned.path)).status, 200);
      },
    },
  ],
};
