// A process of its own that dies once its command is committed, before it is answered. Arguments: database URL, customer,
// and whether the command comes by `code` or `http`.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { suspendOverHttp } from './suspend-over-http.js';

const [, , url = '', customerId = '', way = ''] = process.argv;
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(databaseFromUrl(url)),
  secret: 'a secret of more than 32 characters, for tests',
});
lifecycle.events.on('customer.suspended', () => void process.kill(process.pid, 'SIGKILL'));
await lifecycle.start();
if (way === 'http') await suspendOverHttp(lifecycle, customerId, 'retried');
else
  await lifecycle
    .scope({ tenantId: 'acme', actor: 'user:7' })
    .suspension.suspend(customerId, { actionType: 'non_payment' }, { idempotencyKey: 'retried' });
