import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { runKey } from '../../src/store/store.js';
import { backends } from '../support/backends.js';
import { rig, until } from '../support/lifecycle.js';

const nothing = z.object({});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`workers of one run on ${title}`, () => {
    it('write nothing once their lease has passed to another', async () => {
      const backend = await create();
      const { store, clock: shared } = backend;
      const warnings: string[] = [];
      const logger = { debug() {}, info() {}, error() {}, warn: (_: object, text: string) => void warnings.push(text) };
      let wakeZombie = (): void => {};
      const calls: string[] = [];
      const templateOf = (worker: string) =>
        defineServiceTemplate({
          name: 'internet',
          config: nothing,
          steps: ['port', 'account'].map((key) => ({
            key,
            async run() {
              calls.push(`${worker} ${key}`);
              if (worker === 'zombie' && key === 'account')
                await new Promise<void>((resolve) => (wakeZombie = resolve));
              return worker;
            },
          })),
        });
      const living = await rig(backend, { templates: [templateOf('living')], leaseMs: 30_000 });
      const customerId = await living.active();
      await living.stop();
      // The zombie's own clock stands still: it neither renews its lease nor notices that it should have.
      const frozen = fakeClock(shared.now());
      const zombie = createLifecycle({ store, clock: frozen, logger, templates: [templateOf('zombie')] });
      await zombie.start();
      const { id } = await zombie.scope({ tenantId: 'acme' }).services.request(customerId, { serviceName: 'internet' });
      await until(() => calls.includes('zombie account'), frozen, 0);

      await living.module.start();
      shared.set(shared.now() + 31_000);
      await until(async () => (await living.acme.provisioning.get(id)).status === 'active', shared);
      const settled = await store.tenant('acme').runs.get(id);
      wakeZombie();
      await until(() => warnings.some((text) => text.includes('taken over')), frozen, 0);
      expect(await store.tenant('acme').runs.get(id)).toEqual(settled);
      expect(calls).toEqual(['zombie port', 'zombie account', 'living account']);
      expect(settled?.steps.map(({ output, attempts }) => [output, attempts])).toEqual([
        ['zombie', 1],
        ['living', 2],
      ]);
      await zombie.stop();
      await living.stop();
      await backend.close();
    });

    it('do each step once however often the run is woken, by however many', async () => {
      const backend = await create();
      const calls: string[] = [];
      const template = defineServiceTemplate({
        name: 'internet',
        config: nothing,
        steps: ['a', 'b', 'c', 'd'].map((key) => ({
          key,
          async run() {
            calls.push(key);
            await nextTurn();
          },
        })),
      });
      const one = await rig(backend, { templates: [template] });
      const customerId = await one.active();
      const two = await rig(backend, { templates: [template] });
      const { id } = await one.acme.services.request(customerId, { serviceName: 'internet' });
      const key = runKey('acme', id);
      const racers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => backend.store.runLeases.acquire(key, `racer ${index}`, 1_000)),
      );
      const winners = racers.flatMap((lease, index) => (lease ? [{ lease, index }] : []));
      expect(winners.length).toBeLessThanOrEqual(1);
      for (const { lease, index } of winners) await backend.store.runLeases.release(key, `racer ${index}`, lease.fence);
      await until(async () => (await two.acme.provisioning.get(id)).status === 'active', one.clock, 500);
      expect(calls).toEqual(['a', 'b', 'c', 'd']);
      await one.stop();
      await two.stop();
      await backend.close();
    });
  });
