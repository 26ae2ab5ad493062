import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import type { LifecycleContext } from '../../src/context.js';
import { freshStep } from '../../src/provisioning/plan.js';
import { causeOf } from '../../src/provisioning/run.js';
import { compensateStep } from '../../src/provisioning/steps/compensate.js';
import type { StepWork } from '../../src/provisioning/steps/result.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const vendor = defineErrors({
  REFUSED: { kind: 'conflict', message: ({ what }: { what: string }) => `${what} is refused.` },
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what a run is said to have failed of, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let told: unknown[];
    const broken = new Set<string>();
    const call = (what: string) => {
      if (broken.has(what)) throw vendor.REFUSED({ what });
    };
    const step = (key: string) => ({
      key,
      run: () => call(key),
      compensate: () => call(`undoing ${key}`),
      compensationRetry: { attempts: 1 },
    });
    const internet = defineServiceTemplate({
      name: 'internet',
      config: z.object({}),
      steps: [step('port'), step('account')],
      operations: { suspend: [step('garden'), step('mail')] },
    });
    beforeEach(async () => {
      [backend, told] = [await create(), []];
      broken.clear();
      run = await rig(backend, { templates: [internet] });
      for (const type of ['service.stuck', 'service.failed'] as const)
        run.module.events.on(type, ({ data }) => void told.push([type, data.step, data.error]));
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const becomes = (id: string, status: string) =>
      until(async () => (await run.acme.provisioning.get(id)).runStatus === status, run.clock);
    const toldOf = async (id: string) => {
      const { message } = await run.acme.provisioning.get(id);
      await until(() => told.length > 0, run.clock);
      return { told: told.splice(0), message };
    };
    const requested = async () => (await run.acme.services.request(await run.active(), { serviceName: 'internet' })).id;
    const somebodyHasToLook = (reason: string) => expect.stringMatching(`somebody has to look. ${reason}$`) as string;

    it('is the step that failed last, where one before was skipped', async () => {
      const id = await requested();
      await becomes(id, 'completed');
      for (const key of ['garden', 'mail']) broken.add(key);
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      const requestId = (await run.acme.services.get(id)).openRunId ?? expect.unreachable();
      await becomes(requestId, 'stuck');
      expect(await toldOf(requestId)).toEqual({
        told: [['service.stuck', 'garden', 'garden is refused.']],
        message: somebodyHasToLook('garden is refused.'),
      });
      await run.acme.provisioning.skip(requestId);
      await becomes(requestId, 'stuck');
      expect(await toldOf(requestId)).toEqual({
        told: [['service.stuck', 'mail', 'mail is refused.']],
        message: somebodyHasToLook('mail is refused.'),
      });
      const { steps } = await run.acme.provisioning.get(requestId);
      expect(steps.map(({ status, error }) => [status, error])).toEqual([
        ['skipped', 'garden is refused.'],
        ['failed', 'mail is refused.'],
      ]);
    });

    it.each(['retry', 'skip'] as const)(
      'is the step that failed, and what it said, once what was stuck on the way back is undone by a %s',
      async (mend) => {
        for (const stuckAt of ['port', 'account']) {
          for (const what of ['account', `undoing ${stuckAt}`]) broken.add(what);
          const id = await requested();
          await becomes(id, 'stuck');
          expect(await toldOf(id)).toEqual({
            told: [['service.stuck', stuckAt, `undoing ${stuckAt} is refused.`]],
            message: somebodyHasToLook(`undoing ${stuckAt} is refused.`),
          });
          const stuck = (await run.acme.provisioning.get(id)).steps.find(({ name }) => name === stuckAt);
          expect(stuck).toMatchObject({ error: `undoing ${stuckAt} is refused.` });
          broken.delete(`undoing ${stuckAt}`);
          await run.acme.provisioning[mend](id);
          await becomes(id, 'failed');
          expect(await toldOf(id)).toEqual({
            told: [['service.failed', 'account', 'account is refused.']],
            message: 'Setting the service up failed, and was undone. account is refused.',
          });
          const { steps } = await run.acme.provisioning.get(id);
          expect(steps.map(({ error }) => error)).toEqual([null, 'account is refused.']);
        }
      },
    );
  });

describe('what a step that undoing killed the process of is said to have failed of', () => {
  const failed = { ...freshStep('account'), status: 'failed' as const, error: 'account is refused.' };

  it('is undoing, when nobody tries it any more', async () => {
    const work = {
      run: { operation: 'provision' },
      step: { ...failed, compensationAttempts: 11 },
      definition: { key: 'account', run: () => undefined, compensate: () => undefined },
    };
    const { signal } = new AbortController();
    const { step } = await compensateStep({} as LifecycleContext, work as unknown as StepWork<never>, signal);
    expect(step.status).toBe('compensation_failed');
    expect(causeOf([step])).toEqual({ step: 'account', error: expect.stringContaining('account') as string });
    expect(causeOf([step]).error).not.toBe(failed.error);
  });

  it('is what it failed of ahead, once it is undone, also by a version that leaves the other as it was', () => {
    const undone = { ...failed, status: 'compensated' as const, compensationError: 'undoing account is refused.' };
    expect(causeOf([undone])).toEqual({ step: 'account', error: 'account is refused.' });
  });
});
