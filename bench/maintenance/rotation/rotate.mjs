// One rotation with compression in a process of its own. Argument: the directory. Prints its figures as JSON.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createMaintenance, memoryMaintenanceStore } from '@dotmac/maintenance';

const [directory] = process.argv.slice(2);
const maintenance = createMaintenance({
  store: memoryMaintenanceStore(),
  logs: [{ name: 'app', directory }],
  startScheduler: false,
});
await maintenance.start();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let rssBytes = 0;
const watching = setInterval(() => (rssBytes = Math.max(rssBytes, process.memoryUsage.rss())), 50);
const startedAt = performance.now();
const result = await maintenance
  .scope({ tenantId: 'bench' })
  .runs.run('log_rotation', { maxSizeMb: 1, compressOldLogs: true });
const seconds = (performance.now() - startedAt) / 1_000;
clearInterval(watching);
delay.disable();
await maintenance.stop();
if (result.status !== 'completed') throw new Error(`${result.status}: ${result.errorMessage}`);
console.log(JSON.stringify({ seconds, rssMb: rssBytes / 2 ** 20, delayP99Ms: (delay.percentile(99) - 1e6) / 1e6 }));
process.exit(0);
