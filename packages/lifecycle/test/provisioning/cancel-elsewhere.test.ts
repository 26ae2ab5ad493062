import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle } from '../../src/lifecycle.js';
import type { LifecycleScope } from '../../src/scope.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const leaseMs = 30_000;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a run that another process cancels, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** Another process: it shares the store with the one that works, and nothing else. */
    let elsewhere: LifecycleScope;
    let calls: string[];
    let undo: () => Promise<void>;
    let renewals: number;
    const template = defineServiceTemplate({
      name: 'slow',
      config: z.object({}),
      steps: [
        {
          key: 'port',
          timeoutMs: 600_000,
          run: ({ signal }) =>
            new Promise((_, reject) => {
              calls.push('port');
              signal.addEventListener('abort', () => {
                calls.push('cut');
                reject(signal.reason as Error);
              });
            }),
          async compensate({ outcome, signal }) {
            calls.push(`release (${outcome})`);
            signal.addEventListener('abort', () => calls.push('release was cut'));
            await undo();
          },
        },
      ],
    });
    beforeEach(async () => {
      backend = await create();
      [calls, undo] = [[], () => Promise.resolve()];
      const { store } = backend;
      const { runLeases } = store;
      renewals = 0;
      const renew: typeof runLeases.renew = (...held) => runLeases.renew(...held).finally(() => renewals++);
      run = await rig(
        { ...backend, store: { ...store, runLeases: { ...runLeases, renew } } },
        { templates: [template], leaseMs },
      );
      const other = createLifecycle({ store, clock: run.clock, templates: [template], leaseMs });
      elsewhere = other.scope({ tenantId: 'acme', actor: 'user:2' });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    /** Time for a renewal, which then takes as long as it does. */
    const renewal = async (): Promise<void> => {
      const before = renewals;
      await run.clock.advance(leaseMs / 3);
      await until(() => renewals > before, run.clock, 0);
      // What it found is read after it.
      for (let turns = 0; turns < 5; turns++) await run.acme.provisioning.list();
    };
    const underWay = async (): Promise<string> => {
      const { id } = await run.acme.services.request(await run.active(), { serviceName: 'slow' });
      await until(() => calls.includes('port'), run.clock, 0);
      return id;
    };

    it('is cut short when its lease is renewed next, and undone', async () => {
      const id = await underWay();
      await renewal();
      await renewal();
      expect(calls).toEqual(['port']);
      await elsewhere.provisioning.cancel(id);
      await renewal();
      await until(() => calls.includes('cut'), run.clock, 0);
      await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'cancelled', run.clock, 1);
      expect(calls).toEqual(['port', 'cut', 'release (unknown)']);
    });

    it('is undone in peace, however many renewals that takes', async () => {
      let release = (): void => {};
      undo = () => new Promise((resolve) => (release = resolve));
      const id = await underWay();
      await elsewhere.provisioning.cancel(id);
      await renewal();
      await until(() => calls.includes('release (unknown)'), run.clock, 1);
      for (let count = 0; count < 3; count++) await renewal();
      release();
      await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'cancelled', run.clock, 1);
      expect(calls).toEqual(['port', 'cut', 'release (unknown)']);
    });

    it('is asked again as if the first time until it turns back, and undone as if nobody had asked again from then on', async () => {
      let release = (): void => {};
      undo = () => new Promise((resolve) => (release = resolve));
      const id = await underWay();
      const { customerId } = await run.acme.services.get(id);
      const { history, runs, services } = backend.store.tenant('acme');
      const left = async () => [
        await runs.get(id),
        await services.get(id),
        await history.list(customerId, { limit: 99 }),
      ];
      const key = { idempotencyKey: 'cancel once' };
      const first = await elsewhere.provisioning.cancel(id, key);
      const asked = await left();
      expect(await elsewhere.provisioning.cancel(id)).toEqual(first);
      expect(await left()).toEqual(asked);
      await renewal();
      await until(() => calls.includes('release (unknown)'), run.clock, 1);
      const undoing = await left();
      for (const scope of [run.acme, elsewhere])
        await expect(scope.provisioning.cancel(id)).rejects.toMatchObject({
          code: 'RUN_NOT_OPEN',
          details: { requestId: id, status: 'compensating' },
        });
      expect(await elsewhere.provisioning.cancel(id, key)).toEqual(first);
      expect(await left()).toEqual(undoing);
      await renewal();
      release();
      await until(async () => (await run.acme.provisioning.get(id)).runStatus === 'cancelled', run.clock, 1);
      expect(calls).toEqual(['port', 'cut', 'release (unknown)']);
      const names = (await history.list(customerId, { limit: 99 })).map(({ event }) => event.name);
      expect(names.filter((name) => name.startsWith('service.cancel'))).toEqual([
        'service.cancel_requested',
        'service.cancelled',
      ]);
    });
  });
