// A scheduler at rest in a process of its own. Argument: how many schedules. Prints its figures as JSON.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from '@dotmac/core/kysely';
import { createMaintenance, kyselyMaintenanceStore } from '@dotmac/maintenance';

const [count, seconds] = process.argv.slice(2).map(Number);
const database = sqlite(join(mkdtempSync(join(tmpdir(), 'bench-')), 'schedules.db'));
// None of them comes due while it is measured.
const month = ((new Date().getUTCMonth() + 6) % 12) + 1;
const maintenance = createMaintenance({
  store: kyselyMaintenanceStore(database),
  schedules: Array.from({ length: count }, (_, index) => ({
    name: `schedule-${index}`,
    task: 'system_monitoring',
    cron: `${index % 60} ${Math.floor(index / 60) % 24} ${(index % 28) + 1} ${month} *`,
    timeZone: ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo'][index % 4],
    tenantId: `tenant-${index % 100}`,
  })),
});
const startedAt = performance.now();
await maintenance.start();
// Until all of them are planned.
await new Promise((resolve) => setTimeout(resolve, 15_000));
const startSeconds = (performance.now() - startedAt) / 1_000;
const before = process.cpuUsage();
const from = performance.now();
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const { user, system } = process.cpuUsage(before);
const share = (user + system) / 1e3 / (performance.now() - from);
await maintenance.stop();
await database.close();
console.log(JSON.stringify({ share, startSeconds, rssMb: process.memoryUsage.rss() / 2 ** 20 }));
process.exit(0);
