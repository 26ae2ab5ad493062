import { afterEach, describe, expect, it } from 'vitest';
import { deliveries as table } from '../../src/events.js';
import type { LifecycleHooks } from '../../src/hooks.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what the afterCommit hooks are told of one customer, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let told: string[];
    let failures: number;
    const hooks: LifecycleHooks = {
      'customer.suspend': {
        afterCommit: ({ state }) => {
          told.push(`suspend ${state.id}`);
          if (failures-- > 0) throw new Error('no');
        },
      },
      'customer.reactivate': { afterCommit: ({ state }) => void told.push(`reactivate ${state.id}`) },
    };
    const begin = async (failing: number): Promise<string> => {
      backend = await create();
      [told, failures] = [[], failing];
      run = await rig(backend, { hooks, maxDeliveryAttempts: 3 });
      return run.active();
    };
    const suspendAndReactivate = async (id: string): Promise<void> => {
      await run.acme.suspension.suspend(id, { actionType: 'overdue' });
      await run.acme.suspension.reactivate(id, { actionType: 'overdue' });
    };
    const isTold = (what: string): Promise<void> => until(() => told.includes(what), run.clock);
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('waits for what came before, whichever hook that was for, and for nothing that another is told of', async () => {
      const id = await begin(0);
      const another = await run.active();
      await run.acme.suspension.suspend(another, { actionType: 'overdue' });
      failures = 2;
      await suspendAndReactivate(id);
      await run.acme.suspension.reactivate(another, { actionType: 'overdue' });
      await isTold(`reactivate ${id}`);
      await isTold(`reactivate ${another}`);
      const of = (each: string) => told.filter((line) => line.endsWith(each)).map((line) => line.split(' ')[0]);
      expect(of(id).at(-1)).toBe('reactivate');
      expect(of(another).at(-1)).toBe('reactivate');
      expect(told.filter((line) => line.startsWith('suspend'))).toHaveLength(4);
    });

    it('goes on past what was given up, and a hook that is run again comes last', async () => {
      const id = await begin(3);
      await suspendAndReactivate(id);
      await isTold(`reactivate ${id}`);
      const [suspend, reactivate] = [`suspend ${id}`, `reactivate ${id}`];
      expect(told).toEqual([suspend, suspend, suspend, reactivate]);
      const [parked] = (await run.acme.deliveries.parked()).items;
      expect(parked).toMatchObject({ subscriber: 'hook:customer.suspend', customerId: id, attempts: 3 });
      await run.acme.deliveries.replay(id, { hook: 'customer.suspend' });
      await until(() => told.length === 5, run.clock);
      expect(told.at(-1)).toBe(suspend);
      await run.acme.deliveries.retry(parked?.id ?? '');
      await until(() => told.length === 6, run.clock);
      expect(told.at(-1)).toBe(suspend);
    });

    it('is delivered as well when it was put there before hooks shared their order', async () => {
      const id = await begin(0);
      const state = await run.acme.customers.get(id);
      const event = table.encode(
        table.create('command.committed', {
          ...{ tenantId: 'acme', actor: 'user:1', subject: id, at: run.clock.now() },
          data: { command: 'customer.suspend', state: { ...state } },
        }),
      );
      await backend.store.outbox.append([{ subscriber: 'hook:customer.suspend', event }]);
      await isTold(`suspend ${id}`);
      expect(told).toEqual([`suspend ${id}`]);
    });

    it('does not wait for ever for a hook that is not there any more', async () => {
      const id = await begin(0);
      const event = table.encode(
        table.create('command.committed', {
          ...{ tenantId: 'acme', actor: 'user:1', subject: id, at: run.clock.now() },
          data: { command: 'customer.update', state: {} },
        }),
      );
      await backend.store.outbox.append([{ subscriber: 'hook:customer.update', event, lane: 'hooks' }]);
      await suspendAndReactivate(id);
      await isTold(`reactivate ${id}`);
      expect(told).toEqual([`suspend ${id}`, `reactivate ${id}`]);
    });
  });
