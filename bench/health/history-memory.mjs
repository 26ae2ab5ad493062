// What endpoints take of the heap of the process that monitors them once their rings are full: every place of the last
// results and of the kept failures has been written. Prints KB per endpoint as JSON.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sqlite } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore, memoryHealthStore } from '@dotmac/health';

const { endpoints, keeps } = JSON.parse(process.argv[2]);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const liveBytes = () => {
  collect();
  return process.memoryUsage().heapUsed;
};
const rings = { recent: 100, issues: 20 };
const database = sqlite(join(mkdtempSync(join(tmpdir(), 'bench-')), 'history.db'));
const store = keeps === 'memory' ? memoryHealthStore() : kyselyHealthStore(database);
// What is noted is what the host says; an endpoint's own check is an hour away.
// It stands still for seconds while all of it is noted at once: nobody takes over meanwhile.
const quiet = { egress: { allow: ['loopback'] }, leaseTtlMs: 3_600_000 };
const health = createHealth({ store, ...quiet, keptResults: rings, maxPending: 2_000_000 });
const before = liveBytes();
await health.start();
const scope = health.scope({ tenantId: 'bench' });
const ids = [];
for (let at = 0; at < endpoints; at += 500) {
  const drafts = Array.from({ length: Math.min(500, endpoints - at) }, (_, index) => ({
    name: `endpoint ${at + index}`,
    host: '127.0.0.1',
    port: 9,
    serviceType: 'tcp',
    checkInterval: 3_600,
    retryCount: 10,
  }));
  for (const { id } of await scope.endpoints.registerMany(drafts)) ids.push(id);
}
const empty = liveBytes();
// A result of each second counts: so many seconds until now, every fifth of them a failure, as many as are kept.
const count = rings.recent + rings.issues;
const now = Date.now();
for (let at = 0; at < ids.length; at += 500) {
  const some = ids.slice(at, at + 500);
  for (let back = count; back > 0; back--)
    for (const id of some)
      scope.record(
        id,
        back % 5 === 0
          ? {
              status: 'degraded',
              responseTimeMs: 1_200 + back,
              message: 'It answered, slower than it may',
              at: now - back * 1_000,
            }
          : { status: 'healthy', responseTimeMs: 10 + back / 7, message: 'Connected', at: now - back * 1_000 },
      );
  // Settled, as it is once a minute.
  for (const id of some) await scope.history.results(id, { limit: 1 });
}
const kept = async (kind) => (await scope.history.results(ids.at(-1), { kind, limit: 500 })).items.length;
const full = [await kept('recent'), await kept('issues')];
const live = liveBytes();
await health.stop();
await database.close();
const kb = (bytes) => bytes / endpoints / 1_024;
console.log(JSON.stringify({ emptyKb: kb(empty - before), fullKb: kb(live - before), full }));
process.exit(0);
