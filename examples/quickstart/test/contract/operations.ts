import assert from 'node:assert/strict';
import type { Suite } from '@dotmac/core/testing';
import { assertInstants, assertProblem, assertStatus } from './client.js';
import { registered } from './customer-lifecycle.js';
import type { ContractSubject } from './subject.js';

/** `/operations`, and what every server has. */
export const operations: Suite<ContractSubject> = {
  name: 'operations',
  cases: [
    {
      name: 'shows the three domains of one tenant at once',
      async run({ client, stranger }) {
        await registered(client);
        const { body } = assertStatus(await client.get('/operations/status'), 200);
        assertInstants(body, 'timestamp');
        assert.equal(body.network_health.overall_status, 'unknown');
        assert.equal(body.customer_lifecycle.total_customers, 1);
        assert.equal(typeof body.maintenance_automation.scheduler_running, 'boolean');
        assert.equal((await stranger.get('/operations/status')).body.customer_lifecycle.total_customers, 0);
      },
    },
    {
      name: 'is alive, ready and measured, for whoever asks',
      async run({ anonymous }) {
        assertStatus(await anonymous.get('/livez'), 200);
        assert.equal(assertStatus(await anonymous.get('/readyz'), 200).body.status, 'ready');
        const metrics = assertStatus(await anonymous.get('/metrics'), 200).body as string;
        assert.match(metrics, /^dotmac_http_requests_total\{/m);
        for (const domain of ['health', 'lifecycle', 'maintenance'])
          assert.match(metrics, new RegExp(`^# TYPE dotmac_${domain}_`, 'm'), domain);
      },
    },
    {
      name: 'refuses a body over 1 MiB, of another type, or broken',
      async run({ client }) {
        const path = '/customer-lifecycle/register';
        assertProblem(
          await client.post(path, JSON.stringify({ username: 'x'.repeat(1_048_577) })),
          413,
          'BODY_TOO_LARGE',
        );
        assertProblem(
          await client.post(path, 'username=neo', { 'content-type': 'application/x-www-form-urlencoded' }),
          415,
        );
        assertProblem(await client.post(path, '{"username":'), 400, 'MALFORMED_BODY');
        assertProblem(await client.get('/nowhere'), 404, 'ROUTE_NOT_FOUND');
      },
    },
  ],
};
