// A whole monitor in a process of its own: endpoints, schedule, probes, judgement, SQLite. Told what to do by argv, it
// prints its figures as JSON at the end.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sqlite } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore } from '@dotmac/health';
import { Registry } from 'prom-client';

const { serviceType, port, endpoints, intervalSeconds, seconds, measureDelay = false } = JSON.parse(process.argv[2]);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const liveBytes = () => {
  collect();
  return process.memoryUsage().heapUsed;
};
const liveBefore = liveBytes();
const database = sqlite(join(mkdtempSync(join(tmpdir(), 'bench-')), 'health.db'));
const metrics = new Registry();
const store = kyselyHealthStore(database);
const health = createHealth({
  store,
  metrics,
  egress: { allow: ['loopback'] },
  concurrency: { total: 100, perTenant: 100, perHost: 100 },
  checkIntervals: { min: 1 },
  maxEndpoints: 1_000_000,
});
await store.migrate();
const now = Date.now();
await store.transaction(async (trx) => {
  const tenant = store.tenant('bench');
  for (let index = 0; index < endpoints; index++)
    await tenant.insert(
      {
        id: crypto.randomUUID(),
        tenantId: 'bench',
        name: `endpoint ${index}`,
        host: '127.0.0.1',
        port,
        serviceType,
        checkInterval: intervalSeconds,
        timeout: 5,
        retryCount: 3,
        expectedResponseTime: 1,
        recoveryCount: 1,
        recoveryResponseTime: null,
        minErrorTime: 0,
        recheckInterval: 1,
        config: {},
        conditions: [],
        tags: [],
        secrets: {},
        pausedAt: null,
        createdAt: now,
        updatedAt: now,
      },
      trx,
    );
});
await health.start();
const count = async () => {
  const [found] = (await metrics.getMetricsAsJSON()).filter(({ name }) => name === 'dotmac_health_checks_total');
  return found.values.reduce((sum, { value }) => sum + value, 0);
};
// The first round checks what was never checked, and everybody's status changes: figures are of the steady state, in which
// every endpoint is settled once a minute.
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  if ((await count()) >= endpoints) break;
}
await new Promise((resolve) => setTimeout(resolve, 61_000));
// Its timer costs more than many checks do.
const delay = monitorEventLoopDelay({ resolution: 1 });
if (measureDelay) delay.enable();
const madeBefore = await count();
metrics.resetMetrics();
const [cpuBefore, startedAt] = [process.cpuUsage(), performance.now()];
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const cpu = process.cpuUsage(cpuBefore);
const tookSeconds = (performance.now() - startedAt) / 1_000;
delay.disable();
const checks = await count();
const lag = (await metrics.getMetricsAsJSON()).find(({ name }) => name === 'dotmac_health_schedule_lag_seconds').values;
const total = lag.find(({ metricName }) => metricName.endsWith('_count')).value;
const p99 = lag.find(({ metricName, value }) => metricName.endsWith('_bucket') && value >= 0.99 * total).labels.le;
// At its peak since the process began, in KB: what is set up and the first round are in it.
const { maxRSS } = process.resourceUsage();
const liveKbPerEndpoint = (liveBytes() - liveBefore) / endpoints / 1_024;
const stopping = performance.now();
await health.stop();
const stopSeconds = (performance.now() - stopping) / 1_000;
const made = madeBefore + (await count());
const statuses = ['healthy', 'degraded', 'critical', 'offline', 'unknown'];
const stored = await database.kysely
  .selectFrom('dotmac_check_buckets')
  .where('resolution', '=', 'day')
  .select(({ fn }) => statuses.map((status) => fn.sum(`n_${status}`).as(status)))
  .executeTakeFirst();
await database.close();
const storedInAll = statuses.reduce((sum, status) => sum + Number(stored[status]), 0);
const healthy = Number(stored.healthy);
// Its targets are well: what finds anything else is no check that is to be compared.
if (healthy < 0.999 * storedInAll) throw new Error(`Not all were found healthy: ${JSON.stringify(stored)}`);
console.log(
  JSON.stringify({
    checks,
    perSecond: checks / tookSeconds,
    cpuPerThousand: (cpu.user + cpu.system) / 1e6 / (checks / 1_000),
    lagP99Ms: Number(p99) * 1_000,
    delayP99Ms: (delay.percentile(99) - 1e6) / 1e6,
    rssMb: maxRSS / 2 ** 10,
    liveKbPerEndpoint,
    made,
    stored: storedInAll,
    healthy,
    stopSeconds,
  }),
);
process.exit(0);
