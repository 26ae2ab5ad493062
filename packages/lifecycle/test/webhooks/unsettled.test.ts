import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';
import { receiver } from '../support/receiver.js';

const hourMs = 3_600_000;

/** A store that cannot note what came of as many deliveries. */
function forgetful(store: LifecycleStore, times: number): LifecycleStore {
  const tenant: LifecycleStore['tenant'] = (tenantId) => {
    const own = store.tenant(tenantId);
    const settle: typeof own.webhooks.settle = (delivery, trx) =>
      times-- > 0 ? Promise.reject(new Error('the database is away')) : own.webhooks.settle(delivery, trx);
    return { ...own, webhooks: { ...own.webhooks, settle } };
  };
  return Object.create(store, { tenant: { value: tenant } }) as LifecycleStore;
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a delivery whose last attempt is never settled, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      run = await rig(
        { ...backend, store: forgetful(backend.store, 1) },
        { webhooks: { egress: { allow: ['loopback'] }, maxAttempts: 1 }, keptDays: { parked: 2 } },
      );
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('has failed, is replayed, and leaves nothing behind', async () => {
      const there = await receiver();
      const events = ['customer.registered'];
      const { id: webhookId } = await run.acme.webhooks.create({ name: 'CRM', url: there.url, events });
      await run.acme.customers.register(someone());
      const parked = async () => (await backend.store.webhookOutbox.parked('acme', { limit: 9 })).items.length;
      await until(async () => (await parked()) === 1, run.clock);
      const log = async () => (await run.acme.webhooks.deliveries(webhookId)).items;
      const failed = { state: 'failed', attempts: 1, lastFailure: 'never_settled', deliveredAt: null };
      expect(await log()).toMatchObject([failed]);

      const [delivery] = await log();
      await run.acme.webhooks.replay(delivery?.id ?? '');
      await until(async () => (await log())[0]?.state === 'delivered', run.clock);
      // The receiver knows by its id that it was there before.
      expect(there.received.map(({ id }) => id)).toEqual([delivery?.id, delivery?.id]);

      run.clock.set(run.clock.now() + 47 * hourMs);
      await run.clock.advance(600_000);
      expect(await parked()).toBe(1);
      run.clock.set(run.clock.now() + hourMs);
      await until(async () => (await parked()) === 0, run.clock, 10_000);
    });
  });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a delivery of a webhook that is removed while it is noted, on ${title}`, () => {
    it('is skipped, and goes with the log', async () => {
      const backend = await create();
      const { webhooks: kept } = backend.store.tenant('acme');
      const gone: string[] = [];
      /** Whoever reads the webhooks has them removed right after that. */
      const tenant: LifecycleStore['tenant'] = (tenantId) => {
        const own = backend.store.tenant(tenantId);
        const all: typeof own.webhooks.all = async () => {
          const found = await own.webhooks.all();
          for (const { id } of found) await backend.store.transaction((trx) => own.webhooks.remove(id, trx));
          gone.push(...found.map(({ id }) => id));
          return found;
        };
        return { ...own, webhooks: { ...own.webhooks, all } };
      };
      const run = await rig(backend, { webhooks: { egress: { allow: ['loopback'] }, keepDays: 2 } });
      const { id: webhookId } = await run.acme.webhooks.create({ name: 'CRM', url: (await receiver()).url });
      await run.stop();
      const store = Object.create(backend.store, { tenant: { value: tenant } }) as LifecycleStore;
      const removing = await rig({ ...backend, store }, { webhooks: { egress: { allow: ['loopback'] }, keepDays: 2 } });
      await removing.acme.customers.register(someone());
      const log = async () => (await kept.deliveries({ webhookId, limit: 9 })).items;
      await until(() => gone.includes(webhookId), run.clock);
      await until(async () => (await log()).some(({ state }) => state !== 'pending'), run.clock);
      expect((await log()).map(({ state }) => state)).toEqual(['skipped']);
      run.clock.set(run.clock.now() + 49 * hourMs);
      await until(async () => (await log()).length === 0, run.clock, 10_000);
      await removing.stop();
      await backend.close();
    });
  });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a delivery that another version noted in words of its own, on ${title}`, () => {
    it('has failed when it is given up, and is replayed', async () => {
      const backend = await create();
      const { store } = backend;
      const run = await rig(backend, { webhooks: { egress: { allow: ['loopback'] }, maxAttempts: 3 } });
      const there = await receiver();
      there.is.status = 503;
      const { id: webhookId } = await run.acme.webhooks.create({ name: 'CRM', url: there.url });
      const { id: customerId } = await run.acme.customers.register(someone());
      const log = async () => (await run.acme.webhooks.deliveries(webhookId)).items;
      await until(async () => (await log())[0]?.attempts === 1, run.clock);
      await store.transaction((trx) =>
        store.webhookOutbox.rewrite(
          'acme',
          [`${webhookId}/${customerId}`],
          (event) => ({ ...event, name: 'webhook.to_be_told' }),
          trx,
        ),
      );
      const parked = async () => (await store.webhookOutbox.parked('acme', { limit: 9 })).items;
      await until(async () => (await parked()).length > 0, run.clock, 1_000);
      expect((await parked()).map(({ reason }) => reason)).toEqual(['EVENT_NOT_UNDERSTOOD']);
      expect(await log()).toMatchObject([{ state: 'failed', attempts: 3, lastFailure: 'never_settled' }]);
      there.is.status = 204;
      await run.acme.webhooks.replay((await log())[0]?.id ?? '');
      await until(async () => (await log())[0]?.state === 'delivered', run.clock);
      await run.stop();
      await backend.close();
    });
  });
