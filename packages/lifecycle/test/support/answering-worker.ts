// A process of its own that dies once its command is committed, before it is answered. Arguments: database URL, customer,
// and whether the command comes by `code` or `http`, or is one for many: `bulk`. Or `verify`, and a token: then it dies once the
// attempt is counted, before anything comes of it.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { suspendOverHttp } from './over-http.js';

const [, , url = '', customerId = '', way = '', verificationToken = ''] = process.argv;
const die = (): void => void process.kill(process.pid, 'SIGKILL');
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(databaseFromUrl(url)),
  secret: 'a secret of more than 32 characters, for tests',
  hooks: { 'customer.verify': { before: die } },
  // What is begun for many is woken once it is committed.
  ...(way === 'bulk' && { waker: { start: () => undefined, wake: die, stop: () => Promise.resolve() } }),
});
lifecycle.events.on('customer.suspended', die);
await lifecycle.start();
if (way === 'bulk')
  await lifecycle
    .scope({ tenantId: 'acme', actor: 'user:7' })
    .bulk.start(
      { command: 'suspend', input: { actionType: 'non_payment' }, filter: {} },
      { idempotencyKey: 'retried' },
    );
else if (way === 'verify')
  await lifecycle
    .scope({ tenantId: 'acme', actor: 'user:7' })
    .verification.verify(customerId, { verificationToken }, { idempotencyKey: 'retried' });
else if (way === 'http') await suspendOverHttp(lifecycle, customerId, 'retried');
else
  await lifecycle
    .scope({ tenantId: 'acme', actor: 'user:7' })
    .suspension.suspend(customerId, { actionType: 'non_payment' }, { idempotencyKey: 'retried' });
