import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BulkOperation } from '../../src/bulk/operation.js';
import type { Customer } from '../../src/customers/customer.js';
import { lifecycleErrors } from '../../src/errors.js';
import type { BulkStore, LifecycleStore } from '../../src/store/store.js';
import { anOperation } from '../../src/testing/bulk-cases.js';
import { backends, takesTurns, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';
import { waitingForLocks } from '../support/waiting-for-locks.js';

const person = {
  username: 'zebulon',
  email: 'zebulon@quuxmail.example',
  firstName: 'Zebulon',
  lastName: 'Quux',
  userType: 'residential',
};

/** A store in which something comes between the reading of a customer and whatever is done with what was read; once. */
function between(store: LifecycleStore, work: () => Promise<void>): LifecycleStore {
  let isDone = false;
  return {
    ...store,
    tenant(tenantId) {
      const inner = store.tenant(tenantId);
      const { customers } = inner;
      return {
        ...inner,
        customers: {
          ...customers,
          async get(customerId, trx) {
            const read = await customers.get(customerId, trx);
            if (!isDone) {
              isDone = true;
              await work();
            }
            return read;
          },
        },
      };
    },
  };
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`an erasure that comes between, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend);
      ({ id } = await run.acme.customers.register(person));
      await run.acme.customers.delete(id);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const erase = async (): Promise<void> => void (await run.acme.privacy.erase(id));

    describe('takes out what an operation on many said that ends meanwhile', () => {
      const running = (): BulkOperation =>
        anOperation('acme', {
          ...{ status: 'running', total: 1, startedAt: 5, filter: { search: person.username } },
          input: { actionType: 'late', reason: person.lastName },
        });
      const over = { status: 'completed', endedAt: 9 } as const;
      const left = () => ({ filter: { search: `erased ${id}` }, input: { reason: null }, erased: null });
      /** Until another waits for what is under way, or did not wait; where one transaction waits for the other, it does. */
      const overtaken = async (other: Promise<unknown>): Promise<void> => {
        const { database } = backend;
        if (!database || takesTurns.has(title)) return;
        let isOver = false;
        const end = () => void (isOver = true);
        other.then(end, end);
        await until(async () => isOver || (await waitingForLocks(database)) > 0);
      };

      it('where the end comes first', async () => {
        const { bulk } = backend.store.tenant('acme');
        const operation = running();
        await bulk.insert(operation);
        let erasing: Promise<void> | undefined;
        await backend.store.transaction(async (trx) => {
          expect(await bulk.advance({ ...operation, ...over }, operation, trx)).toBe(true);
          erasing = erase();
          await overtaken(erasing);
        });
        await erasing;
        expect(await bulk.get(operation.id)).toMatchObject({ ...over, ...left() });
      });

      /** A dry run that is over, and a store in which something comes with a reading of it that is to be run. */
      const counted = async (): Promise<string> => {
        const input = { actionType: 'late', reason: person.lastName };
        const started = await run.acme.bulk.start({ command: 'suspend', input, filter: { search: person.username } });
        await until(async () => (await run.acme.bulk.get(started.id)).status === 'completed', run.clock);
        await run.stop();
        return started.id;
      };
      const withGet = (around: (get: BulkStore['get']) => BulkStore['get']): Promise<Rig> => {
        const { store } = backend;
        const tenant: LifecycleStore['tenant'] = (tenantId) => {
          const inner = store.tenant(tenantId);
          return { ...inner, bulk: { ...inner.bulk, get: around(inner.bulk.get) } };
        };
        return rig({ ...backend, store: { ...store, tenant } });
      };

      it('or is run again, as it was read before', async () => {
        const operationId = await counted();
        let isDone = false;
        const other = await withGet((get) => async (...asked) => {
          const read = await get(...asked);
          const isTime = !isDone;
          isDone = true;
          if (isTime) await erase();
          return read;
        });
        const begun = await other.acme.bulk.run(operationId);
        await other.stop();
        expect(begun).toMatchObject({ filter: { search: `erased ${id}` }, input: { reason: null } });
        expect(await backend.store.tenant('acme').bulk.get(begun.id)).toMatchObject(left());
      });

      it.each([
        { under: 'no key', options: {} },
        { under: 'a key', options: { idempotencyKey: 'again' } },
      ])('or is run again under $under, and is read in time', async ({ options }) => {
        const operationId = await counted();
        const { bulk } = backend.store.tenant('acme');
        // Of a process whose clock is ahead: what is begun is not the last one.
        await bulk.insert({ ...running(), ...over, id: 'z'.repeat(26) });
        let erasing: Promise<void> | undefined;
        const other = await withGet((get) => async (wanted, trx) => {
          const read = await get(wanted, trx);
          if (trx && !erasing) await overtaken((erasing = erase()));
          return read;
        });
        const begun = await other.acme.bulk.run(operationId, options);
        await erasing;
        const shown = [await other.acme.bulk.get(begun.id)];
        if ('idempotencyKey' in options) shown.push(await other.acme.bulk.run(operationId, options));
        for (const view of shown)
          expect(view).toMatchObject({ id: begun.id, filter: { search: `erased ${id}` }, input: { reason: null } });
        await until(async () => (await other.acme.bulk.get(begun.id)).status === 'completed', run.clock);
        await other.stop();
        expect(await bulk.get(begun.id)).toMatchObject(left());
      });

      it('where the erasure does', async () => {
        const { bulk } = backend.store.tenant('acme');
        const operation = running();
        await bulk.insert(operation);
        let ending: Promise<boolean> | undefined;
        await backend.store.transaction(async (trx) => {
          await run.acme.privacy.erase(id, {}, { trx });
          ending = backend.store.transaction((own) => bulk.advance({ ...operation, ...over }, operation, own));
          await overtaken(ending);
        });
        expect(await ending).toBe(true);
        expect(await bulk.get(operation.id)).toMatchObject({ ...over, ...left() });
      });
    });

    it('has a hook that is run again told of nothing that it took away', async () => {
      const told: Customer[] = [];
      const hooks = { 'customer.update': { afterCommit: ({ state }: { state: Customer }) => void told.push(state) } };
      const another = await rig({ ...backend, store: between(backend.store, erase) }, { hooks });
      await another.acme.deliveries.replay(id, { hook: 'customer.update' });
      await until(() => told.length > 0, run.clock);
      expect(told).toEqual([expect.objectContaining({ id, email: `erased ${id}`, firstName: '', lastName: '' })]);
      await another.stop();
    });

    it('leaves nothing of a veto that was said of the customer before', async () => {
      const veto = async (): Promise<never> => {
        await erase();
        throw lifecycleErrors.CUSTOMER_EXISTS({ field: `email: ${person.email}` as 'email' });
      };
      const another = await rig(backend, { hooks: { 'customer.restore': { before: veto } } });
      const { bulk } = another.acme;
      const { id: operationId } = await bulk.start({
        command: 'restore',
        filter: { stages: ['deleted'] },
        dryRun: false,
      });
      await until(async () => (await bulk.get(operationId)).status === 'completed', run.clock);
      expect((await bulk.failures(operationId)).items).toEqual([{ id, code: 'CUSTOMER_EXISTS', message: '' }]);
      await another.stop();
    });
  });
