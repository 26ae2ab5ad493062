import fc from 'fast-check';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { isOperationError, type Clock } from '@dotmac/core';
import { isLong } from '../../../../test/support/length.js';
import { createLifecycle } from '../../src/lifecycle.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { LifecycleScope } from '../../src/scope.js';
import type { ServiceAccess } from '../../src/services/instance.js';
import { hasLeft, nextOperation, type OperationName } from '../../src/services/operation.js';
import { backends } from '../support/backends.js';
import { expectFolded } from '../support/folded.js';
import { rig, until } from '../support/lifecycle.js';

interface Who {
  customerId: string;
  serviceId: string;
}
type Act = (scope: LifecycleScope, who: Who) => Promise<unknown>;

const slowly = { severity: 'throttle' } as const;
const openRun = async ({ services }: LifecycleScope, { serviceId }: Who) =>
  (await services.get(serviceId)).openRunId ?? 'none';
const cancel: Act = async (scope, who) => scope.provisioning.cancel(await openRun(scope, who));
/** What reasons may be opened and lifted. */
const reasons: Record<string, Act> = {
  suspend: ({ suspension }, { customerId }) => suspension.suspend(customerId, { actionType: 'unpaid' }),
  'suspend otherwise': ({ suspension }, { customerId }) => suspension.suspend(customerId, { actionType: 'abuse' }),
  slow: ({ suspension }, { customerId }) => suspension.suspend(customerId, { actionType: 'unpaid', ...slowly }),
  reactivate: ({ suspension }, { customerId }) => suspension.reactivate(customerId, { actionType: 'unpaid' }),
  'suspend it': ({ services }, { serviceId }) => services.suspend(serviceId, { actionType: 'own' }),
  'slow it': ({ services }, { serviceId }) => services.suspend(serviceId, { actionType: 'own', ...slowly }),
  'resume it': ({ services }, { serviceId }) => services.resume(serviceId, { actionType: 'all' }),
};
/** What ends a service, or brings its customer back. */
const endings: Record<string, Act> = {
  'end it': ({ services }, { serviceId }) => services.terminate(serviceId),
  leave: ({ customers }, { customerId }) => customers.deactivate(customerId),
  delete: ({ customers }, { customerId }) => customers.delete(customerId),
  return: async ({ customers }, { customerId }) => customers.winBack(customerId),
};
const acts: Record<string, Act> = { ...reasons, ...endings, cancel };

interface Lot {
  commands: string[];
  turns: number;
}

const command = fc.oneof(
  { weight: 8, arbitrary: fc.constant('cancel') },
  { weight: 8, arbitrary: fc.constantFrom(...Object.keys(reasons)) },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(endings)) },
);
/** Commands that are given at once, one such lot after another, and how far the worker gets in between. */
const lots = fc.array(fc.record({ commands: fc.array(command, { minLength: 1, maxLength: 3 }), turns: fc.nat(8) }), {
  minLength: 2,
  maxLength: 12,
});

const one = (command: string, turns = 0): Lot => ({ commands: [command], turns });
/** Through the rare ones for certain: a reason that is spared, and opened anew; one who left, whose service is kept. */
const examples: [Lot[]][] = [
  [[one('suspend'), one('cancel', 12), one('reactivate'), one('suspend')]],
  [[one('leave'), one('cancel', 12), one('end it'), one('cancel', 12), one('delete')]],
  [[one('suspend it', 12), one('resume it', 2), one('cancel'), one('leave', 4), one('cancel')]],
];

/** A template whose steps take a turn and a half, and are told to the outside. */
const slowTemplate = (clock: Clock, tell: (operation: OperationName) => void) => {
  const pass = () => clock.sleep(15);
  const step = (key: string): ServiceStep => ({
    key,
    run: async ({ operation }) => {
      tell(operation);
      await pass();
    },
    compensate: pass,
  });
  return defineServiceTemplate({
    name: 'internet',
    config: z.object({}),
    steps: [step('port')],
    operations: {
      suspend: [step('shut'), step('told')],
      throttle: [step('slow'), step('told')],
      resume: [step('open'), step('told')],
      deprovision: [step('close'), { key: 'wipe', run: pass }, step('told')],
    },
    exemptFrom: ['voluntary'],
  });
};

/** What the outside gives that was told this: what may be shut is not slowed down before it was opened. */
const givenBy = (told: readonly OperationName[]): ServiceAccess => {
  const followed = told.filter((operation) => ['suspend', 'throttle', 'resume'].includes(operation));
  const last = followed.at(-1);
  const isShut = followed.lastIndexOf('suspend') > followed.lastIndexOf('resume');
  if (isShut) return 'suspended';
  return last === 'throttle' ? 'throttled' : 'full';
};

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what is cancelled amid everything else, on ${title}`, () => {
    it('leaves the service as it should be, and as its events say', async () => {
      const backend = await create();
      const { clock, store } = backend;
      let told: OperationName[] = [];
      const templates = [slowTemplate(clock, (operation) => void told.push(operation))];
      const run = await rig(backend, { templates });
      const elsewhere = createLifecycle({ store, clock, templates }).scope({ tenantId: 'acme', actor: 'user:2' });
      const { services, customers } = store.tenant('acme');
      const live = async (sequence: readonly Lot[]): Promise<void> => {
        const customerId = await run.active();
        const { id: serviceId } = await run.acme.services.request(customerId, { serviceName: 'internet' });
        const idle = () => until(async () => (await services.get(serviceId))?.openRunId === null, clock);
        await idle();
        told = [];
        for (const { commands, turns } of sequence) {
          const given = commands.map((name, index) =>
            acts[name]?.(index % 2 === 0 ? run.acme : elsewhere, { customerId, serviceId }),
          );
          for (const said of await Promise.allSettled(given))
            if (said.status === 'rejected' && !isOperationError(said.reason)) throw said.reason;
          for (let turn = 0; turn < turns; turn++) await clock.advance(10);
        }
        // Whatever nothing undoes, somebody puts back.
        await until(async () => {
          const { status, openRunId } = (await services.get(serviceId)) ?? expect.unreachable();
          if (status === 'stuck') await elsewhere.provisioning.skip(openRunId ?? '').catch(() => undefined);
          return openRunId === null;
        }, clock);
        const [service, customer] = [await services.get(serviceId), await customers.get(customerId)];
        if (!service || !customer) return expect.unreachable();
        expect(nextOperation(service, customer, ['voluntary'])).toBeNull();
        if (service.status !== 'terminated') expect(givenBy(told)).toBe(service.access);
        const open = customer.blocks.map(({ reason }) => reason);
        expect(open).toEqual(expect.arrayContaining([...service.sparedReasons]));
        if (service.isKept) expect(hasLeft(customer)).toBe(true);
        await expectFolded(store, customerId);
      };
      const numRuns = title === 'memory' || isLong ? 60 : 8;
      await fc.assert(fc.asyncProperty(lots, live), { numRuns, examples, endOnFailure: true });
      await run.stop();
      await backend.close();
    }, 600_000);
  });
