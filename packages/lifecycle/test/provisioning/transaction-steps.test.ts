import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleOptions } from '../../src/options.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, takesTurns, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const nothing = z.object({});
const internet = (steps: ServiceStep[], config: z.ZodObject = nothing) =>
  defineServiceTemplate({ name: 'internet', config, steps });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a step in a transaction, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let requestId: string;

    beforeEach(async () => {
      backend = await create();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const provision = async (options: Partial<LifecycleOptions>): Promise<void> => {
      run = await rig(backend, options);
      requestId = (await run.acme.services.request(await run.active(), { serviceName: 'internet' })).id;
    };
    const now = () => run.acme.provisioning.get(requestId);
    const becomes = (runStatus: string) => until(async () => (await now()).runStatus === runStatus, run.clock);
    const restart = async (options: Partial<LifecycleOptions>): Promise<void> => {
      let isOver = false;
      const stopping = run.stop().then(() => (isOver = true));
      await until(() => isOver, run.clock);
      await stopping;
      run = await rig(backend, options);
    };

    it('fails as others do when its configuration is none any more', async () => {
      const steps: ServiceStep[] = [
        { key: 'grace', waitMs: 3_600_000 },
        { key: 'row', runInTransaction: () => undefined, compensateInTransaction: () => undefined },
      ];
      await provision({ templates: [internet(steps)] });
      await becomes('waiting');
      await restart({ templates: [internet(steps, z.object({ vlan: z.int() }))] });
      run.clock.set(run.clock.now() + 3_600_000);
      await becomes('failed');
      expect((await now()).steps[1]).toMatchObject({ attempts: 3, error: expect.any(String) });
    });

    /** Hangs until its process is stopped, again and again. */
    let begun: number;
    const hangs = ({ signal }: { signal: AbortSignal }) => {
      begun += 1;
      return new Promise<void>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
    };
    const timeoutMs = 3_600_000;
    const given: [string, Partial<LifecycleOptions>, string][] = [
      ['done', { templates: [internet([{ key: 'row', timeoutMs, runInTransaction: hangs }])] }, 'failed'],
      [
        'undone',
        {
          templates: [
            internet([
              { key: 'row', timeoutMs, runInTransaction: () => undefined, compensateInTransaction: hangs },
              { key: 'port', retry: { attempts: 1 }, run: () => Promise.reject(new Error('no port')) },
            ]),
          ],
        },
        'stuck',
      ],
      [
        'a hook',
        {
          templates: [internet([{ key: 'row', runInTransaction: () => undefined }])],
          hooks: { 'operation.provision': { inTransaction: hangs } },
          hookTimeoutMs: timeoutMs,
        },
        'failed',
      ],
    ];
    it.each(given)('that is %s and takes its process with it is given up', async (_, options, end) => {
      begun = 0;
      // It is not its limit that ends it.
      const patient = { ...options, leaseMs: 600_000 };
      await provision(patient);
      for (let deaths = 1; deaths <= 11; deaths++) {
        await until(() => begun === deaths, run.clock);
        await restart(patient);
      }
      await becomes(end);
      expect(begun).toBe(11);
    });

    // Elsewhere the lease is renewed on another connection.
    if (!takesTurns.has(title)) return;
    it('is over before the lease is that cannot be renewed meanwhile', async () => {
      begun = 0;
      await provision({ templates: [internet([{ key: 'row', runInTransaction: hangs }])] });
      expect(backend.store.capabilities.parallelTransactions).toBe(false);
      // The one connection is the step's meanwhile: nothing is asked of the database.
      let hasFailed = false;
      run.module.events.on('service.failed', () => void (hasFailed = true));
      await until(() => hasFailed, run.clock, 20);
      expect([begun, (await now()).steps[0]]).toMatchObject([3, { attempts: 3, status: 'compensated' }]);
    });
  });
