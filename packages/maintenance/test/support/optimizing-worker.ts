import { databaseFromUrl } from '@dotmac/core/kysely';
import { createMaintenance, kyselyMaintenanceStore } from '../../src/index.js';

/** A process that builds bloated indexes of the table `airy` anew: `worker URL`. */
const database = databaseFromUrl(process.argv[2] ?? '');
const maintenance = createMaintenance({
  store: kyselyMaintenanceStore(database),
  databases: { main: database },
  upkeep: [{ name: 'main', database: 'main', tables: ['airy'], apply: ['bloated_index'] }],
  startScheduler: false,
});
await maintenance.start();
await maintenance
  .scope({ tenantId: 'acme' })
  .runs.execute({ maintenanceType: 'performance_optimization', parameters: { apply: ['bloated_index'] } });
await maintenance.stop();
await database.close();
