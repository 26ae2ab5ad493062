import { describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { backends } from '../support/backends.js';
import { withBoundaries } from '../support/boundaries.js';
import { createHostTables, everyKind, type HostTables } from '../support/every-kind.js';
import { rig, until } from '../support/lifecycle.js';

const secret = 'a secret of more than 32 characters, for tests';

for (const { title, present, create } of backends.filter((it) => it.title !== 'memory'))
  describe.skipIf(!present)(`a worker held up past its lease at every boundary on ${title}`, () => {
    it('writes nothing any more when it comes back', async () => {
      const backend = await create();
      const { clock, url = '' } = backend;
      const database = backend.database ?? expect.unreachable();
      await createHostTables(database);
      /** What the outside is told does not matter here; who completes the step is whoever runs. */
      const templateFor = (lifecycle: () => Lifecycle) =>
        everyKind(
          database,
          () => undefined,
          async (token) =>
            lifecycle()
              .scope({ tenantId: 'acme', actor: 'user:1' })
              .provisioning.complete({ token })
              .catch(() => undefined),
        );
      const workers: Record<'living' | 'zombie', Lifecycle | undefined> = { living: undefined, zombie: undefined };
      const survivor = await rig(backend, {
        templates: [templateFor(() => workers.living ?? expect.unreachable())],
        secret,
        leaseMs: 30_000,
      });
      workers.living = survivor.module;
      const customerId = await survivor.active();
      await survivor.stop();

      /** Everything that a worker could have written of a run. */
      const stateOf = async (id: string) => {
        const { runs, services, customers, history } = backend.store.tenant('acme');
        return {
          run: await runs.get(id),
          service: await services.get(id),
          version: (await customers.get(customerId))?.version,
          events: (await history.list(customerId, { limit: 10_000 })).length,
          ports: await database.withTables<HostTables>().selectFrom('host_ports').selectAll().execute(),
        };
      };

      let boundaries = Infinity;
      const heldAt: string[] = [];
      for (let number = 1; number <= boundaries; number++) {
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
        const store = kyselyLifecycleStore(own, { clock });
        const zombie = createLifecycle({
          store: {
            ...withBoundaries(store, at),
            dueRuns: () => Promise.resolve([]),
            dueTimers: () => Promise.resolve([]),
          },
          clock: frozen,
          secret,
          leaseMs: 30_000,
          migrate: false,
          templates: [templateFor(() => workers.zombie ?? expect.unreachable())],
        });
        workers.zombie = zombie;
        await zombie.start();
        const scope = zombie.scope({ tenantId: 'acme', actor: 'user:1' });
        const { id } = await scope.services.request(customerId, { serviceName: 'every-kind' });
        // What the host asked for is asked; from here on it is the worker alone that writes.
        isArmed = true;
        await backend.store.transaction((trx) =>
          backend.store.tenant('acme').signals.add(
            {
              runId: id,
              stepKey: 'boss',
              by: 'user:1',
              kind: 'approve',
              comment: null,
              output: null,
              at: clock.now(),
            },
            trx,
          ),
        );
        const isOver = async () => (await backend.store.tenant('acme').runs.get(id))?.nextAt === null;
        await until(async () => isHeld || (await isOver()), frozen, 5);
        if (!isHeld) boundaries = number;

        clock.set(clock.now() + 31_000);
        await survivor.module.start();
        await until(isOver, clock);
        await survivor.stop();
        const settled = await stateOf(id);
        release();
        await zombie.stop();
        expect(await stateOf(id), `held up ${heldAt.at(-1) ?? 'nowhere'}`).toEqual(settled);
        expect(settled.run?.status).toBe('completed');
        expect(settled.ports.filter((port) => port.id === id)).toHaveLength(1);
        await own.close();
      }
      expect(heldAt.length).toBeGreaterThan(15);
      expect(new Set(heldAt)).toContain('before commit');
      await backend.close();
    }, 600_000);
  });
