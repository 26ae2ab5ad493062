import { describe, expect, it } from 'vitest';
import { backends } from '../support/backends.js';
import { rig, someone, until } from '../support/lifecycle.js';
import { receiver } from '../support/receiver.js';
import type { DisabledWebhook } from '../../src/webhooks/sending.js';

const hourMs = 3_600_000;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a webhook that takes nothing for days, on ${title}`, () => {
    it('is switched off once, which the host is told at least once; enabled again, it has as long as a new one', async () => {
      const backend = await create();
      const notices: DisabledWebhook[] = [];
      const onDisabled = (notice: DisabledWebhook): void => {
        if (notices.push(notice) === 1) throw new Error('not now');
      };
      const webhooks = { egress: { allow: ['loopback' as const] }, maxAttempts: 2, onDisabled };
      const run = await rig(backend, { webhooks });
      const own = run.acme.webhooks;
      const there = await receiver();
      const { id } = await own.create({ name: 'CRM', url: there.url });
      const now = () => own.get(id);
      const log = async () => (await own.deliveries(id)).items;
      const happens = async (state: string): Promise<void> => {
        const { id: customerId } = await run.acme.customers.register(someone());
        const of = async () => (await log()).find((it) => it.customerId === customerId);
        await until(async () => (await of())?.state === state, run.clock, 1_000);
      };

      there.is.status = 503;
      await happens('failed');
      const { failingSince } = await now();
      expect(failingSince).not.toBeNull();
      run.clock.set(run.clock.now() + 60 * hourMs);
      await happens('failed');
      expect(await now()).toMatchObject({ enabled: true, failingSince, disabledAt: null });
      // One that is taken in between begins the count anew.
      there.is.status = 204;
      await happens('delivered');
      await until(async () => (await now()).failingSince === null, run.clock);
      run.clock.set(run.clock.now() + 70 * hourMs);
      there.is.status = 503;
      await happens('failed');
      expect(await now()).toMatchObject({ enabled: true, disabledAt: null });

      const since = (await now()).failingSince;
      run.clock.set(run.clock.now() + 120 * hourMs);
      await Promise.all(Array.from({ length: 10 }, () => run.acme.customers.register(someone())));
      await until(async () => !(await now()).enabled, run.clock, 1_000);
      const { disabledAt } = await now();
      expect((disabledAt ?? 0) - (since ?? 0)).toBeGreaterThanOrEqual(120 * hourMs);
      await until(() => notices.length === 2, run.clock, 1_000);
      const notice = { tenantId: 'acme', webhookId: id, name: 'CRM', failingSince: since, disabledAt };
      for (const told of notices) expect(told).toEqual({ ...notice, lastFailure: 'status_503' });
      // What was on its way, and what happens from now on, can be replayed.
      await until(async () => (await log()).every(({ state }) => state !== 'pending'), run.clock, 1_000);
      await happens('skipped');

      there.is.status = 204;
      expect(await own.update(id, { enabled: true })).toMatchObject({ failingSince: null, disabledAt: null });
      await happens('delivered');
      there.is.status = 503;
      await happens('failed');
      expect(await now()).toMatchObject({ enabled: true });
      await run.clock.advance(60_000);
      expect(notices).toHaveLength(2);
      await run.stop();
      await backend.close();
    });

    it('has as long as a new one where it is pointed elsewhere meanwhile', async () => {
      const backend = await create();
      const webhooks = { egress: { allow: ['loopback' as const] }, maxAttempts: 1, disableAfterHours: 120 };
      const run = await rig(backend, { webhooks });
      const own = run.acme.webhooks;
      const there = await receiver();
      there.is.status = 503;
      const { id } = await own.create({ name: 'CRM', url: `${there.url}/old` });
      const fails = async (): Promise<void> => {
        const before = (await own.deliveries(id, { state: 'failed' })).items.length;
        await run.acme.customers.register(someone());
        const failed = async () => (await own.deliveries(id, { state: 'failed' })).items.length;
        await until(async () => (await failed()) > before, run.clock, 1_000);
      };
      await fails();
      await until(async () => (await own.get(id)).failingSince !== null, run.clock);
      run.clock.set(run.clock.now() + 121 * hourMs);
      expect(await own.update(id, { name: 'CRM of Essen' })).toMatchObject({ failingSince: expect.any(Number) });
      expect(await own.update(id, { url: `${there.url}/new` })).toMatchObject({ enabled: true, failingSince: null });
      await fails();
      await until(async () => (await own.get(id)).failingSince !== null, run.clock);
      expect(await own.get(id)).toMatchObject({ enabled: true, disabledAt: null });
      run.clock.set(run.clock.now() + 121 * hourMs);
      await fails();
      await until(async () => !(await own.get(id)).enabled, run.clock, 1_000);
      const { disabledAt } = await own.get(id);
      // Elsewhere it is still off.
      expect(await own.update(id, { url: there.url })).toMatchObject({ enabled: false, disabledAt });
      await run.stop();
      await backend.close();
    });
  });
