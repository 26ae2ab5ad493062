import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { withBoundaries, type AtBoundary } from '../support/boundaries.js';
import { expectFolded } from '../support/folded.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const hour = 3_600_000;
const vendor = defineErrors({
  NO_ROUTE: { kind: 'conflict', message: (_: Record<never, never>) => 'There is no route to the device.' },
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`cancelling on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    let customerId: string;
    /** Where a step does not go on until it is cut short. */
    let hangsAt: string | undefined;
    let refusedAt: string | undefined;
    /** What happens at the boundaries of the worker. */
    let at: AtBoundary;

    const step = (key: string): ServiceStep => ({
      key,
      async run({ signal }) {
        calls.push(key);
        if (refusedAt === key) throw vendor.NO_ROUTE({});
        if (hangsAt !== key) return;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
    });
    const suspended = { status: 'suspended', access: 'suspended' };
    const boss: ServiceStep = { key: 'boss', approval: {} };
    const templates = [
      defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: [step('port')],
        operations: {
          suspend: [step('shut'), boss, step('told')],
          throttle: [step('slow')],
          resume: [step('open'), boss, step('told')],
          deprovision: [{ key: 'grace', waitMs: 24 * hour }, step('take'), step('more')],
        },
      }),
      defineServiceTemplate({
        name: 'own',
        config: z.object({}),
        steps: [step('port')],
        operations: { deprovision: [{ key: 'row', runInTransaction: () => void calls.push('row') }] },
      }),
      defineServiceTemplate({
        name: 'written',
        config: z.object({}),
        steps: [
          step('port'),
          {
            key: 'row',
            runInTransaction: () => void calls.push('row'),
            compensateInTransaction: () => void calls.push('-row'),
          },
        ],
      }),
      defineServiceTemplate({
        name: 'changing',
        config: z.object({}),
        steps: [step('port')],
        operations: { change_plan: [step('speed')], deprovision: [boss, step('take')] },
      }),
      defineServiceTemplate({
        name: 'hasty',
        config: z.object({}),
        steps: [step('port')],
        operations: { deprovision: [step('take')] },
      }),
    ];

    beforeEach(async () => {
      [backend, calls, hangsAt, refusedAt, at] = [await create(), [], undefined, undefined, () => undefined];
      run = await rig({ ...backend, store: withBoundaries(backend.store, (boundary) => at(boundary)) }, { templates });
      customerId = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await expectFolded(backend.store, customerId);
      await backend.close();
    });

    /** Another process: nothing of this one's is aborted. */
    const elsewhere = () =>
      createLifecycle({ store: backend.store, clock: run.clock, templates }).scope({ tenantId: 'acme' });
    const service = async (serviceName = 'internet') => {
      const { id } = await run.acme.services.request(customerId, { serviceName });
      await gives(id, 'full');
      calls.length = 0;
      return id;
    };
    const gives = (id: string, access: string) =>
      until(async () => {
        const now = await run.acme.services.get(id);
        return now.access === access && now.openRunId === null;
      }, run.clock);
    const openRun = async (id: string) => (await run.acme.services.get(id)).openRunId ?? 'none';
    /** The run that does this, once it waits. */
    const waiting = async (id: string, operation: string) => {
      let found = 'none';
      await until(async () => {
        found = await openRun(id);
        if (found === 'none') return false;
        const open = await run.acme.provisioning.get(found);
        return open.operation === operation && open.runStatus === 'waiting';
      }, run.clock);
      return found;
    };
    const approve = async (id: string, operation: string) =>
      run.acme.provisioning.decide(await waiting(id, operation), { step: 'boss', decision: 'approve' });
    const cancel = (requestId: string) => run.acme.provisioning.cancel(requestId);
    const story = async () => {
      const { items } = await run.acme.feed.history(customerId, { limit: 500 });
      return items.reverse().flatMap(({ eventType, details }) => {
        const operation = details['operation'];
        return eventType.startsWith('service.') ? [`${eventType}${operation ? ` ${String(operation)}` : ''}`] : [];
      });
    };

    it('a suspension stops though its reason is open: that is lifted, and what is wanted by now follows', async () => {
      const id = await service();
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      const suspending = await waiting(id, 'suspend');
      await cancel(suspending);
      await approve(id, 'resume');
      await gives(id, 'full');
      expect((await run.acme.services.get(id)).openReasons).toEqual([]);
      expect(calls).toEqual(['shut', 'open', 'told']);
      const ended = await run.acme.provisioning.get(suspending);
      expect(ended).toMatchObject({ runStatus: 'cancelled', message: 'Suspending the service was cancelled.' });
      expect(ended.steps.map(({ status }) => status)).toEqual(['completed', 'skipped', 'pending']);
      expect((await story()).slice(2)).toEqual([
        'service.blocked',
        'service.operation_started suspend',
        'service.cancel_requested suspend',
        'service.unblocked',
        'service.cancelled suspend',
        'service.operation_started resume',
        'service.step_decided resume',
        'service.resumed resume',
      ]);
      await expect(cancel(suspending)).rejects.toMatchObject({ code: 'RUN_NOT_OPEN' });
    });

    it('a step that is under way is cut short', async () => {
      const id = await service();
      hangsAt = 'shut';
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      await until(() => calls.includes('shut'), run.clock);
      const suspending = await openRun(id);
      await run.acme.services.resume(id, { actionType: 'abuse' });
      await cancel(suspending);
      await approve(id, 'resume');
      await gives(id, 'full');
      expect(calls).toEqual(['shut', 'open', 'told']);
    });

    it('a reason that is opened again meanwhile has the service suspended from the beginning', async () => {
      const id = await service();
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      const suspending = await waiting(id, 'suspend');
      await run.stop();
      await run.acme.services.resume(id, { actionType: 'abuse' });
      await cancel(suspending);
      await run.acme.services.suspend(id, { actionType: 'late' });
      await run.module.start();
      await until(async () => (await openRun(id)) !== suspending, run.clock);
      await approve(id, 'suspend');
      await gives(id, 'suspended');
      expect(calls).toEqual(['shut', 'shut', 'told']);
    });

    it('resuming stops when another reason was opened, and the service is suspended again', async () => {
      const id = await service();
      await run.acme.suspension.suspend(customerId, { actionType: 'abuse' });
      await approve(id, 'suspend');
      await gives(id, 'suspended');
      await run.acme.suspension.reactivate(customerId, { actionType: 'abuse' });
      const resuming = await waiting(id, 'resume');
      await run.acme.services.suspend(id, { actionType: 'late' });
      await cancel(resuming);
      expect((await run.acme.services.get(id)).openReasons).toEqual(['late']);
      await until(async () => (await openRun(id)) !== resuming, run.clock);
      await approve(id, 'suspend');
      await gives(id, 'suspended');
      expect(calls).toEqual(['shut', 'told', 'open', 'shut', 'told']);
    });

    it('taking down is called off as long as nothing was taken, and may be asked for again', async () => {
      const id = await service();
      await run.acme.services.terminate(id);
      const first = await waiting(id, 'deprovision');
      await cancel(first);
      await until(async () => (await openRun(id)) === 'none', run.clock);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'active', access: 'full' });
      expect(await run.acme.provisioning.get(first)).toMatchObject({ status: 'active', runStatus: 'cancelled' });
      run.clock.set(run.clock.now() + 48 * hour);
      await run.acme.services.terminate(id);
      hangsAt = 'take';
      await waiting(id, 'deprovision');
      run.clock.set(run.clock.now() + 24 * hour);
      await until(() => calls.includes('take'), run.clock);
      const second = await openRun(id);
      await cancel(second);
      await until(async () => (await run.acme.services.get(id)).status === 'stuck', run.clock);
      await run.acme.provisioning.skip(second, { note: 'put back by hand' });
      await gives(id, 'full');
      expect(calls).toEqual(['take']);
      expect((await run.acme.provisioning.get(second)).runStatus).toBe('cancelled');
    });

    it('taking down is called off for a customer who has left: the service stays as long as that is in this stage', async () => {
      const id = await service();
      await run.acme.customers.deactivate(customerId);
      await cancel(await waiting(id, 'deprovision'));
      const kept = { status: 'active', access: 'full', isKept: true };
      await until(async () => (await openRun(id)) === 'none', run.clock);
      expect(await run.acme.services.get(id)).toMatchObject(kept);
      await run.acme.services.suspend(id, { actionType: 'abuse' });
      await approve(id, 'suspend');
      await gives(id, 'suspended');
      await run.acme.customers.winBack(customerId);
      expect(await run.acme.services.get(id)).toMatchObject({ ...kept, ...suspended, isKept: false });
      await run.acme.customers.deactivate(customerId);
      await cancel(await waiting(id, 'deprovision'));
      await until(async () => (await openRun(id)) === 'none', run.clock);
      await run.acme.customers.delete(customerId);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'deprovisioning', isKept: false });
      await waiting(id, 'deprovision');
    });

    it('a service that is kept goes once that is asked for, and keeps its customer from being erased until then', async () => {
      const id = await service();
      await run.acme.customers.deactivate(customerId);
      await cancel(await waiting(id, 'deprovision'));
      await until(async () => (await openRun(id)) === 'none', run.clock);
      await expect(run.acme.privacy.erase(customerId)).rejects.toMatchObject({
        code: 'SERVICES_REMAIN',
        message: `The customer still has services: internet ${id} (active, and kept: taking it down was cancelled).`,
        hint: expect.stringContaining('Terminate those that are kept.'),
        details: { services: [{ serviceId: id, status: 'active', isKept: true }] },
      });
      await run.acme.services.terminate(id);
      await expect(run.acme.privacy.erase(customerId)).rejects.toMatchObject({
        details: { services: [{ serviceId: id, status: 'deprovisioning', isKept: false }] },
      });
      await waiting(id, 'deprovision');
      run.clock.set(run.clock.now() + 24 * hour);
      await until(async () => (await run.acme.services.get(id)).status === 'terminated', run.clock);
      expect((await run.acme.services.get(id)).isKept).toBe(false);
      await run.acme.privacy.erase(customerId);
    });

    it('a service that is kept takes no other plan, which would be undone at once: its customer has left', async () => {
      const id = await service('changing');
      const change = () => run.acme.services.changePlan(id, { customConfig: {} });
      await run.acme.customers.deactivate(customerId);
      await cancel(await openRun(id));
      await until(async () => (await openRun(id)) === 'none', run.clock);
      await expect(change()).rejects.toMatchObject({
        code: 'SERVICE_BUSY',
        details: { reason: 'its customer has left' },
      });
      await run.acme.customers.winBack(customerId);
      await change();
      await until(async () => (await openRun(id)) === 'none', run.clock);
      expect((await run.acme.services.runs(id))[0]).toMatchObject({ operation: 'change_plan', runStatus: 'completed' });
    });

    it.each(['hasty', 'own'])('of %s, a step that was not begun when it was called off never is', async (name) => {
      const id = await service(name);
      let isCalledOff = false;
      at = async (boundary) => {
        const isNext = boundary === (name === 'own' ? 'before commit' : 'before checkpoint running');
        const open = isCalledOff || !isNext ? 'none' : await openRun(id);
        if (open === 'none' || isCalledOff) return;
        isCalledOff = true;
        await elsewhere().provisioning.cancel(open);
      };
      await run.acme.services.terminate(id);
      await until(async () => isCalledOff && (await openRun(id)) === 'none', run.clock);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'active', access: 'full' });
      // What is done in a transaction had begun, and is rolled back.
      expect(calls).toEqual(name === 'own' ? ['row'] : []);
      const [{ steps = [] } = {}] = await run.acme.services.runs(id);
      expect(steps.every(({ status }) => status === 'pending' || status === 'skipped')).toBe(true);
    });

    it('a run that a worker left when all was done is undone by the next', async () => {
      let gone: Promise<unknown> | undefined;
      at = async (boundary) => {
        // Its last step has committed, and nobody has said yet that this was the last.
        if (boundary !== 'before change' || gone || calls.at(-1) !== 'row') return;
        const [{ id = '' } = {}] = (await run.acme.provisioning.list()).items;
        await (gone = elsewhere().provisioning.cancel(id));
        throw new Error('the worker is gone');
      };
      const { id } = await run.acme.services.request(customerId, { serviceName: 'written' });
      await until(async () => (await openRun(id)) === 'none', run.clock);
      expect(gone).toBeDefined();
      expect(calls).toEqual(['port', 'row', '-row']);
      expect((await run.acme.provisioning.get(id)).runStatus).toBe('cancelled');
    });

    it('taking down that is stuck, and was forced to have failed, is done anew', async () => {
      const id = await service('hasty');
      refusedAt = 'take';
      await run.acme.services.terminate(id);
      await until(async () => (await run.acme.services.get(id)).status === 'stuck', run.clock);
      refusedAt = undefined;
      await run.acme.provisioning.force(await openRun(id), { outcome: 'failed' });
      await until(async () => (await run.acme.services.get(id)).status === 'terminated', run.clock);
      expect(calls).toEqual(['take', 'take']);
    });
  });
