import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

type Key = 'port' | 'account';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a service that is being taken down while a step loses its compensate, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let undone: Key[];
    let isAway: boolean;
    let requestId: string;
    let serviceId: string;
    /** The same version, with the same steps, of which these are undone. */
    const start = async (...keys: Key[]): Promise<void> => {
      const step = (key: Key) => ({
        key,
        run: () => undefined,
        compensationRetry: { attempts: 100 },
        ...(keys.includes(key) && {
          compensate() {
            if (isAway) throw new Error('the device is away');
            undone.push(key);
          },
        }),
      });
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: [step('port'), step('account')],
      });
      run = await rig(backend, { templates: [template] });
    };
    const shown = () => run.acme.provisioning.get(requestId);
    const becomes = (status: string) => until(async () => (await shown()).runStatus === status, run.clock, 1_000);
    const isGone = () =>
      until(async () => (await run.acme.services.get(serviceId)).status === 'terminated', run.clock, 1_000);

    beforeEach(async () => {
      [backend, undone, isAway] = [await create(), [], false];
      await start('port', 'account');
      ({ id: serviceId } = await run.acme.services.request(await run.active(), { serviceName: 'internet' }));
      await until(async () => (await run.acme.services.get(serviceId)).status === 'active', run.clock);
      isAway = true;
      await run.acme.services.terminate(serviceId);
      // The account is the first to be undone, and is tried again.
      await until(async () => {
        requestId = (await run.acme.services.get(serviceId)).openRunId ?? '';
        const stored = await backend.store.tenant('acme').runs.get(requestId);
        return (stored?.steps[0]?.failures ?? 0) > 0;
      }, run.clock);
      await run.stop();
      isAway = false;
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it.each<[string, Key, Key[]]>([
      ['that is its turn', 'account', ['port']],
      ['that comes later', 'port', ['account']],
    ])('is stuck at one %s, and ends when that is skipped', async (_, lost, kept) => {
      await start(...kept);
      await becomes('stuck');
      const { steps } = await shown();
      expect(steps.find(({ status }) => status === 'failed')).toMatchObject({
        name: lost,
        error: expect.stringContaining(`the step ${lost}`) as unknown,
      });
      await run.acme.provisioning.skip(requestId);
      await isGone();
      expect(undone).toEqual(kept);
    });

    it('goes on where its compensate is there again, and it is retried', async () => {
      await start('port');
      await becomes('stuck');
      await run.stop();
      await start('port', 'account');
      await run.acme.provisioning.retry(requestId);
      await isGone();
      expect(undone).toEqual(['account', 'port']);
    });
  });
