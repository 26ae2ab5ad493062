// What stands behind the two routes, so that every server does the same work.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore, uncheckedState } from '@dotmac/health';
import Database from 'better-sqlite3';

export const freshFile = () => join(mkdtempSync(join(tmpdir(), 'bench-')), 'bench.db');

/** A database with fifty endpoints of the tenant `bench` that were checked a while ago, for the summary to show. */
export async function seededDatabase() {
  const database = sqlite(freshFile());
  const store = kyselyHealthStore(database);
  const health = createHealth({ store, monitoring: false });
  await health.start();
  const { endpoints } = health.scope({ tenantId: 'bench' });
  const found = { status: 'healthy', responseTimeMs: 12.345, message: 'Answered HTTP 200' };
  const states = [];
  for (let index = 0; index < 50; index++) {
    const draft = { name: `endpoint ${index}`, host: 'gw.example.com', port: 443, serviceType: 'https' };
    const endpoint = await endpoints.register(draft);
    states.push({ ...uncheckedState, endpoint, ...found, checkedAt: Date.now() - 1_000 * index });
  }
  await store.settle({ states, results: [], deltas: [], incidents: [], events: [] });
  await health.stop();
  return database;
}

const iso = (ms) => (ms === null ? null : new Date(ms).toISOString());

/** dotmac's services, called from code: the same rows, events and transactions as behind its routes. */
async function services() {
  const store = kyselyHealthStore(await seededDatabase());
  const health = createHealth({ store, monitoring: false, maxEndpoints: 10_000_000 });
  await health.start();
  return {
    summary(tenantId) {
      const { details, ...figures } = health.scope({ tenantId, actor: 'bench' }).summary();
      return {
        overall_status: figures.overallStatus,
        total_endpoints: figures.totalEndpoints,
        healthy_count: figures.healthyCount,
        degraded_count: figures.degradedCount,
        critical_count: figures.criticalCount,
        offline_count: figures.offlineCount,
        unknown_count: figures.unknownCount,
        average_response_time: figures.averageResponseTime,
        timestamp: iso(figures.timestamp),
        details: details.map((it) => ({
          endpoint_id: it.endpointId,
          endpoint_name: it.endpointName,
          status: it.status,
          response_time: it.responseTime,
          message: it.message,
          checked_at: iso(it.checkedAt),
        })),
      };
    },
    async register(tenantId, body) {
      const made = await health.scope({ tenantId, actor: 'bench' }).endpoints.register({
        name: body.name,
        host: body.host,
        port: body.port,
        serviceType: body.service_type,
        checkInterval: body.check_interval,
        timeout: body.timeout,
        retryCount: body.retry_count,
        expectedResponseTime: body.expected_response_time,
      });
      return {
        id: made.id,
        tenant_id: made.tenantId,
        ...body,
        last_check: iso(made.lastCheck),
        last_status: made.lastStatus,
        created_at: iso(made.createdAt),
        updated_at: iso(made.updatedAt),
      };
    },
  };
}

/** The least that answers alike: a fixed summary, and one statement by hand without an event or a second look. */
function byHand() {
  const database = new Database(freshFile());
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.exec(
    'create table endpoints (tenant_id text, id text, name text, host text, port int, service_type text, check_interval real, timeout real, retry_count int, expected_response_time real, created_at int, updated_at int, primary key (tenant_id, id)) without rowid',
  );
  const insert = database.prepare(
    'insert into endpoints values (@tenant_id, @id, @name, @host, @port, @service_type, @check_interval, @timeout, @retry_count, @expected_response_time, @created_at, @updated_at)',
  );
  const details = Array.from({ length: 50 }, (_, index) => ({
    endpoint_id: crypto.randomUUID(),
    endpoint_name: `endpoint ${index}`,
    status: 'healthy',
    response_time: 0.012345,
    message: 'Answered HTTP 200',
    checked_at: iso(Date.now() - 1_000 * index),
  }));
  return {
    summary: () => ({
      overall_status: 'healthy',
      total_endpoints: details.length,
      healthy_count: details.length,
      degraded_count: 0,
      critical_count: 0,
      offline_count: 0,
      unknown_count: 0,
      average_response_time: 0.012345,
      timestamp: iso(Date.now()),
      details,
    }),
    register(tenantId, body) {
      const now = Date.now();
      const row = { tenant_id: tenantId, id: crypto.randomUUID(), ...body, created_at: now, updated_at: now };
      insert.run(row);
      return { ...row, last_check: null, last_status: 'unknown', created_at: iso(now), updated_at: iso(now) };
    },
  };
}

export const works = { services, byHand };
