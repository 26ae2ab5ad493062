// One command for many customers, on one database. Arguments: the database's URL, how many. Prints figures as JSON.
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle, kyselyLifecycleStore } from '@dotmac/lifecycle';

const [url, many = '100000'] = process.argv.slice(2);
const count = Number(many);
const database = databaseFromUrl(url);
const store = kyselyLifecycleStore(database);
const lifecycle = createLifecycle({ store, secret: 'a secret of the bench, of no worth!' });
await lifecycle.start();
const kysely = database.withTables();
const tenant = `bulk-${process.pid}`;
const scope = lifecycle.scope({ tenantId: tenant, actor: 'bench' });

const registration = { firstName: 'A', lastName: 'B', userType: 'residential' };
const { id: pattern } = await scope.customers.register({ ...registration, username: 'p', email: 'p@example.com' });
const row = await kysely.selectFrom('dotmac_customers').selectAll().where('id', '=', pattern).executeTakeFirstOrThrow();
for (let made = 0; made < count; made += 500) {
  const rows = Array.from({ length: Math.min(500, count - made) }, (_, index) => {
    const id = `${String(made + index).padStart(8, '0')}-0000-7000-8000-000000000000`;
    return { ...row, id, stage: 'active', username_key: id, email_key: id };
  });
  await kysely.insertInto('dotmac_customers').values(rows).execute();
}

/** Gives a command to all; customers a second. */
async function given(draft) {
  const startedAt = performance.now();
  const { id } = await scope.bulk.start({ filter: { stages: draft.stages }, ...draft });
  for (;;) {
    const { status, processed, changed } = await scope.bulk.get(id);
    if (status === 'completed') {
      if (!draft.dryRun && changed !== count) throw new Error(`only ${changed} of ${processed} were changed`);
      return Math.round(count / ((performance.now() - startedAt) / 1_000));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const input = { actionType: 'late' };
const figures = {
  dryRun: await given({ command: 'suspend', input, stages: ['active'], dryRun: true }),
  suspend: await given({ command: 'suspend', input, stages: ['active'], dryRun: false }),
  reactivate: await given({ command: 'reactivate', input, stages: ['suspended'], dryRun: false }),
  markChurning: await given({ command: 'markChurning', stages: ['active'], dryRun: false }),
};
// And with an outbox to write into.
await lifecycle.stop();
lifecycle.subscribe({ name: 'bench', events: ['customer.won_back'], deliver: () => undefined });
await lifecycle.start();
figures.winBackWithOutbox = await given({ command: 'winBack', stages: ['churning'], dryRun: false });
console.log(JSON.stringify(figures));
await lifecycle.stop();
await database.close();
process.exit(0);
