import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import type { LifecycleScope } from '../../src/scope.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const unavailable = {
  code: 'TEMPLATE_NOT_REGISTERED',
  kind: 'unavailable',
  retryAfter: 5,
  details: { serviceName: 'internet', templateVersion: '1' },
};

// As while a new release is rolled out: a balancer asks now a process that has the template, now one that has not.
for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what is asked where a service’s template is not registered, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let elsewhere: Lifecycle;
    let there: LifecycleScope;
    let customer: string;
    let token: string;
    const config = z.object({});
    const nothing = () => undefined;
    const internet = defineServiceTemplate({
      name: 'internet',
      config,
      exemptFrom: ['moving'],
      steps: [
        { key: 'boss', approval: {} },
        { key: 'engineer', completion: {}, run: ({ completionToken }) => void (token = completionToken) },
      ],
      operations: {
        suspend: [{ key: 'sure', approval: {} }],
        deprovision: [
          { key: 'port', run: nothing, compensate: nothing },
          { key: 'certain', approval: {} },
        ],
      },
    });
    const plan = (name: string, deprovision?: { key: string; run: () => void }[]) =>
      defineServiceTemplate({
        name,
        config,
        steps: [{ key: 'fibre', run: nothing }],
        operations: { change_plan: [{ key: 'splice', run: nothing }], ...(deprovision && { deprovision }) },
      });

    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { templates: [internet] });
      const templates = [plan('fibre'), plan('whole fibre', [{ key: 'all', run: nothing }])];
      const secret = 'a secret of more than 32 characters, for tests';
      elsewhere = createLifecycle({ store: backend.store, clock: run.clock, templates, secret });
      there = elsewhere.scope({ tenantId: 'acme', actor: 'user:2' });
      customer = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await elsewhere.stop();
      await backend.close();
    });

    const decide = (scope: LifecycleScope, id: string, step: string) =>
      scope.provisioning.decide(id, { step, decision: 'approve' });
    const waitsAt = (id: string, name: string) =>
      until(async () => {
        const { steps } = await run.acme.provisioning.get(id);
        return steps.some((step) => step.name === name && step.status === 'waiting');
      }, run.clock);
    const becomes = (id: string, status: string) =>
      until(async () => {
        const service = await run.acme.services.get(id);
        return service.status === status && service.openRunId === null;
      }, run.clock);
    const ends = (id: string, status: string) =>
      until(async () => (await run.acme.provisioning.get(id)).runStatus === status, run.clock);
    const requested = async (): Promise<string> => {
      const { id } = await run.acme.services.request(customer, { serviceName: 'internet' });
      await waitsAt(id, 'boss');
      return id;
    };
    const active = async (): Promise<string> => {
      const id = await requested();
      await decide(run.acme, id, 'boss');
      await waitsAt(id, 'engineer');
      await run.acme.provisioning.complete({ token });
      await becomes(id, 'active');
      return id;
    };
    const openRun = async (id: string) => (await run.acme.services.get(id)).openRunId ?? expect.unreachable();
    const cancelThere = async (id: string) =>
      (await there.provisioning.explain(id)).find(({ command }) => command === 'cancel');

    it('is not refused for good: a decision and a completion count once they come to a process that has it', async () => {
      const id = await requested();
      await expect(decide(there, id, 'boss')).rejects.toMatchObject(unavailable);
      await decide(run.acme, id, 'boss');
      await waitsAt(id, 'engineer');
      await expect(elsewhere.open.provisioning.complete({ token })).rejects.toMatchObject(unavailable);
      await expect(decide(there, id, 'boss')).rejects.toMatchObject({ code: 'STEP_NOT_DECIDABLE' });
      await run.acme.provisioning.complete({ token });
      await becomes(id, 'active');
    });

    it('is not needed to cancel what takes down: a process that knows what undoes it goes on', async () => {
      const id = await active();
      await run.acme.services.terminate(id);
      const requestId = await openRun(id);
      await waitsAt(requestId, 'certain');
      // Of what is to be put back by hand, nothing is known there; that is not to say that there is nothing.
      const unknown = { allowed: true, untilStep: null, comesTo: { byHand: null } };
      expect(await cancelThere(requestId)).toMatchObject(unknown);
      await there.provisioning.cancel(requestId);
      await becomes(id, 'active');
      await ends(requestId, 'cancelled');
    });

    it('is needed to cancel what follows its customer: which reasons leave it alone is known there alone', async () => {
      const id = await active();
      await run.acme.suspension.suspend(customer, { actionType: 'abuse' });
      await run.acme.suspension.suspend(customer, { actionType: 'moving' });
      await run.acme.suspension.reactivate(customer, { actionType: 'abuse' });
      const requestId = await openRun(id);
      await waitsAt(requestId, 'sure');
      await expect(there.provisioning.cancel(requestId)).rejects.toMatchObject(unavailable);
      expect(await cancelThere(requestId)).toMatchObject({ allowed: false, code: 'TEMPLATE_NOT_REGISTERED' });
      await run.acme.provisioning.cancel(requestId);
      await becomes(id, 'active');
      await ends(requestId, 'cancelled');
    });

    it('is not needed to end by force what is stuck: nothing is called then', async () => {
      const id = await active();
      await run.acme.suspension.suspend(customer, { actionType: 'abuse' });
      const requestId = await openRun(id);
      await waitsAt(requestId, 'sure');
      await run.acme.provisioning.decide(requestId, { step: 'sure', decision: 'reject' });
      await ends(requestId, 'stuck');
      await run.acme.suspension.reactivate(customer, { actionType: 'abuse' });
      await there.provisioning.force(requestId, { outcome: 'failed' });
      expect(await there.services.get(id)).toMatchObject({ status: 'active', openRunId: null });
    });

    it('goes on by another of its name, version and steps once it is gone for good, whatever that one does', async () => {
      const id = await active();
      await run.acme.services.terminate(id);
      await waitsAt(await openRun(id), 'certain');
      await run.stop();
      const stub = defineServiceTemplate({
        name: 'internet',
        config,
        steps: [
          { key: 'boss', approval: {} },
          { key: 'engineer', run: nothing },
        ],
        operations: {
          suspend: [{ key: 'sure', approval: {} }],
          deprovision: [
            { key: 'port', run: nothing },
            { key: 'certain', approval: {} },
          ],
        },
      });
      run = await rig(backend, { templates: [stub] });
      await decide(run.acme, await openRun(id), 'certain');
      await becomes(id, 'terminated');
    });

    it('is not said to be no service at all: whether what was set up is still there is told by a process that can ask', async () => {
      const id = await active();
      await expect(there.services.drift(id)).rejects.toMatchObject(unavailable);
      expect(await run.acme.services.drift(id)).toMatchObject({ drifted: false });
    });

    it('is not begun where it cannot be told what a change of plan would leave behind', async () => {
      const id = await active();
      await expect(there.services.changePlan(id, { serviceName: 'fibre' })).rejects.toMatchObject(unavailable);
      expect(await run.acme.services.get(id)).toMatchObject({ serviceName: 'internet', openRunId: null });
      // Another configuration of the plan that it has.
      for (const serviceName of [undefined, 'internet'])
        await expect(there.services.changePlan(id, { serviceName })).rejects.toMatchObject(unavailable);
      const unknown = there.services.changePlan(id, { serviceName: 'ether' });
      await expect(unknown).rejects.toMatchObject({ code: 'SERVICE_TEMPLATE_NOT_FOUND' });
      // That one takes down all there is, whatever it was.
      await there.services.changePlan(id, { serviceName: 'whole fibre' });
      expect((await run.acme.provisioning.get(await openRun(id))).operation).toBe('change_plan');
    });
  });
