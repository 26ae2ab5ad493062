// A process of its own that dies in the middle of an operation on many. Arguments: database URL, where it dies.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';

const [, , url = '', where = ''] = process.argv;
const die = (): void => void process.kill(process.pid, 'SIGKILL');
let count = 0;
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(databaseFromUrl(url)),
  // With a hook customers are taken one by one.
  ...(where === 'in a transaction' && {
    hooks: { 'customer.suspend': { inTransaction: () => ((count += 1) === 30 ? die() : undefined) } },
  }),
});
if (where === 'after a batch') lifecycle.events.on('customer.suspended', die);
await lifecycle.start();
await lifecycle
  .scope({ tenantId: 'acme', actor: 'user:7' })
  .bulk.start({ command: 'suspend', input: { actionType: 'move' }, filter: {}, dryRun: false });
// Timers of the lifecycle do not hold the process open.
setInterval(() => undefined, 1_000);
