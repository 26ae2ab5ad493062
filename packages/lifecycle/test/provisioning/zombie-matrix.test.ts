import { describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { isLong } from '../../../../test/support/length.js';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { backends } from '../support/backends.js';
import { withBoundaries } from '../support/boundaries.js';
import { crowd } from '../support/crowd.js';
import { createHostTables, everyKind, type HostTables } from '../support/every-kind.js';
import { fates, type Fate } from '../support/fates.js';
import { rig, until } from '../support/lifecycle.js';
import { nothingDue } from '../support/nothing-due.js';

const secret = 'a secret of more than 32 characters, for tests';
const leaseMs = 30_000;
const databases = backends.filter(({ title }) => title !== 'memory');
/** Forward and on the way back, of every operation, and whatever somebody cancels. */
const chosen = fates.filter(({ title }) =>
  [
    'provision',
    'provision, failing',
    'suspend',
    'throttle',
    'resume',
    'change_plan',
    'change_plan, failing',
    'deprovision',
    'cancel while it waits',
    'cancel in the middle of a step',
    'cancel in the middle of a change of plan',
  ].includes(title),
);

for (const [turn, { title, present, create }] of databases.entries())
  describe.skipIf(!present)(`a worker held up past its lease at every boundary on ${title}`, () => {
    it.each(chosen)(
      'of $title writes nothing any more when it comes back',
      async (fate) => {
        const backend = await create();
        const { clock, url = '', store } = backend;
        const { runs, services, customers, history } = store.tenant('acme');
        const database = backend.database ?? expect.unreachable();
        await createHostTables(database);
        /** What the outside is told does not matter here; who completes a step, or cancels, is whoever runs. */
        const outsideOf = (lifecycle: () => Lifecycle) => {
          const provisioning = () => lifecycle().scope({ tenantId: 'acme', actor: 'user:1' }).provisioning;
          return {
            called: () => undefined,
            complete: async (token: string) =>
              provisioning()
                .complete({ token })
                .catch(() => undefined),
            cancel: async (requestId: string) =>
              provisioning()
                .cancel(requestId)
                .catch(() => undefined),
          };
        };
        const workers: Record<'living' | 'zombie', Lifecycle | undefined> = { living: undefined, zombie: undefined };
        const living = everyKind(
          database,
          outsideOf(() => workers.living ?? expect.unreachable()),
        );
        const survivor = await rig(backend, { templates: [living], secret, leaseMs });
        workers.living = survivor.module;

        const isGiven = async (serviceId: string, access: string): Promise<boolean> => {
          const service = await services.get(serviceId);
          return service?.access === access && service.openRunId === null;
        };
        /** A customer to whom it happens; the survivor works meanwhile, and no longer. */
        const subject = async ({ given }: Fate) => {
          const [{ id: customerId } = expect.unreachable()] = await crowd(store, 1);
          let serviceId = '';
          if (given) {
            serviceId = (await survivor.acme.services.request(customerId, { serviceName: 'every-kind' })).id;
            await survivor.acme.provisioning.decide(serviceId, { step: 'boss', decision: 'approve' });
            await until(() => isGiven(serviceId, 'full'), clock);
          }
          if (given === 'suspended') {
            await survivor.acme.services.suspend(serviceId, { actionType: 'abuse' });
            await until(() => isGiven(serviceId, 'suspended'), clock);
          }
          await survivor.stop();
          return { customerId, serviceId, version: (await customers.get(customerId))?.version ?? 0 };
        };

        let boundaries = Infinity;
        const heldAt: string[] = [];
        for (let number = 1; number <= boundaries; number++) {
          // Each boundary on one of the databases; `npm run test:long` has each on all of them.
          if (!isLong && number % databases.length !== turn && number > 1) continue;
          const { customerId, serviceId, version } = await subject(fate);
          // A connection of its own: being held up holds nobody else up.
          const own = databaseFromUrl(url);
          let passed = 0;
          let isHeld = false;
          let release = (): void => {};
          let isArmed = false;
          const at = (boundary: string): Promise<void> | undefined => {
            // Inside a transaction the database itself would be held.
            if (!isArmed || boundary.endsWith('inside a transaction') || ++passed !== number) return undefined;
            [isHeld] = [true, heldAt.push(boundary)];
            return new Promise((resolve) => (release = resolve));
          };
          // Its own clock stands still: it neither renews its lease nor notices that it should have.
          const frozen = fakeClock(clock.now());
          const zombie = createLifecycle({
            store: {
              ...withBoundaries(kyselyLifecycleStore(own, { clock }), at),
              ...nothingDue,
            },
            clock: frozen,
            secret,
            leaseMs,
            migrate: false,
            templates: [
              everyKind(
                database,
                outsideOf(() => workers.zombie ?? expect.unreachable()),
              ),
            ],
          });
          workers.zombie = zombie;
          await zombie.start();
          /** Everything that a worker could have written. */
          const state = async () => ({
            runs: (await runs.list({ limit: 1_000 })).items.filter((run) => run.customerId === customerId),
            services: (await services.list({ customerId, limit: 9 })).items,
            version: (await customers.get(customerId))?.version,
            events: await history.list(customerId, { limit: 10_000 }),
            ports: await database.withTables<HostTables>().selectFrom('host_ports').selectAll().orderBy('id').execute(),
          });
          const events = async () =>
            (await history.readFrom(customerId, { after: version, limit: 100 })).map(({ event }) => event.name);
          const isOver = async () => (await events()).includes(fate.events.at(-1) ?? 'service.failed');
          const as = (actor: string) => zombie.scope({ tenantId: 'acme', actor });
          // What the host asks for is asked; from then on it is the worker alone that writes.
          const asking = fate.ask(as('user:1'), customerId, serviceId, as);
          let isAsked = false;
          const asked = asking.finally(() => (isAsked = isArmed = true));
          await until(() => isAsked, frozen, 5);
          await asked;
          await until(async () => isHeld || (await isOver()), frozen, 5);
          if (!isHeld) boundaries = number;

          clock.set(clock.now() + leaseMs + 1_000);
          await survivor.module.start();
          await until(isOver, clock);
          const settled = await state();
          release();
          let isStopped = false;
          void zombie.stop().then(() => (isStopped = true));
          await until(() => isStopped, frozen, 5);
          expect(await state(), `held up ${heldAt.at(-1) ?? 'nowhere'}`).toEqual(settled);
          expect(settled.services).toMatchObject([{ ...fate.leaves, openRunId: null }]);
          expect(await events()).toEqual(fate.events);
          expect(
            settled.ports.map(({ id }) => id).filter((id) => id.startsWith(settled.services[0]?.id ?? '')),
          ).toEqual(fate.rows.map((suffix) => `${settled.services[0]?.id ?? ''}${suffix}`));
          await own.close();
        }
        expect(heldAt.length).toBeGreaterThan(0);
        await survivor.stop();
        await backend.close();
      },
      600_000,
    );
  });
