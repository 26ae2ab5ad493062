import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import { createLifecycle } from '../../src/lifecycle.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { expectFolded } from '../support/folded.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const vendor = defineErrors({
  NO_ROUTE: { kind: 'conflict', message: (_: Record<never, never>) => 'There is no route to the device.' },
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`one run after another is cancelled on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    let isBroken: boolean;
    let customerId: string;
    let id: string;

    const step = (key: string): ServiceStep => ({
      key,
      run() {
        calls.push(key);
        if (isBroken) throw vendor.NO_ROUTE({});
      },
    });
    const boss: ServiceStep = { key: 'boss', approval: {} };
    const templates = [
      defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: [step('port')],
        operations: {
          suspend: [step('shut'), boss],
          throttle: [step('slow'), boss],
          resume: [step('open'), boss],
          deprovision: [boss, step('take')],
        },
      }),
    ];

    beforeEach(async () => {
      [backend, calls, isBroken] = [await create(), [], false];
      run = await rig(backend, { templates });
      customerId = await run.active();
      ({ id } = await run.acme.services.request(customerId, { serviceName: 'internet' }));
      await gives('full');
      calls.length = 0;
    });
    afterEach(async () => {
      await run.stop();
      await expectFolded(backend.store, customerId);
      await backend.close();
    });

    const shown = () => run.acme.services.get(id);
    const gives = (access: string) =>
      until(async () => {
        const now = await shown();
        return now.access === access && now.openRunId === null;
      }, run.clock);
    /** The run that does this, once it waits: whatever else is begun before it is seen never to end. */
    const waiting = async (operation: string) => {
      let found = 'none';
      await until(async () => {
        found = (await shown()).openRunId ?? 'none';
        if (found === 'none') return false;
        const open = await run.acme.provisioning.get(found);
        return open.operation === operation && open.runStatus === 'waiting';
      }, run.clock);
      return found;
    };
    const approve = async (operation: string) =>
      run.acme.provisioning.decide(await waiting(operation), { step: 'boss', decision: 'approve' });
    /** Cancels what waits, and gives what was said ahead that this comes to. */
    const cancel = async (operation: string) => {
      const requestId = await waiting(operation);
      const [said] = await run.acme.provisioning.explain(requestId);
      await run.acme.provisioning.cancel(requestId);
      return said?.comesTo;
    };
    const slow = (actionType: string) => run.acme.services.suspend(id, { actionType, severity: 'throttle' });
    const opened = (severity: string) => ({ reason: 'resume_cancelled', severity });

    it('what is to be slowed down again anyway is, and is not suspended for what was cancelled', async () => {
      await slow('late');
      await approve('throttle');
      await gives('throttled');
      await run.acme.services.resume(id, { actionType: 'late' });
      await waiting('resume');
      await slow('fair_use');
      expect(await cancel('resume')).toMatchObject({ opens: null });
      await approve('throttle');
      await gives('throttled');
      expect((await shown()).openReasons).toEqual(['fair_use']);
      expect(calls).toEqual(['slow', 'open', 'slow']);
    });

    it.each([
      { operation: 'throttle', severity: 'throttle', leaves: 'throttled', does: 'slow' },
      { operation: 'suspend', severity: 'suspend', leaves: 'suspended', does: 'shut' },
    ] as const)('a $operation, and the resume after it, leaves it $leaves', async (given) => {
      const { operation, severity, leaves, does } = given;
      await run.acme.services.suspend(id, { actionType: 'late', severity });
      expect(await cancel(operation)).toMatchObject({ lifts: ['late'], opens: null });
      expect(await cancel('resume')).toMatchObject({ opens: opened(severity) });
      await approve(operation);
      await gives(leaves);
      expect((await shown()).openReasons).toEqual(['resume_cancelled']);
      expect(calls).toEqual([does, 'open', does]);
    });

    it('a resume of what a suspension of the slowed down may have shut leaves it suspended', async () => {
      await slow('late');
      await approve('throttle');
      await gives('throttled');
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      expect(await cancel('suspend')).toMatchObject({ lifts: ['abuse'] });
      expect(await cancel('resume')).toMatchObject({ opens: opened('suspend') });
      await approve('suspend');
      await gives('suspended');
      expect(calls).toEqual(['slow', 'shut', 'open', 'shut']);
    });

    it('a resume that somebody says has failed is begun again, also where that process has no template', async () => {
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      await waiting('suspend');
      isBroken = true;
      await cancel('suspend');
      await until(async () => (await shown()).status === 'stuck', run.clock);
      isBroken = false;
      const elsewhere = createLifecycle({ store: backend.store, clock: run.clock }).scope({ tenantId: 'acme' });
      await elsewhere.provisioning.force((await shown()).openRunId ?? '', { outcome: 'failed' });
      await approve('resume');
      await gives('full');
      expect(calls).toEqual(['shut', 'open', 'open']);
    });

    describe('a suspension stops halfway, for the service is to be taken down', () => {
      beforeEach(async () => {
        await run.acme.services.suspend(id, { actionType: 'abuse' });
        await waiting('suspend');
        await run.acme.customers.deactivate(customerId);
        expect(await cancel('suspend')).toMatchObject({ lifts: [], spares: [] });
        await waiting('deprovision');
        await run.acme.services.resume(id, { actionType: 'abuse' });
      });
      const isOpenAgain = async () => {
        await approve('resume');
        await gives('full');
        expect(calls.slice(0, 1)).toEqual(['shut']);
        expect(calls.slice(-1)).toEqual(['open']);
      };

      it('which is cancelled: it is opened again', async () => {
        expect(await cancel('deprovision')).toMatchObject({ keeps: true });
        await isOpenAgain();
      });

      it('which somebody says has failed once its customer is back: it is opened again', async () => {
        isBroken = true;
        await approve('deprovision');
        await until(async () => (await shown()).status === 'stuck', run.clock);
        isBroken = false;
        await run.acme.customers.winBack(customerId);
        await run.acme.provisioning.force((await shown()).openRunId ?? '', { outcome: 'failed' });
        await isOpenAgain();
      });
    });
  });
