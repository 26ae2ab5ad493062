import { newId } from '@dotmac/core';
import { migrate } from '@dotmac/core/kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removedWebhookMigrations } from '../../src/store/kysely/removed-webhooks.js';
import type { DeliveryState } from '../../src/webhooks/delivery.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const states: readonly DeliveryState[] = ['pending', 'delivered', 'failed', 'skipped'];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a webhook that is removed, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { webhooks: {} });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const own = () => backend.store.tenant('acme').webhooks;
    const make = async () => (await run.acme.webhooks.create({ name: 'CRM', url: 'https://crm.example.com/in' })).id;
    /** A log of so many deliveries, in every state. */
    const logged = async (webhookId: string, count: number): Promise<string[]> => {
      const ids = Array.from({ length: count }, newId);
      await backend.store.transaction(async (trx) => {
        for (const [index, id] of ids.entries()) {
          const state = states[index % states.length] ?? 'pending';
          const of = {
            customerId: newId(),
            eventId: newId(),
            eventType: 'customer.suspended',
            eventAt: run.clock.now(),
          };
          const told = { attempts: 0, lastAttemptAt: null, lastFailure: null, deliveredAt: null };
          await own().addDelivery({ id, webhookId, ...of, state, ...told }, trx);
        }
      });
      return ids;
    };
    const kept = async (webhookId: string) => (await own().deliveries({ webhookId, limit: 2_000 })).items.length;

    it('is gone at once with its log, of which batch after batch is deleted afterwards', async () => {
      const [removed, other] = [await make(), await make()];
      const [pending = '', delivered = ''] = await logged(removed, 1_100);
      await logged(other, 8);
      await run.acme.webhooks.remove(removed);
      expect((await run.acme.webhooks.list()).map(({ id }) => id)).toEqual([other]);
      const { webhooks } = run.acme;
      const missing = { code: 'WEBHOOK_DELIVERY_NOT_FOUND' };
      for (const id of [pending, delivered]) {
        await expect(webhooks.delivery(id)).rejects.toMatchObject(missing);
        await expect(webhooks.replay(id)).rejects.toMatchObject(missing);
      }
      expect(await kept(removed)).toBe(1_100);
      const counts = [await backend.store.pruneRemovedWebhooks(500), await kept(removed)];
      expect(counts).toEqual([500, 600]);
      await until(async () => (await kept(removed)) === 0, run.clock, 60_000);
      expect(await kept(other)).toBe(8);
      expect(await backend.store.pruneRemovedWebhooks(500)).toBe(0);
    });

    it('leaves nothing that was noted for it while it was removed by an earlier version', async () => {
      const [gone, other] = [newId(), await make()];
      await logged(gone, 8);
      await logged(other, 8);
      const { database } = backend;
      // In memory nothing is of an earlier version.
      if (database) await migrate(database, { module: 'removing', migrations: removedWebhookMigrations });
      await until(async () => (await kept(gone)) === 0, run.clock, 60_000);
      expect(await kept(other)).toBe(8);
    });
  });
