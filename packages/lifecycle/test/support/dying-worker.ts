// A process of its own that kills itself at a boundary. Arguments: database URL, ledger file, customer, `fail` or `ok`,
// and the number of the boundary; at the end of the run it says how many there were.
import { appendFileSync } from 'node:fs';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { withBoundaries } from './boundaries.js';
import { everyKind } from './every-kind.js';

const [, , url = '', ledger = '', customerId = '', how = '', fatal = ''] = process.argv;
const database = databaseFromUrl(url);
let passed = 0;
let isArmed = false;
const at = (boundary: string): void => {
  if (!isArmed || ++passed !== Number(fatal)) return;
  appendFileSync(ledger, `${JSON.stringify({ died: boundary })}\n`);
  process.kill(process.pid, 'SIGKILL');
};
const store = withBoundaries(kyselyLifecycleStore(database), at);
const template = everyKind(
  database,
  (call) => {
    at('before the call');
    appendFileSync(ledger, `${JSON.stringify(call)}\n`);
    at('after the call');
  },
  (token) => scope.provisioning.complete({ token }),
);
const lifecycle = createLifecycle({
  // Each minds its own run: what others left behind is for who comes after them all.
  store: { ...store, dueRuns: () => Promise.resolve([]), dueTimers: () => Promise.resolve([]) },
  templates: [template],
  secret: 'a secret of more than 32 characters, for tests',
  leaseMs: 60_000,
  migrate: false,
});
const scope = lifecycle.scope({ tenantId: 'acme', actor: 'user:1' });
for (const name of ['service.provisioned', 'service.failed'] as const)
  lifecycle.events.on(name, () => {
    process.stdout.write(String(passed));
    process.exit(0);
  });
await lifecycle.start();
isArmed = true;
const { id } = await scope.services.request(customerId, {
  serviceName: 'every-kind',
  customConfig: { fail: how === 'fail' },
});
await scope.provisioning.decide(id, { step: 'boss', decision: 'approve' });
setInterval(() => undefined, 1_000);
