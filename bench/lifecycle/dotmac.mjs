// The lifecycle as an application has it, on one database. Argument: the database's URL. Prints figures as JSON.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle, defineServiceTemplate, kyselyLifecycleStore } from '@dotmac/lifecycle';
import { z } from 'zod';
import { atOnce, lanes, offered, percentile, poolSize } from './measure.mjs';

const [url, isSmall] = process.argv.slice(2);
const size = isSmall ? 0.1 : 1;
// Timers of the lifecycle do not hold the process open.
setInterval(() => undefined, 1_000);
const database = databaseFromUrl(url, { poolSize, acquireTimeoutMs: 60_000 });
const tokens = new Map();
// When each run's step began; the next one begins when its end is stored.
const stepBegan = new Map();
const stepTimes = [];
const stepBegins = ({ requestId }) => {
  stepEnds(requestId);
  stepBegan.set(requestId, performance.now());
  return { requestId };
};
const stepEnds = (requestId) => {
  const began = stepBegan.get(requestId);
  if (began !== undefined) stepTimes.push(performance.now() - began);
};
const lifecycle = createLifecycle({
  store: kyselyLifecycleStore(database),
  secret: 'a secret of the bench, of no worth!',
  concurrency: 50,
  templates: [
    defineServiceTemplate({
      name: 'four-steps',
      config: z.object({}),
      steps: ['one', 'two', 'three', 'four'].map((key) => ({ key, run: stepBegins })),
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
lifecycle.events.on('service.provisioned', ({ data: { requestId } }) => {
  stepEnds(requestId);
  settled.count += 1;
  if (settled.count === settled.wanted) settled.done();
});
await lifecycle.start();
// Where another process delivers: what happens goes into the outbox, and nobody takes it out meanwhile.
const writer = createLifecycle({
  store: kyselyLifecycleStore(database),
  secret: 'a secret of the bench, of no worth!',
});
writer.subscribe({
  name: 'ledger',
  events: ['customer.suspended', 'customer.reactivated'],
  deliver: () => undefined,
});
const { suspension } = writer.scope({ tenantId: 'bench', actor: 'bench' });
const scope = lifecycle.scope({ tenantId: 'bench', actor: 'bench' });
let people = 0;
const person = () => {
  people += 1;
  const name = `user${people}`;
  return { username: name, email: `${name}@example.com`, firstName: 'A', lastName: 'B', userType: 'residential' };
};
const figures = {};

const ids = [];
const registered = await atOnce(2_000 * size, lanes, async () => {
  ids.push((await scope.customers.register(person())).id);
});
figures.registrations = registered.perSecond;
/** The median and the last hundredth of latencies in ms, as two figures. */
const latenciesOf = (name, times) => {
  const sorted = times.sort((a, b) => a - b);
  figures[`${name}P50`] = percentile(sorted, 0.5);
  figures[`${name}P99`] = percentile(sorted, 0.99);
};
latenciesOf('registrations', registered.times);

// Those who will be suspended and given services.
const active = [];
const waitFor = async (id) => {
  while (!tokens.has(id)) await new Promise((resolve) => setTimeout(resolve, 5));
  return tokens.get(id);
};
await atOnce(1_000 * size, lanes, async (index) => {
  const id = ids[index];
  await scope.verification.verify(id, { verificationToken: await waitFor(id), verificationType: 'email' });
  await scope.onboarding.onboard(id);
  active.push(id);
});

/** Everybody is suspended and comes back. */
const thereAndBack = async () => {
  const late = { actionType: 'late' };
  const away = await atOnce(active.length, lanes, (index) => suspension.suspend(active[index], late));
  const back = await atOnce(active.length, lanes, (index) => suspension.reactivate(active[index], late));
  return { perSecond: 2 / (1 / away.perSecond + 1 / back.perSecond), times: [...away.times, ...back.times] };
};
await thereAndBack();
const [once, again] = [await thereAndBack(), await thereAndBack()];
figures.transitions = 2 / (1 / once.perSecond + 1 / again.perSecond);
latenciesOf('transitions', [...once.times, ...again.times]);
// The other process has delivered them: what nobody takes would be looked through at every claim.
await database.withTables().deleteFrom('dotmac_outbox').where('subscriber', '=', 'ledger').execute();

/** So many services set up, fifty asked for at once. */
const setUp = async (runs) => {
  settled.wanted = settled.count + runs;
  const finished = new Promise((resolve) => (settled.done = resolve));
  const startedAt = performance.now();
  await Promise.all([
    finished,
    atOnce(runs, 50, (index) => scope.services.request(active[index % active.length], { serviceName: 'four-steps' })),
  ]);
  return (4 * runs) / ((performance.now() - startedAt) / 1_000);
};
await setUp(100 * size);
stepTimes.length = 0;
figures.steps = await setUp(500 * size);
latenciesOf('steps', stepTimes);

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
latenciesOf('registration', latencies);
latenciesOf('event', processing);

await lifecycle.stop();
await database.close();
console.log(JSON.stringify(figures));
process.exit(0);
