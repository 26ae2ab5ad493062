import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sqlite, type Database } from '@dotmac/core/kysely';
import type { EndpointStatus } from '@dotmac/health';
import { closedPort } from '../../../../test/support/ports.js';
import { createOperations, type OperationsOptions } from '../../src/index.js';

const day = 86_400_000;

/** A file with a table of fifty rows that are due, as an application has it open. */
function eventsIn(file: string) {
  const rows = new Sqlite(file);
  rows.exec('create table events (id integer primary key, at integer not null); create index events_at on events (at)');
  const insert = rows.prepare('insert into events (at) values (?)');
  for (let i = 0; i < 50; i++) insert.run(Date.now() - 90 * day);
  const count = rows.prepare('select count(*) from events').pluck();
  return { database: sqlite(file), left: () => count.get(), close: () => rows.close() };
}

/** What is asked how the database is; says what it is told to say, or is not there. */
async function gauge() {
  let status = 200;
  const server = createServer((_, response) => void response.writeHead(status).end());
  const listen = (port: number) => new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  // Nobody else is given it while it is away.
  const port = await closedPort();
  await listen(port);
  onTestFinished(async () => void (server.listening && (await close())));
  const answers: Partial<Record<EndpointStatus, number>> = { healthy: 200, degraded: 203, critical: 503 };
  return {
    port,
    async be(wanted: EndpointStatus) {
      const answer = answers[wanted];
      if (answer === undefined) return void (await close());
      status = answer;
      if (!server.listening) await listen(port);
    },
  };
}

/** @param beside shares its database with these */
async function setUp(
  yieldToHealth: OperationsOptions['yieldToHealth'] = { main: { tenantId: 'operator', tag: 'main-database' } },
  beside?: { database: Database },
) {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-yield-'));
  const [main, other] = [eventsIn(join(folder, 'main.db')), eventsIn(join(folder, 'other.db'))];
  const database = beside?.database ?? sqlite(join(folder, 'ops.db'));
  const policy = { table: 'events', timeColumn: 'at', retentionDays: 30 };
  const ops = createOperations({
    database,
    health: { egress: { allow: ['loopback'] } },
    maintenance: {
      startScheduler: false,
      // A busy machine holds up the event loop of its tests.
      throttle: [],
      databases: { main: main.database, other: other.database },
      retention: ['main', 'other'].map((name) => ({ ...policy, name, database: name })),
    },
    yieldToHealth,
  });
  await ops.start();
  onTestFinished(async () => {
    await ops.stop();
    for (const it of [main, other]) {
      it.close();
      await it.database.close();
    }
    if (!beside) await database.close();
    await rm(folder, { recursive: true });
  });
  const { endpoints } = ops.scope({ tenantId: 'operator' }).health;
  const watch = (port: number) =>
    endpoints.register({
      ...{ name: 'main database', serviceType: 'http', host: '127.0.0.1', port, tags: ['main-database'] },
      ...{ retryCount: 1, expectedResponseTime: 30, checkInterval: 3_600 },
      conditions: [{ on: 'status', op: 'eq', value: 200, severity: 'degraded' }],
    });
  /** Checks an endpoint until it is found to be so: a check during which this process stood still finds nothing. */
  const finds = async (id: string, status: EndpointStatus): Promise<void> => {
    const found = async () => (await endpoints.check(id), (await endpoints.get(id)).lastStatus);
    await expect.poll(found).toBe(status);
  };
  const { runs } = ops.scope({ tenantId: 'acme' }).maintenance;
  return { database, main, other, endpoints, watch, finds, runs };
}

describe('maintenance and the health of a database', () => {
  it.each<[EndpointStatus, number]>([
    ['degraded', 1],
    ['critical', 2],
    ['offline', 3],
  ])('leaves one alone that is %s, says so, and goes on when that is over', async (status, worst) => {
    const { main, other, watch, finds, runs } = await setUp();
    const stand = await gauge();
    const { id } = await watch(stand.port);
    await stand.be(status);
    await finds(id, status);

    const { taskId } = await runs.beginRun('database_cleanup', {});
    const progress = async () => (await runs.get(taskId)).progress;
    await expect
      .poll(progress, { timeout: 30_000 })
      .toMatchObject({ state: 'paused', pausedBy: ['database_health:main'] });
    expect([main.left(), other.left()]).toEqual([50, 0]);
    expect((await runs.get(taskId)).log.map(({ message }) => message)).toContain(
      `Paused: database_health:main is ${status}; work goes on when that is over.`,
    );

    await stand.be('healthy');
    await finds(id, 'healthy');
    await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 30_000 }).toBe('completed');
    expect(await runs.get(taskId)).toMatchObject({
      ...{ itemsCleaned: 100, stopReason: 'drained' },
      progress: { pauses: [{ signal: 'database_health:main', unit: 'severity', times: 1, worst }] },
    });
    expect([main.left(), other.left()]).toEqual([0, 0]);
  });

  it('leaves none alone of which nothing is known', async () => {
    const { main, endpoints, watch, finds, runs } = await setUp();
    const stand = await gauge();
    const { id } = await watch(stand.port);
    await stand.be('critical');
    await finds(id, 'critical');
    await endpoints.pause(id);
    expect((await endpoints.get(id)).lastStatus).toBe('unknown');
    const run = await runs.run('database_cleanup', {});
    expect(run).toMatchObject({ status: 'completed', itemsCleaned: 100, progress: { pauses: [] } });
    expect(main.left()).toBe(0);
  });

  it('knows it in a process that does not monitor, too, and by the id of its endpoint', async () => {
    const monitoring = await setUp();
    const stand = await gauge();
    const { id: endpointId } = await monitoring.watch(stand.port);
    await stand.be('critical');
    await monitoring.finds(endpointId, 'critical');
    const { runs } = await setUp({ main: { tenantId: 'operator', endpointId } }, monitoring);
    const { taskId } = await runs.beginRun('database_cleanup', {});
    const pausedBy = async () => (await runs.get(taskId)).progress?.pausedBy;
    await expect.poll(pausedBy, { timeout: 30_000 }).toEqual(['database_health:main']);
  });

  it('goes on without an endpoint that is another tenant’s, or not there, and says so', async () => {
    const theirs = await setUp();
    const stand = await gauge();
    const { id: endpointId } = await theirs.watch(stand.port);
    await stand.be('critical');
    await theirs.finds(endpointId, 'critical');
    const { runs } = await setUp({ main: { tenantId: 'acme', endpointId } }, theirs);
    const run = await runs.run('database_cleanup', {});
    expect(run).toMatchObject({ status: 'completed', itemsCleaned: 100 });
    const { log } = await runs.get(run.taskId);
    expect(log.map(({ message }) => message)).toContain(
      'The signal database_health:main cannot be read: the run goes on without it.',
    );
  });

  it('refuses a name that no database has', async () => {
    await expect(setUp({ mian: { tenantId: 'operator', tag: 'main-database' } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
