import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import { createLifecycle } from '../../src/lifecycle.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { LifecycleScope } from '../../src/scope.js';
import { backends, type Backend } from '../support/backends.js';
import { withBoundaries, type AtBoundary } from '../support/boundaries.js';
import { expectFolded } from '../support/folded.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const vendor = defineErrors({
  NO_ROUTE: { kind: 'conflict', message: (_: Record<never, never>) => 'There is no route to the device.' },
});
/** When it is called off, who writes that its step has failed for good being where it says. */
const moments = ['before checkpoint compensating', 'after checkpoint compensating', 'before commit'];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a suspension that is called off when its step fails for good, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** Another process: nothing of this one's is cut short by it. */
    let elsewhere: LifecycleScope;
    let calls: string[];
    let broken: string | undefined;
    let during: () => Promise<void>;
    let at: AtBoundary;

    const step = (key: string): ServiceStep => ({
      key,
      async run() {
        calls.push(key);
        if (broken !== key) return;
        await during();
        throw vendor.NO_ROUTE({});
      },
    });
    const templates = [
      defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: [step('port')],
        operations: {
          suspend: [step('shut'), step('told')],
          throttle: [step('slow')],
          resume: [step('open'), step('greeted')],
        },
        exemptFrom: ['prepaid'],
      }),
    ];

    beforeEach(async () => {
      [backend, calls, broken, at] = [await create(), [], undefined, () => undefined];
      during = () => Promise.resolve();
      run = await rig({ ...backend, store: withBoundaries(backend.store, (boundary) => at(boundary)) }, { templates });
      elsewhere = createLifecycle({ store: backend.store, clock: run.clock, templates }).scope({ tenantId: 'acme' });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const gives = (id: string, access: string) =>
      until(async () => {
        const now = await run.acme.services.get(id);
        return now.access === access && now.openRunId === null;
      }, run.clock);
    const service = async () => {
      const customerId = await run.active();
      const { id } = await run.acme.services.request(customerId, { serviceName: 'internet' });
      await gives(id, 'full');
      calls.length = 0;
      return { id, customerId };
    };
    const openRun = async (id: string) => (await elsewhere.services.get(id)).openRunId ?? 'none';
    const isStuck = (id: string) => until(async () => (await run.acme.services.get(id)).status === 'stuck', run.clock);
    const block = (id: string) => run.acme.services.suspend(id, { actionType: 'abuse' });
    const lift = (id: string) => elsewhere.services.resume(id, { actionType: 'abuse' });
    const story = async (customerId: string) => {
      const events = await backend.store.tenant('acme').history.list(customerId, { limit: 99 });
      const names = events.map(({ event }) => event.name);
      return names.slice(names.indexOf('service.blocked'));
    };
    const calledOff = [
      ...['service.blocked', 'service.operation_started', 'service.unblocked', 'service.cancel_requested'],
      ...['service.cancelled', 'service.operation_started', 'service.resumed'],
    ];
    /** What comes of one that was called off in time: it stops, and the service is given what it should have. */
    const isCalledOff = async ({ id, customerId }: { id: string; customerId: string }, requestId: string) => {
      await gives(id, 'full');
      const ended = await run.acme.provisioning.get(requestId);
      expect(ended).toMatchObject({ runStatus: 'cancelled', message: 'Suspending the service was cancelled.' });
      expect(ended.cancelRequestedAt).not.toBeNull();
      expect(ended.steps.map(({ status }) => status)).toEqual(['completed', 'skipped']);
      expect(calls.slice(-2)).toEqual(['open', 'greeted']);
      await expectFolded(backend.store, customerId);
    };

    it('while the step is under way stops, and what the service should be given by now follows', async () => {
      const given = await service();
      broken = 'told';
      let requestId = '';
      during = async () => {
        requestId = await openRun(given.id);
        await lift(given.id);
        await elsewhere.provisioning.cancel(requestId);
      };
      await block(given.id);
      await until(() => requestId !== '', run.clock);
      await isCalledOff(given, requestId);
      expect(calls).toEqual(['shut', 'told', 'open', 'greeted']);
      expect(await story(given.customerId)).toEqual(calledOff);
    });

    /** A suspension whose step fails for good, called off by another process at that boundary; then what `also` does. */
    const callsOffAt = async (moment: string, also: () => void = () => undefined): Promise<void> => {
      const given = await service();
      broken = 'told';
      let requestId = '';
      during = async () => {
        requestId = await openRun(given.id);
        at = async (boundary) => {
          if (boundary !== moment) return;
          at = () => undefined;
          await lift(given.id);
          await elsewhere.provisioning.cancel(requestId);
          also();
        };
      };
      await block(given.id);
      await until(() => requestId !== '', run.clock);
      await isCalledOff(given, requestId);
      expect(await story(given.customerId)).toEqual(calledOff);
    };

    it.each(moments)('%s stops, and what the service should be given by now follows', (moment) => callsOffAt(moment));

    it('while nobody works on it stops as well, whoever goes on with it', () =>
      callsOffAt('after checkpoint compensating', () => {
        throw new Error('the worker is gone');
      }));

    it('after it got stuck stops as well, though its reason is open: that is lifted', async () => {
      const given = await service();
      broken = 'told';
      await block(given.id);
      await isStuck(given.id);
      const requestId = await openRun(given.id);
      expect(await run.acme.provisioning.can(requestId, 'cancel')).toBe(true);
      expect(await elsewhere.services.get(given.id)).toMatchObject({ status: 'stuck', openRunId: requestId });
      await elsewhere.provisioning.cancel(requestId);
      expect(await elsewhere.services.get(given.id)).toMatchObject({ status: 'active', openRunId: requestId });
      await isCalledOff(given, requestId);
      await expect(elsewhere.provisioning.cancel(requestId)).rejects.toMatchObject({ code: 'RUN_NOT_OPEN' });
      expect(await story(given.customerId)).toEqual([
        ...['service.blocked', 'service.operation_started', 'service.stuck', 'service.cancel_requested'],
        ...['service.unblocked', 'service.cancelled', 'service.operation_started', 'service.resumed'],
      ]);
    });

    it('says ahead which reasons count no more, and leaves those that have no effect', async () => {
      const { id, customerId } = await service();
      await run.stop();
      await block(id);
      await run.acme.services.suspend(id, { actionType: 'late', severity: 'throttle' });
      for (const actionType of ['non_payment', 'fees', 'prepaid'])
        await run.acme.suspension.suspend(customerId, { actionType });
      await run.acme.suspension.promise(customerId, { actionType: 'fees', until: run.clock.now() + 3_600_000 });
      const requestId = await openRun(id);
      const [cancel] = await elsewhere.provisioning.explain(requestId);
      expect(cancel).toEqual({
        ...{ command: 'cancel', allowed: true, code: null, reason: null, untilStep: null },
        comesTo: { lifts: ['abuse'], spares: ['non_payment'], opens: null, keeps: false, byHand: [] },
      });
      await elsewhere.provisioning.cancel(requestId);
      expect(await elsewhere.services.get(id)).toMatchObject({ openReasons: ['late'], sparedReasons: ['non_payment'] });
      const [again] = await elsewhere.provisioning.explain(requestId);
      expect(again?.comesTo).toMatchObject({ lifts: [], spares: [] });
      await run.module.start();
      await gives(id, 'throttled');
      await expectFolded(backend.store, customerId);
    });

    it('after somebody said how it ended is refused', async () => {
      const { id } = await service();
      broken = 'told';
      await block(id);
      await isStuck(id);
      const requestId = await openRun(id);
      await run.stop();
      await lift(id);
      await elsewhere.provisioning.force(requestId, { outcome: 'failed' });
      await expect(elsewhere.provisioning.cancel(requestId)).rejects.toMatchObject({ code: 'RUN_NOT_OPEN' });
    });

    it('when it is tried anew stops like the first time', async () => {
      const given = await service();
      broken = 'told';
      await block(given.id);
      await isStuck(given.id);
      const requestId = await openRun(given.id);
      during = async () => {
        await lift(given.id);
        await elsewhere.provisioning.cancel(requestId);
      };
      await elsewhere.provisioning.retry(requestId);
      await isCalledOff(given, requestId);
      expect(calls).toEqual(['shut', 'told', 'told', 'open', 'greeted']);
      const tried = ['service.stuck', 'service.intervened'];
      expect(await story(given.customerId)).toEqual([...calledOff.slice(0, 2), ...tried, ...calledOff.slice(2)]);
    });

    it('is as well where it slows down or resumes, and something else is wanted by now', async () => {
      const { id, customerId } = await service();
      broken = 'slow';
      await run.acme.services.suspend(id, { actionType: 'late', severity: 'throttle' });
      await isStuck(id);
      const slowing = await openRun(id);
      await block(id);
      await elsewhere.provisioning.cancel(slowing);
      await gives(id, 'suspended');
      expect(await run.acme.provisioning.get(slowing)).toMatchObject({ runStatus: 'cancelled', operation: 'throttle' });
      broken = 'greeted';
      for (const actionType of ['late', 'abuse']) await run.acme.services.resume(id, { actionType });
      await isStuck(id);
      const resuming = await openRun(id);
      await elsewhere.provisioning.cancel(resuming);
      const back = { status: 'suspended', openRunId: resuming, openReasons: ['resume_cancelled'] };
      expect(await elsewhere.services.get(id)).toMatchObject(back);
      await gives(id, 'suspended');
      expect(calls).toEqual(['slow', 'shut', 'told', 'open', 'greeted', 'shut', 'told']);
      await expectFolded(backend.store, customerId);
    });
  });
