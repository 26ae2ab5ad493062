import { systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, kyselyMaintenanceStore } from '../../src/index.js';
import { cleanedByWorker, leaseTtlMs } from './cleaning-policies.js';

/** A process that cleans: `worker URL POLICY [MOMENT]`. It says when it is at a batch, and may stop itself there. */
const [url = '', policy = '', moment = 'never', directory = ''] = process.argv.slice(2);
const database = databaseFromUrl(url);
let [predicates, rests] = [0, 0];

const stopAt = (here: string): void => {
  if (here !== moment) return;
  process.stdout.write('stopped\n');
  process.kill(process.pid, 'SIGSTOP');
};
/** The rest after a batch is where nothing is open. */
const clock: Clock = {
  ...systemClock,
  sleep(delayMs, signal) {
    rests += 1;
    process.stdout.write('batch\n');
    stopAt(`rest-${rests}`);
    return systemClock.sleep(delayMs, signal);
  },
};
const maintenance = createMaintenance({
  store: kyselyMaintenanceStore(database),
  databases: { main: database },
  // The predicate is asked for while a batch is being put together, in its transaction.
  retention: cleanedByWorker(directory, () => stopAt(`predicate-${++predicates}`)),
  clock,
  leaseTtlMs,
  startScheduler: false,
});
await maintenance.start();
process.stdout.write('ready\n');
const result = await maintenance
  .scope({ tenantId: 'acme' })
  .runs.run('database_cleanup', { policies: [policy], vacuumAnalyze: false });
process.stdout.write(`ended ${result.status} ${result.itemsCleaned}\n`);
await maintenance.stop();
await database.close();
