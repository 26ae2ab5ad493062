import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleOptions } from '../../src/options.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`operations on many, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let hook: () => Promise<void>;
    const begin = async (options: Partial<LifecycleOptions> = {}): Promise<void> => {
      run = await rig(backend, {
        templates: [
          defineServiceTemplate({
            name: 'internet',
            config: z.object({}),
            steps: [{ key: 'a', run: () => undefined }],
          }),
        ],
        hooks: { 'customer.markChurning': { before: () => hook() } },
        hookTimeoutMs: 86_400_000,
        ...options,
      });
    };
    beforeEach(async () => {
      backend = await create();
      hook = () => Promise.resolve();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const start = async (count: number): Promise<string[]> => {
      const ids: string[] = [];
      for (let index = 0; index < count; index++) {
        const draft = { command: 'markChurning', filter: { stage: 'inactive' }, dryRun: false } as const;
        ids.push((await run.acme.bulk.start(draft)).id);
      }
      return ids;
    };

    it('leave room for services and promises while all of them hang', async () => {
      await begin();
      const id = await run.active();
      await crowd(backend.store, 2, { stage: 'inactive' });
      await run.acme.suspension.suspend(id, { actionType: 'late' });
      await run.acme.suspension.promise(id, { actionType: 'late', until: run.clock.now() + 10_000 });
      let [asked, goOn] = [0, (): void => undefined];
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      hook = () => {
        asked += 1;
        return gate;
      };
      await start(16);
      await until(() => asked === 4, run.clock);
      const { id: serviceId } = await run.acme.services.request(id, { serviceName: 'internet' });
      await until(async () => (await run.acme.services.get(serviceId)).status === 'active', run.clock);
      await until(async () => (await run.acme.customers.read(id)).blocks[0]?.promisedUntil === null, run.clock);
      expect(asked).toBe(4);
      goOn();
    });

    it('take turns: none waits until another is over', async () => {
      await begin({ concurrency: 4 });
      await crowd(backend.store, 20, { stage: 'inactive' });
      hook = () => run.clock.sleep(1_000);
      const ids = await start(5);
      const now = () => Promise.all(ids.map((id) => run.acme.bulk.get(id)));
      await until(async () => (await now()).every(({ processed }) => processed > 0), run.clock);
      expect((await now()).every(({ status }) => status === 'running')).toBe(true);
      hook = () => Promise.resolve();
      await until(async () => (await now()).every(({ status }) => status === 'completed'), run.clock);
      expect((await now()).map(({ processed }) => processed)).toEqual([20, 20, 20, 20, 20]);
    });
  });
