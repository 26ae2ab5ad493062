// A process of its own that sets up many services at once, until it is killed. Arguments: database URL, ledger file, and
// the customers to be served, if any.
import { appendFileSync } from 'node:fs';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { z } from 'zod';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';

const [, , url = '', ledger = '', ...customerIds] = process.argv;
const database = databaseFromUrl(url);
const note = (line: object): void => appendFileSync(ledger, `${JSON.stringify(line)}\n`);
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(database),
  templates: [
    defineServiceTemplate({
      name: 'internet',
      config: z.object({}),
      steps: ['a', 'b', 'c', 'd'].map((key) => ({
        key,
        run: ({ idempotencyKey }) => note({ idempotencyKey }),
      })),
    }),
  ],
  secret: 'a secret of more than 32 characters, for tests',
  concurrency: 20,
  leaseMs: 3_000,
  sweepMs: 200,
  migrate: false,
});
const { services } = lifecycle.scope({ tenantId: 'acme', actor: 'user:1' });
await lifecycle.start();
setInterval(() => undefined, 1_000);
await Promise.all(
  customerIds.map(async (customerId) => {
    const { id } = await services.request(customerId, { serviceName: 'internet' });
    note({ requested: id });
  }),
);
