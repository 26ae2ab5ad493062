// A process of its own that kills itself at a boundary. Arguments: database URL, ledger file, the title of the fate,
// customer, service, and the number of the boundary; at the end it says how many there were.
import { appendFileSync } from 'node:fs';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { withBoundaries } from './boundaries.js';
import { allTemplates, hostHooks, type Outside } from './every-kind.js';
import { fatal, fates } from './fates.js';
import { nothingDue } from './nothing-due.js';

const [, , url = '', ledger = '', title = '', customerId = '', serviceId = '', deadly = ''] = process.argv;
const fate = fates.find((each) => each.title === title);
if (!fate) throw new Error(`There is no fate "${title}".`);
const database = databaseFromUrl(url);
let passed = 0;
let isArmed = false;
const at = (boundary: string): void => {
  if (!isArmed || ++passed !== Number(deadly)) return;
  appendFileSync(ledger, `${JSON.stringify({ died: boundary })}\n`);
  process.kill(process.pid, 'SIGKILL');
};
const store = withBoundaries(kyselyLifecycleStore(database), at);
const outside: Outside = {
  called: (call) => {
    at('before the call');
    appendFileSync(ledger, `${JSON.stringify(call)}\n`);
    at('after the call');
  },
  complete: (token) => scope.provisioning.complete({ token }),
  cancel: (requestId) => scope.provisioning.cancel(requestId),
};
const lifecycle = createLifecycle({
  // Each minds its own: what others left behind is for who comes after them all.
  store: { ...store, ...nothingDue },
  templates: allTemplates(database, outside),
  ...(fate.hooked && { hooks: hostHooks(database, outside) }),
  dunning: [fatal],
  secret: 'a secret of more than 32 characters, for tests',
  leaseMs: 60_000,
  migrate: false,
});
const as = (actor: string) => lifecycle.scope({ tenantId: 'acme', actor });
const scope = as('user:1');
lifecycle.events.on(fate.events.at(-1) ?? 'service.failed', () => {
  process.stdout.write(String(passed));
  process.exit(0);
});
await lifecycle.start();
isArmed = true;
await fate.ask(scope, customerId, serviceId, as);
setInterval(() => undefined, 1_000);
