// A process that cleans a directory of very many files. Arguments: the directory, and how many. It makes them, empty, half of
// them in one folder, and says what came of the cleaning, and by how much its memory grew at the most.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { systemClock } from '@dotmac/core';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

const [directory = '', count = '0'] = process.argv.slice(2);
const [files, perFolder] = [Number(count), 1_000];
const fill = (folder: string, from: number, to: number): void => {
  mkdirSync(folder, { recursive: true });
  for (let i = from; i < to; i++) closeSync(openSync(`${folder}/${i}${i % 1_000 === 0 ? '.keep' : ''}`, 'w'));
};
fill(`${directory}/flat`, 0, files / 2);
for (let at = files / 2; at < files; at += perFolder) fill(`${directory}/many/${at}`, at, at + perFolder);

const monthMs = 30 * 86_400_000;
const maintenance = createMaintenance({
  store: memoryMaintenanceStore(),
  directories: [{ name: 'uploads', directory, maxAgeDays: 7, exclude: ['*.keep'], maxShare: 1 }],
  // A month later nobody has used them for long.
  clock: { ...systemClock, now: () => systemClock.now() + monthMs },
  startScheduler: false,
});
await maintenance.start();
const before = process.resourceUsage().maxRSS;
const result = await maintenance.scope({ tenantId: 'acme' }).runs.run('disk_cleanup', {});
const grown = process.resourceUsage().maxRSS - before;
const { status, itemsProcessed, itemsCleaned, errorMessage } = result;
process.send?.({ status, itemsProcessed, itemsCleaned, errorMessage, grownMb: grown / 1_024 });
await maintenance.stop();
process.disconnect?.();
