// The lifecycle as an application has it, on one database. Argument: the database's URL. Prints figures as JSON.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle, defineServiceTemplate, kyselyLifecycleStore } from '@dotmac/lifecycle';
import { z } from 'zod';
import { atOnce, offered, percentile } from './measure.mjs';

const [url, isSmall] = process.argv.slice(2);
const size = isSmall ? 0.1 : 1;
const database = databaseFromUrl(url);
const tokens = new Map();
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(database),
  secret: 'a secret of the bench, of no worth!',
  concurrency: 50,
  templates: [
    defineServiceTemplate({
      name: 'four-steps',
      config: z.object({}),
      steps: ['one', 'two', 'three', 'four'].map((key) => ({ key, run: ({ requestId }) => ({ requestId }) })),
    }),
  ],
  sendVerification: ({ customerId, token }) => void tokens.set(customerId, token),
});
const arrived = new Map();
const settled = { count: 0, wanted: Infinity, done: () => undefined };
lifecycle.subscribe({
  name: 'bench',
  events: ['customer.registered'],
  deliver: ({ subject }) => arrived.get(subject)?.(),
});
lifecycle.events.on('service.provisioned', () => {
  settled.count += 1;
  if (settled.count === settled.wanted) settled.done();
});
await lifecycle.start();
const scope = lifecycle.scope({ tenantId: 'bench', actor: 'bench' });
let people = 0;
const person = () => {
  people += 1;
  const name = `user${people}`;
  return { username: name, email: `${name}@example.com`, firstName: 'A', lastName: 'B', userType: 'residential' };
};
const figures = {};

const ids = [];
const registered = await atOnce(4_000 * size, 16, async () => {
  ids.push((await scope.customers.register(person())).id);
});
figures.registrations = registered.perSecond;

// Those who will be suspended and given services.
const active = [];
const waitFor = async (id) => {
  while (!tokens.has(id)) await new Promise((resolve) => setTimeout(resolve, 5));
  return tokens.get(id);
};
await atOnce(1_000 * size, 16, async (index) => {
  const id = ids[index];
  await scope.verification.verify(id, { verificationToken: await waitFor(id), verificationType: 'email' });
  await scope.onboarding.onboard(id);
  active.push(id);
});

const suspend = await atOnce(active.length, 16, (index) =>
  scope.suspension.suspend(active[index], { actionType: 'late' }),
);
const reactivate = await atOnce(active.length, 16, (index) =>
  scope.suspension.reactivate(active[index], { actionType: 'late' }),
);
figures.transitions = 2 / (1 / suspend.perSecond + 1 / reactivate.perSecond);

const runs = 500 * size;
const finished = new Promise((resolve) => (settled.done = resolve));
settled.wanted = runs;
const startedAt = performance.now();
await Promise.all([
  finished,
  atOnce(runs, 50, (index) => scope.services.request(active[index % active.length], { serviceName: 'four-steps' })),
]);
figures.steps = (4 * runs) / ((performance.now() - startedAt) / 1_000);

const processing = [];
const latencies = await offered(200, 10 * size, async () => {
  const before = performance.now();
  const { id } = await scope.customers.register(person());
  arrived.set(id, () => {
    processing.push(performance.now() - before);
    arrived.delete(id);
  });
});
while (processing.length < 200 * 10 * size * 0.99) await new Promise((resolve) => setTimeout(resolve, 20));
figures.registrationP50 = percentile(latencies, 0.5);
figures.registrationP99 = percentile(latencies, 0.99);
processing.sort((a, b) => a - b);
figures.eventP50 = percentile(processing, 0.5);
figures.eventP99 = percentile(processing, 0.99);

await lifecycle.stop();
await database.close();
console.log(JSON.stringify(figures));
process.exit(0);
