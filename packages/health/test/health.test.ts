import { sqlite } from '@dotmac/core/kysely';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closedPort } from '../../../test/support/ports.js';
import {
  createHealth,
  kyselyHealthStore,
  memoryHealthStore,
  type EndpointDraft,
  type Health,
  type HealthOptions,
  type HealthStore,
} from '../src/index.js';
import { storedResults } from './support/results.js';

/** A real server on one port that can go down and come back. */
interface Service {
  port: number;
  /** How often it was connected to. */
  readonly visits: number;
  up(): Promise<void>;
  down(): Promise<void>;
}

async function service(): Promise<Service> {
  let server: Server | undefined;
  const port = await closedPort();
  let visits = 0;
  const made: Service = {
    port,
    get visits() {
      return visits;
    },
    async up() {
      server = createServer((socket) => {
        visits++;
        socket.on('error', () => undefined).resume();
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    async down() {
      const closing = server;
      server = undefined;
      if (closing) await new Promise((resolve) => closing.close(resolve));
    },
  };
  onTestFinished(() => made.down());
  await made.up();
  return made;
}

/** Health that may check loopback, on a clock that the test moves; stopped when the test is over. */
async function started(options: HealthOptions): Promise<Health> {
  const health = createHealth({ egress: { allow: ['loopback'] }, ...options });
  await health.start();
  onTestFinished(() => health.stop());
  return health;
}
const acme = { tenantId: 'acme', actor: 'user:1' };
// A minute of the fake clock, which runs fast while the sockets are real.
const draft = ({ port }: Service, more: Partial<EndpointDraft> = {}): EndpointDraft => ({
  name: 'gateway',
  host: '127.0.0.1',
  port,
  serviceType: 'tcp',
  checkInterval: 5,
  timeout: 60,
  retryCount: 3,
  expectedResponseTime: 30,
  ...more,
});

/** Lets time pass, a second at a time, until `ask` answers what is expected. */
function eventually<Answer>(clock: FakeClock, ask: () => Answer | Promise<Answer>) {
  return expect.poll(
    async () => {
      await clock.advance(1_000);
      return ask();
    },
    { timeout: 20_000, interval: 10 },
  );
}

async function sqliteFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-health-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return join(directory, 'health.db');
}
function sqliteStore(path: string): HealthStore {
  const database = sqlite(path);
  onTestFinished(() => database.close());
  return kyselyHealthStore(database);
}

describe.each([
  ['in memory', () => Promise.resolve(memoryHealthStore())],
  ['on SQLite', async () => sqliteStore(await sqliteFile())],
] as const)('health with its store %s', (_, makeStore) => {
  it('follows a server that goes down and comes back: summary, events and history', async () => {
    const [clock, server] = [fakeClock(), await service()];
    const health = await started({ store: await makeStore(), clock });
    const told: unknown[] = [];
    health.events.onAny(
      ({ name, tenantId, subject, actor, data }) =>
        void told.push([name, tenantId, subject, actor, ...('from' in data ? [data.from, data.to] : [])]),
    );
    const scope = health.scope(acme);
    expect(scope.summary()).toMatchObject({ overallStatus: 'unknown', totalEndpoints: 0, details: [] });
    const { id, lastStatus, lastCheck } = await scope.endpoints.register(draft(server));
    expect([lastStatus, lastCheck]).toEqual(['unknown', null]);

    const overall = () => scope.summary().overallStatus;
    await eventually(clock, overall).toBe('healthy');
    expect(scope.summary()).toMatchObject({ totalEndpoints: 1, healthyCount: 1, offlineCount: 0, unknownCount: 0 });
    expect(scope.summary().details).toEqual([
      {
        endpointId: id,
        endpointName: 'gateway',
        status: 'healthy',
        responseTime: expect.any(Number) as number,
        code: 'ok',
        message: 'Connected',
        checkedAt: expect.any(Number) as number,
      },
    ]);

    await server.down();
    await eventually(clock, overall).toBe('offline');
    expect(scope.summary()).toMatchObject({ healthyCount: 0, offlineCount: 1, averageResponseTime: null });
    expect(await scope.endpoints.get(id)).toMatchObject({ lastStatus: 'offline' });
    const whileDown = await scope.history.trend(id, 1);
    // Three in a row were needed for it.
    expect(whileDown.statusDistribution.offline.count).toBeGreaterThanOrEqual(3);
    expect(whileDown.recentIssues[0]).toMatchObject({ status: 'offline', message: 'The connection was refused' });

    await server.up();
    await eventually(clock, overall).toBe('healthy');
    await eventually(clock, () => told).toEqual([
      ['endpoint.registered', 'acme', id, 'user:1'],
      ['endpoint.status_changed', 'acme', id, 'system', 'unknown', 'healthy'],
      ['endpoint.status_changed', 'acme', id, 'system', 'healthy', 'offline'],
      ['incident.opened', 'acme', id, 'system'],
      ['endpoint.status_changed', 'acme', id, 'system', 'offline', 'healthy'],
      ['incident.resolved', 'acme', id, 'system'],
    ]);
    const { totalChecks, statusDistribution, availabilityPercentage } = await scope.history.trend(id, 1);
    expect(statusDistribution.healthy.count + statusDistribution.offline.count).toBe(totalChecks);
    expect(availabilityPercentage).toBeGreaterThan(0);
    expect(availabilityPercentage).toBeLessThan(100);
  });

  it('does not tell of a server that was away for less than retry_count checks', async () => {
    const [clock, server] = [fakeClock(), await service()];
    const health = await started({ store: await makeStore(), clock });
    const changes: string[] = [];
    health.events.on('endpoint.status_changed', ({ data }) => void changes.push(`${data.from} > ${data.to}`));
    const scope = health.scope(acme);
    const { id } = await scope.endpoints.register(draft(server, { retryCount: 10 }));
    await eventually(clock, () => scope.status().overallStatus).toBe('healthy');
    const offline = async () => (await scope.history.trend(id)).statusDistribution.offline.count;
    await server.down();
    await eventually(clock, offline).toBeGreaterThan(1);
    await server.up();
    const before = server.visits;
    await eventually(clock, () => server.visits).toBeGreaterThan(before + 1);
    expect(await offline()).toBeLessThan(10);
    expect(changes).toEqual(['unknown > healthy']);
  });

  it('keeps tenants apart', async () => {
    const [clock, server] = [fakeClock(), await service()];
    const health = await started({ store: await makeStore(), clock });
    const [mine, theirs] = [health.scope(acme), health.scope({ tenantId: 'globex', actor: 'user:2' })];
    const { id } = await mine.endpoints.register(draft(server));
    await eventually(clock, () => mine.status().healthyCount).toBe(1);

    expect(theirs.summary()).toMatchObject({ overallStatus: 'unknown', totalEndpoints: 0, details: [] });
    expect((await theirs.endpoints.list()).items).toEqual([]);
    const absent = { code: 'ENDPOINT_NOT_FOUND' };
    await expect(theirs.endpoints.get(id)).rejects.toMatchObject(absent);
    await expect(theirs.history.trend(id)).rejects.toMatchObject(absent);
    await expect(theirs.endpoints.remove(id)).rejects.toMatchObject(absent);
    expect(mine.status().totalEndpoints).toBe(1);

    const { id: other } = await theirs.endpoints.register(draft(server, { name: 'theirs' }));
    expect((await mine.endpoints.list()).items.map((it) => it.id)).toEqual([id]);
    await theirs.endpoints.remove(other);
    expect((await mine.endpoints.get(id)).name).toBe('gateway');
  });

  it('forgets an endpoint that is removed, and leaves its server alone', async () => {
    const [clock, server] = [fakeClock(), await service()];
    const health = await started({ store: await makeStore(), clock });
    const told: string[] = [];
    health.events.on('endpoint.removed', ({ data, actor }) => void told.push(`${data.name} by ${actor}`));
    const scope = health.scope(acme);
    const { id } = await scope.endpoints.register(draft(server));
    await eventually(clock, () => scope.status().healthyCount).toBe(1);
    await scope.endpoints.remove(id);
    await clock.advance(0); // A check that was under way.
    const { visits } = server;
    for (let second = 0; second < 30; second++) await clock.advance(1_000);
    expect(server.visits).toBe(visits);
    expect(scope.summary()).toMatchObject({ totalEndpoints: 0, details: [] });
    await expect(scope.endpoints.get(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    await expect(scope.endpoints.remove(id)).rejects.toMatchObject({ code: 'ENDPOINT_NOT_FOUND' });
    await eventually(clock, () => told).toEqual(['gateway by user:1']);
  });

  it('stores at its stop what it had found out, and checks nothing afterwards', async () => {
    const [clock, server, store] = [fakeClock(), await service(), await makeStore()];
    const health = await started({ store, clock });
    const { id } = await health.scope(acme).endpoints.register(draft(server));
    await eventually(clock, () => health.scope(acme).status().healthyCount).toBe(1);
    const stopping = health.stop();
    await clock.advance(0);
    await stopping;
    expect(health.readiness()).toEqual({ ready: false, parts: { health: 'stopped' } });
    await clock.advance(0);
    const { visits } = server;
    for (let second = 0; second < 30; second++) await clock.advance(1_000);
    expect(server.visits).toBe(visits);
    const stored = await store.tenant('acme').get(id);
    expect(stored?.state).toMatchObject({ status: 'healthy' });
    const days = await store.tenant('acme').buckets(id, { resolution: 'day', from: 0, until: clock.now() + 1 });
    expect(days.reduce((sum, { counts }) => sum + counts.healthy, 0)).toBe(visits);
    expect(await storedResults(store, id)).toHaveLength(visits);
    expect(visits).toBeLessThanOrEqual(100);
  });

  it('goes on checking while its store is out of reach, and catches up afterwards', async () => {
    const [clock, server, store] = [fakeClock(), await service(), await makeStore()];
    let broken = false;
    const orBroken =
      <Args extends unknown[]>(write: (...args: Args) => Promise<void>) =>
      async (...args: Args): Promise<void> => {
        if (broken) throw new Error('out of reach');
        await write(...args);
      };
    const fragile = {
      ...store,
      settle: orBroken(store.settle),
    };
    const health = await started({ store: fragile, clock });
    const changes: string[] = [];
    health.events.on('endpoint.status_changed', ({ data }) => void changes.push(`${data.from} > ${data.to}`));
    const scope = health.scope(acme);
    const { id } = await scope.endpoints.register(draft(server));
    await eventually(clock, () => changes).toEqual(['unknown > healthy']);

    broken = true;
    await server.down();
    await eventually(clock, () => scope.status().overallStatus).toBe('offline');
    expect(changes).toEqual(['unknown > healthy']);
    broken = false;
    await eventually(clock, () => changes).toEqual(['unknown > healthy', 'healthy > offline']);
    expect((await scope.history.trend(id)).statusDistribution.offline.count).toBeGreaterThanOrEqual(3);
  });
});

describe('a restart', () => {
  it('shows the last status and the history before anything is checked again', async () => {
    const [clock, server, path] = [fakeClock(), await service(), await sqliteFile()];
    const first = await started({ store: sqliteStore(path), clock });
    const { id } = await first.scope(acme).endpoints.register(draft(server, { checkInterval: 3_600, retryCount: 1 }));
    await eventually(clock, () => first.scope(acme).status().healthyCount).toBe(1);
    const before = first.scope(acme).summary().details;
    const { totalChecks } = await first.scope(acme).history.trend(id);
    await first.stop();
    await clock.advance(0);
    const { visits } = server;

    const second = await started({ store: sqliteStore(path), clock });
    const scope = second.scope(acme);
    expect(scope.summary()).toMatchObject({ overallStatus: 'healthy', healthyCount: 1, details: before });
    expect(await scope.endpoints.get(id)).toMatchObject({ lastStatus: 'healthy', lastCheck: before[0]?.checkedAt });
    expect((await scope.history.trend(id)).totalChecks).toBe(totalChecks);
    await server.down();
    await second.stop();
    expect(server.visits).toBe(visits);
  });

  it('checks on, and goes on counting where it was', async () => {
    const [clock, server, path] = [fakeClock(), await service(), await sqliteFile()];
    const first = await started({ store: sqliteStore(path), clock });
    const { id } = await first.scope(acme).endpoints.register(draft(server));
    await eventually(clock, () => first.scope(acme).status().healthyCount).toBe(1);
    await first.stop();
    await server.down();

    const second = await started({ store: sqliteStore(path), clock });
    const changes: string[] = [];
    second.events.on('endpoint.status_changed', ({ data }) => void changes.push(`${data.from} > ${data.to}`));
    await eventually(clock, () => changes).toEqual(['healthy > offline']);
    const { healthy, offline } = (await second.scope(acme).history.trend(id)).statusDistribution;
    expect(healthy.count).toBeGreaterThan(0);
    expect(offline.count).toBeGreaterThanOrEqual(3);
  });

  it('of the same object picks up what is stored', async () => {
    const [clock, server] = [fakeClock(), await service()];
    const health = await started({ store: memoryHealthStore(), clock });
    await health.scope(acme).endpoints.register(draft(server));
    await eventually(clock, () => health.scope(acme).status().healthyCount).toBe(1);
    await health.stop();
    await health.start();
    expect(health.readiness()).toEqual({ ready: true, parts: { health: 'running', monitor: 'monitoring' } });
    const { visits } = server;
    await eventually(clock, () => server.visits).toBeGreaterThan(visits);
  });
});

describe('a process that only serves the API', () => {
  it('connects to nobody, whatever is read', async () => {
    const [clock, server] = [fakeClock(), await service()];
    const health = await started({ store: memoryHealthStore(), clock, monitoring: false });
    const scope = health.scope(acme);
    const { id } = await scope.endpoints.register(draft(server));
    for (let minute = 0; minute < 3; minute++) {
      scope.summary();
      await scope.history.trend(id);
      await scope.endpoints.list();
      await clock.advance(60_000);
    }
    expect(server.visits).toBe(0);
    expect(scope.summary()).toMatchObject({ overallStatus: 'unknown', unknownCount: 1 });
  });
});

describe('registering', () => {
  it.each(['127.0.0.1', '127.1', '[::1]', '10.1.2.3', '169.254.169.254', '[fd00:ec2::254]'])(
    'refuses what lies outside of the allowed networks, by default all but public addresses: %s',
    async (host) => {
      const health = createHealth({ store: memoryHealthStore(), clock: fakeClock() });
      const endpoint = { name: 'inside', host, port: 80, serviceType: 'http' } as const;
      await expect(health.scope(acme).endpoints.register(endpoint)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect((await health.scope(acme).endpoints.list()).items).toEqual([]);
    },
  );

  it.each([
    ['metadata, though all that can be allowed is', '169.254.169.254'],
    ['a URL for a host', 'http://gw.example.com'],
    ['a path behind a host', 'gw.example.com/admin'],
    ['a login before a host', 'someone@gw.example.com'],
    ['nothing for a host', ''],
  ])('refuses %s', async (_, host) => {
    const egress = { allow: ['public', 'private', 'loopback', '0.0.0.0/0', '::/0'] };
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), egress });
    const endpoint = { name: 'inside', host, port: 80, serviceType: 'http' } as const;
    await expect(health.scope(acme).endpoints.register(endpoint)).rejects.toThrow();
    expect((await health.scope(acme).endpoints.list()).items).toEqual([]);
  });

  it('stops at the limit of the tenant, and goes on after a removal', async () => {
    const health = createHealth({ store: memoryHealthStore(), clock: fakeClock(), maxEndpoints: 2 });
    const { endpoints } = health.scope(acme);
    const one = { name: 'one', host: 'gw.example.com', port: 443, serviceType: 'https' } as const;
    const { id } = await endpoints.register(one);
    await endpoints.register(one);
    await expect(endpoints.register(one)).rejects.toMatchObject({ code: 'ENDPOINT_LIMIT_REACHED' });
    await health.scope({ tenantId: 'globex', actor: 'user:2' }).endpoints.register(one);
    await endpoints.remove(id);
    await endpoints.register(one);
  });
});

describe('metrics', () => {
  it('count checks by what they found, without naming tenants or endpoints', async () => {
    const [clock, server, metrics] = [fakeClock(), await service(), new Registry()];
    const health = await started({ store: memoryHealthStore(), clock, metrics });
    await health.scope(acme).endpoints.register(draft(server));
    await eventually(clock, () => metrics.metrics()).toContain(
      'dotmac_health_checks_total{service_type="tcp",status="healthy"}',
    );
    await server.down();
    await eventually(clock, () => metrics.metrics()).toContain(
      'dotmac_health_checks_total{service_type="tcp",status="offline"}',
    );
    expect(await metrics.metrics()).not.toMatch(/acme|gateway|127\.0\.0\.1/);
  });

  it('tell of the monitor itself, and of every endpoint when they are asked to', async () => {
    const [clock, server, metrics] = [fakeClock(), await service(), new Registry()];
    const health = await started({ store: memoryHealthStore(), clock, metrics, endpointMetrics: true });
    const { id } = await health.scope(acme).endpoints.register(draft(server));
    const labels = `{tenant="acme",endpoint="${id}",name="gateway"}`;
    await eventually(clock, () => metrics.metrics()).toContain(`dotmac_health_endpoint_up${labels} 1`);
    const answered = health.scope(acme).summary().details[0]?.responseTime ?? expect.unreachable();
    const told = /health_endpoint_response_time_seconds\{[^}]*\} (\S+)/.exec(await metrics.metrics())?.[1];
    expect(Number(told)).toBeCloseTo(answered, 5);
    await server.down();
    await eventually(clock, () => metrics.metrics()).toContain(`dotmac_health_endpoint_up${labels} 0`);
    const text = await metrics.metrics();
    for (const name of [
      'flush_seconds_count{outcome="stored"}',
      'pending_results',
      'pending_minutes',
      'checks_planned',
    ])
      expect(text).toContain(`dotmac_health_${name}`);
    // It did not answer.
    expect(text).not.toContain('dotmac_health_endpoint_response_time_seconds{');
    await health.scope(acme).endpoints.remove(id);
    expect(await metrics.metrics()).not.toContain(id);
  });
});
