import { setTimeout as turn } from 'node:timers/promises';
import { coreErrors } from '@dotmac/core';
import { afterEach, describe, expect, it } from 'vitest';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { LifecycleHooks } from '../../src/hooks.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const policy = defineDunningPolicy({ name: 'standard', steps: [{ afterDays: 0, action: 'suspend' }] });
/** One that has the same reason. */
const rental = defineDunningPolicy({ name: 'rental', steps: [{ afterDays: 0, action: 'suspend' }] });
const veto = coreErrors.PERMISSION_DENIED({ permission: 'lifecycle:write' });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a payment, and a hook on reactivation, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    const begin = async (of: NonNullable<LifecycleHooks['customer.reactivate']>, dunning = [policy]): Promise<void> => {
      backend = await create();
      const hooks = { 'customer.reactivate': of };
      // A hook of a busy machine has the time that it takes: the clock runs ahead of it.
      run = await rig(backend, { dunning, sweepMs: 1_000, hookTimeoutMs: 3_600_000, hooks });
      id = await run.active();
      await run.acme.dunning.overdue(id, { invoiceId: 'A' });
      await until(async () => (await stage()) === 'suspended', run.clock);
    };
    const stage = async () => (await run.acme.customers.get(id)).lifecycleStage;
    const events = async () => (await run.acme.customers.summary(id)).lifecycleEvents;
    const happens = (name: string) =>
      until(async () => (await events()).some(({ eventType }) => eventType === name), run.clock);
    const noCase = [{ openedAt: null, invoices: [] }];
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it.each(['before', 'inTransaction'] as const)(
      'is recorded when the %s hook refuses, and says why',
      async (when) => {
        await begin({ [when]: () => Promise.reject(veto) });
        expect(await run.acme.dunning.paid(id, { invoiceId: 'A' })).toMatchObject({ openedAt: null, invoices: [] });
        await happens('customer.timer_skipped');
        expect(await run.acme.dunning.get(id)).toMatchObject(noCase);
        expect(await run.acme.timers.list(id)).toEqual([]);
        expect((await events()).slice(-2)).toMatchObject([
          { eventType: 'dunning.closed', actor: 'user:1' },
          { eventType: 'customer.timer_skipped', details: { timer: 'dunning:standard:paid', reason: veto.message } },
        ]);
        expect(await stage()).toBe('suspended');
      },
    );

    it('is recorded before a hook is asked that takes its time, reads and writes', async () => {
      const read: unknown[] = [];
      await begin({
        async before({ input: { customerId } }) {
          await turn(20);
          read.push(await run.acme.dunning.get(customerId));
          // Nothing is locked.
          await run.acme.customers.update(customerId, { firstName: 'Asked' });
        },
      });
      await run.acme.dunning.paid(id);
      await happens('customer.reactivated');
      expect(read).toMatchObject([noCase]);
      expect((await events()).map(({ eventType }) => eventType).slice(-3)).toEqual([
        'dunning.closed',
        'customer.updated',
        'customer.reactivated',
      ]);
      expect(await stage()).toBe('active');
    });

    it('lifts the reason once a hook that failed is there again', async () => {
      let [isBroken, asked] = [true, 0];
      await begin({
        before() {
          asked += 1;
          if (isBroken) throw new Error('the other system is down');
        },
      });
      await run.acme.dunning.paid(id);
      await until(() => asked > 0, run.clock);
      expect(await run.acme.dunning.get(id)).toMatchObject(noCase);
      isBroken = false;
      await until(async () => (await stage()) === 'active', run.clock, 1_000);
      expect(asked).toBeGreaterThan(1);
    });

    it.each(['standard', 'rental'])(
      'has the next invoice (%s) suspend the customer once the reason of those before is lifted',
      async (next) => {
        let [isBroken, asked] = [true, 0];
        const before = (): void => {
          asked += 1;
          if (isBroken) throw new Error('the other system is down');
        };
        await begin({ before }, [policy, rental]);
        await run.acme.dunning.paid(id);
        await run.acme.dunning.overdue(id, { invoiceId: 'B', policy: next });
        // Time enough for the step, were it not to wait.
        await until(() => asked > 1, run.clock, 1_000);
        isBroken = false;
        const isTaken = async () =>
          (await run.acme.dunning.get(id)).some((view) => view.policy === next && view.stepsTaken === 1);
        await until(isTaken, run.clock, 1_000);
        await happens('customer.reactivated');
        expect((await events()).map(({ eventType }) => eventType).slice(-4)).toEqual([
          'dunning.closed',
          'dunning.opened',
          'customer.reactivated',
          'customer.suspended',
        ]);
        expect(await stage()).toBe('suspended');
      },
    );
  });
