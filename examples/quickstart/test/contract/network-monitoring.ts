import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
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

/** A port on which something answers. */
async function listening(): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, server };
}

const register = (client: Client, port: number, more: object = {}) =>
  client.post('/network-monitoring/endpoints', {
    name: 'gateway',
    host: '127.0.0.1',
    port,
    service_type: 'tcp',
    ...more,
  });

const checked = (client: Client) => () => client.get('/network-monitoring/health');

/** `/network-monitoring`, as the contract has it. */
export const networkMonitoring: Suite<ContractSubject> = {
  name: 'network monitoring',
  cases: [
    {
      name: 'registers an endpoint with the documented defaults',
      async run({ client, tenantId }) {
        const answer = assertStatus(await register(client, 9), 201);
        const { id, created_at, updated_at, ...rest } = answer.body;
        assert.deepEqual(rest, {
          tenant_id: tenantId,
          name: 'gateway',
          host: '127.0.0.1',
          port: 9,
          service_type: 'tcp',
          check_interval: 30,
          timeout: 5,
          retry_count: 3,
          expected_response_time: 1,
          recovery_count: 1,
          recovery_response_time: null,
          min_error_time: 0,
          recheck_interval: 1,
          config: {},
          depends_on: [],
          conditions: [],
          tags: [],
          secret_names: [],
          paused_at: null,
          last_check: null,
          last_status: 'unknown',
          registered_by: 'tenant',
        });
        assertInstants({ created_at, updated_at }, 'created_at', 'updated_at');
        assert.equal(answer.headers.get('location'), `/network-monitoring/endpoints/${id}`);
        assertStatus(await client.get(answer.headers.get('location') ?? ''), 200);
      },
    },
    {
      name: 'refuses each field outside its bounds, all at once, and registers nothing',
      async run({ client }) {
        const wrong = {
          name: '',
          host: 'a b',
          port: 0,
          service_type: 'carrier-pigeon',
          check_interval: 4,
          timeout: 61,
          retry_count: 11,
          expected_response_time: 31,
        };
        const refused = await client.post('/network-monitoring/endpoints', wrong);
        assertProblem(refused, 422, 'INVALID_INPUT');
        assert.deepEqual(invalidPaths(refused), Object.keys(wrong).sort());
        assertProblem(await register(client, 80, { host: '169.254.169.254' }), 422);
        assert.equal((await client.get('/network-monitoring/health')).body.total_endpoints, 0);
      },
    },
    {
      name: 'knows nothing before the first endpoint is checked',
      async run({ client }) {
        const { body } = assertStatus(await client.get('/network-monitoring/health'), 200);
        assertInstants(body, 'timestamp');
        assert.deepEqual(
          { ...body, timestamp: null },
          {
            overall_status: 'unknown',
            total_endpoints: 0,
            healthy_count: 0,
            degraded_count: 0,
            critical_count: 0,
            offline_count: 0,
            unknown_count: 0,
            average_response_time: null,
            timestamp: null,
            details: [],
          },
        );
      },
    },
    {
      name: 'finds out what answers and what does not, and shows it in summary and trends',
      async run({ client }) {
        const { port, server } = await listening();
        // However long this machine takes for it.
        const patient = { timeout: 60, expected_response_time: 30 };
        const up = assertStatus(await register(client, port, { name: 'up', retry_count: 1, ...patient }), 201).body;
        const down = assertStatus(
          await register(client, await closedPort(), { name: 'down', retry_count: 1 }),
          201,
        ).body;
        const { body } = await eventually(checked(client), (it) => it.body.unknown_count === 0);
        server.close();
        assert.deepEqual([body.overall_status, body.healthy_count, body.offline_count], ['critical', 1, 1]);
        const detail = body.details.find((it: { endpoint_id: string }) => it.endpoint_id === up.id);
        assert.equal(detail.endpoint_name, 'up');
        assert.equal(detail.status, 'healthy');
        assert.ok(detail.response_time >= 0 && detail.response_time < 30);
        assertInstants(detail, 'checked_at');
        const trends = assertStatus(
          await client.get(`/network-monitoring/endpoints/${down.id}/trends?hours=1`),
          200,
        ).body;
        assert.equal(trends.period_hours, 1);
        assert.ok(trends.total_checks >= 1);
        assert.equal(trends.availability_percentage, 0);
        assert.equal(trends.status_distribution.offline.count, trends.total_checks);
        assert.equal(trends.status_distribution.offline.percentage, 100);
        assert.equal(trends.recent_issues[0].status, 'offline');
        assertInstants(trends.recent_issues[0], 'timestamp');
        assert.ok(Array.isArray(trends.series));
        const good = assertStatus(await client.get(`/network-monitoring/endpoints/${up.id}/trends`), 200).body;
        assert.equal(good.period_hours, 24);
        assert.equal(good.availability_percentage, 100);
        for (const name of ['average', 'p50', 'p95', 'p99'])
          assert.equal(typeof good[`${name}_response_time`], 'number', name);
      },
    },
    {
      name: 'gives trends of any window of the last 400 days, and refuses others',
      async run({ client }) {
        const { body } = await register(client, 9);
        const trends = (query: string) => client.get(`/network-monitoring/endpoints/${body.id}/trends?${query}`);
        const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
        for (const query of ['hours=9600', `from=${ago(300)}&until=${ago(200)}`, `hours=24&until=${ago(100)}`])
          assertStatus(await trends(query), 200);
        for (const query of ['hours=0', 'hours=9601', 'hours=all', `from=${ago(-1)}`, `hours=1&from=${ago(2)}`])
          assertProblem(await trends(query), 422, 'INVALID_INPUT');
      },
    },
    {
      name: 'leaves planned maintenance out of the availability, and says what it came to',
      async run({ client }) {
        const time = (ms: number) => new Date(Date.now() + ms).toISOString();
        const patching = { name: 'Patching', starts_at: time(-60_000), ends_at: time(600_000), tags: ['patched'] };
        assertStatus(await client.post('/network-monitoring/maintenance-windows', patching), 201);
        const draft = { name: 'patched', retry_count: 1, tags: ['patched'] };
        const { body } = await register(client, await closedPort(), draft);
        assertStatus(await foundToBe(client, body.id, 'offline'), 200);
        const trends = assertStatus(await client.get(`/network-monitoring/endpoints/${body.id}/trends`), 200).body;
        assert.ok(trends.total_checks >= 1);
        assert.deepEqual(
          [trends.availability_percentage, trends.maintenance.checks, trends.maintenance.availability_percentage],
          [null, trends.total_checks, 0],
        );
        assert.deepEqual(
          trends.series.map((it: { maintenance_checks: number }) => it.maintenance_checks),
          trends.series.map((it: { total_checks: number }) => it.total_checks),
        );
      },
    },
    {
      name: 'removes an endpoint, once',
      async run({ client }) {
        const { body } = await register(client, 9);
        const removed = assertStatus(await client.call('DELETE', `/network-monitoring/endpoints/${body.id}`), 200);
        assert.equal(typeof removed.body.message, 'string');
        assertProblem(await client.call('DELETE', `/network-monitoring/endpoints/${body.id}`), 404);
        assertProblem(await client.get(`/network-monitoring/endpoints/${body.id}/trends`), 404);
      },
    },
    {
      name: 'checks a database that the host named',
      async run({ client }) {
        const { body } = assertStatus(
          await client.post('/network-monitoring/health-check', { service_type: 'database', target: 'main' }),
          200,
        );
        assert.equal(body.status, 'healthy');
        assert.ok(body.response_time >= 0);
        assert.equal(typeof body.message, 'string');
        assert.equal(typeof body.details, 'object');
      },
    },
    {
      name: 'checks a database by its connection string, which it never repeats',
      requires: 'postgres',
      async run({ client, postgresUrl }) {
        const url = new URL(postgresUrl);
        url.password = 'hunter2';
        const answer = await client.post('/network-monitoring/health-check', {
          service_type: 'database',
          connection_string: url.href,
        });
        assert.equal(assertStatus(answer, 200).body.status, 'healthy', JSON.stringify(answer.body));
        assert.match(answer.body.details.version, /^\d+/);
        assert.doesNotMatch(JSON.stringify(answer.body), /hunter2/);
      },
    },
    {
      name: 'checks the Redis that the host named',
      requires: 'redis',
      async run({ client }) {
        const answer = await client.post('/network-monitoring/health-check', {
          service_type: 'redis',
          target: 'redis',
        });
        assert.equal(assertStatus(answer, 200).body.status, 'healthy');
        assert.ok(answer.body.details.used_memory_bytes > 0);
      },
    },
    {
      name: 'refuses a target that nobody named, and a connection string to where it may not go',
      async run({ client }) {
        const check = (body: object) =>
          client.post('/network-monitoring/health-check', { service_type: 'database', ...body });
        assertProblem(await check({ target: 'nobody' }), 404, 'TARGET_NOT_FOUND');
        assertProblem(await check({}), 422);
        assertProblem(await check({ target: 'main', timeout: 0 }), 422);
        const answer = await check({ connection_string: 'postgres://u:hunter2@169.254.169.254/db', timeout: 2 });
        assert.doesNotMatch(JSON.stringify(answer.body), /hunter2/);
        if (answer.status === 200) assert.notEqual(answer.body.status, 'healthy');
        else assertProblem(answer, 403);
        for (const evil of ['postgres://u@127.0.0.1/db?host=10.0.0.1', 'redis://127.0.0.1/0?path=/tmp/x', 'nonsense'])
          assertProblem(await check({ connection_string: evil }), 422);
      },
    },
    {
      name: 'says that a refused connection is offline, without a word of the driver',
      async run({ client }) {
        const connection_string = `postgres://someone:hunter2@127.0.0.1:${await closedPort()}/nothing`;
        const { body } = assertStatus(
          await client.post('/network-monitoring/health-check', {
            service_type: 'database',
            connection_string,
            timeout: 2,
          }),
          200,
        );
        assert.equal(body.status, 'offline');
        assert.doesNotMatch(JSON.stringify(body), /hunter2|ECONNREFUSED|someone/);
      },
    },
  ],
};
