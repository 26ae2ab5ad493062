// A process of its own, for tests to kill. Arguments: database URL, ledger file, `first` or `second`.
import { appendFileSync } from 'node:fs';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { z } from 'zod';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';

const [, , url = '', ledger = '', turn = ''] = process.argv;
const tokens = new Map<string, (token: string) => void>();

const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: ['port', 'account', 'mail'].map((key) => ({
    key,
    // One attempt: a crash is not a failure of the step.
    retry: { attempts: 1 },
    async run({ idempotencyKey }) {
      appendFileSync(ledger, `${JSON.stringify({ turn, key, idempotencyKey })}\n`);
      if (turn === 'first' && key === 'account') await new Promise(() => setInterval(() => undefined, 1_000));
      return { turn };
    },
  })),
});
const database = databaseFromUrl(url);
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(database),
  templates: [template],
  sweepMs: 300,
  sendVerification: ({ customerId, token }) => tokens.get(customerId)?.(token),
});
lifecycle.events.on('service.provisioned', async () => {
  await lifecycle.stop();
  await database.close();
  process.exit(0);
});
await lifecycle.start();
if (turn === 'first') {
  const { customers, verification, onboarding, services } = lifecycle.scope({ tenantId: 'acme' });
  const person = { username: 'neo', email: 'neo@example.com', firstName: 'T', lastName: 'A', userType: 'residential' };
  const { id } = await customers.register(person);
  const verificationToken = await new Promise<string>((resolve) => tokens.set(id, resolve));
  await verification.verify(id, { verificationToken, verificationType: 'email' });
  await onboarding.onboard(id);
  await services.request(id, { serviceName: 'internet' });
}
// Timers of the lifecycle do not hold the process open.
setInterval(() => undefined, 1_000);
