// What reading costs: the trend of one endpoint over 30 days, the summary of 10,000, and what a host asks of kept state.
// Prints milliseconds as JSON, and microseconds where the name says so.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore } from '@dotmac/health';
import { addCheck, emptyBucket } from '@dotmac/health/testing';

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const timed = async (work, rounds) => {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  return median(times);
};
const database = sqlite(join(mkdtempSync(join(tmpdir(), 'bench-')), 'reads.db'));
const store = kyselyHealthStore(database);
const health = createHealth({ store, monitoring: false, maxEndpoints: 100_000 });
await health.start();
const scope = health.scope({ tenantId: 'bench' });
const draft = (index) => ({ name: `endpoint ${index}`, host: 'gw.example.com', port: 443, serviceType: 'https' });
let id = '';
const ids = [];
for (let index = 0; index < 10_000; index++) {
  ({ id } = await scope.endpoints.register({ ...draft(index), tags: index % 1_000 ? [] : ['needed'] }));
  if (index % 1_000 === 0) ids.push(id);
}
/** One call takes less than the clock tells. */
const microseconds = async (work, rounds) => {
  const batch = () => {
    for (let call = 0; call < 1_000; call++) work();
  };
  return timed(batch, rounds);
};
const widths = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const counts = { minute: 3 * 1_440, hour: 35 * 24, day: 400 };
for (const [resolution, width] of Object.entries(widths)) {
  const deltas = Array.from({ length: counts[resolution] }, (_, back) => {
    const bucket = emptyBucket(Math.floor(Date.now() / width) * width - back * width);
    for (let check = 0; check < Math.min(width / 10_000, 2_000); check++)
      addCheck(bucket, { status: 'healthy', responseTimeMs: Math.exp(3 + Math.random() * 2) });
    return { tenantId: 'bench', endpointId: id, resolution, bucket };
  });
  for (let at = 0; at < deltas.length; at += 500)
    await store.settle({ states: [], chunks: [], deltas: deltas.slice(at, at + 500), incidents: [], events: [] });
}
const figures = {
  trend30Days: await timed(() => scope.history.trend(id, 720), 101),
  trend400Days: await timed(() => scope.history.trend(id, 9_600), 51),
  trendDay: await timed(() => scope.history.trend(id, 24), 51),
  summary: await timed(() => scope.summary(), 51),
  isUpUs: await microseconds(() => scope.isUp(id), 101),
  readinessUs: await microseconds(() => scope.readiness({ endpointIds: ids }), 51),
  readinessOfTagUs: await microseconds(() => scope.readiness({ tag: 'needed' }), 11),
};
await health.stop();
await database.close();
console.log(JSON.stringify(figures));
