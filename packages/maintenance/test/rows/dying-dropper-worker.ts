// A process that drops partitions and is killed before the Nth statement from the first by which one goes. Arguments: the
// database's URL, N. When there are fewer statements it ends by itself.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { droppingMaintenance } from '../support/dropping.js';

const [url = '', nth = ''] = process.argv.slice(2);
let steps = 0;
const database = databaseFromUrl(url);
const maintenance = droppingMaintenance(database, (statement) => {
  if (steps === 0 && !/^\s*alter table .* partition /.test(statement)) return;
  if (++steps === Number(nth)) process.kill(process.pid, 'SIGKILL');
});
await maintenance.start();
await maintenance.scope({ tenantId: 'acme' }).runs.run('database_cleanup', { vacuumAnalyze: false });
await maintenance.stop();
await database.close();
