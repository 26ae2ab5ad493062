// A process of its own that dies once its command is committed, before it is answered. Arguments: database URL, customer.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';

const [, , url = '', customerId = ''] = process.argv;
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(databaseFromUrl(url)),
  secret: 'a secret of more than 32 characters, for tests',
});
lifecycle.events.on('customer.suspended', () => void process.kill(process.pid, 'SIGKILL'));
await lifecycle.start();
await lifecycle
  .scope({ tenantId: 'acme', actor: 'user:7' })
  .suspension.suspend(customerId, { actionType: 'non_payment' }, { idempotencyKey: 'retried' });
