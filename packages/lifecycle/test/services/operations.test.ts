import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const vendorErrors = defineErrors({
  NO_ROUTE: { kind: 'conflict', message: (_: Record<never, never>) => 'There is no route to the device.' },
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`services on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    let broken: string | undefined;
    let customerId: string;
    /** What the network would say of the subscriber. */
    let isThere: boolean;

    beforeEach(async () => {
      backend = await create();
      [calls, broken, isThere] = [[], undefined, true];
      const call = (what: string) => {
        calls.push(what);
        if (broken === what) throw vendorErrors.NO_ROUTE({});
        return { by: what };
      };
      const plan = (name: string, exemptFrom: string[] = []) =>
        defineServiceTemplate({
          name,
          config: z.object({ speed: z.int().max(1_000).default(100) }),
          exemptFrom,
          steps: [
            {
              key: 'port',
              run: () => call(`${name} port`),
              compensate: ({ output }) => call(`release ${JSON.stringify(output)}`),
              reconcile: () => (isThere ? { done: true } : { done: false }),
            },
            { key: 'account', run: () => call(`${name} account`) },
          ],
          operations: {
            suspend: [{ key: 'block', run: ({ outputs }) => call(`block ${JSON.stringify(outputs['port'])}`) }],
            throttle: [{ key: 'slow', run: () => call('slow') }],
            resume: [{ key: 'open', run: () => call('open') }],
            change_plan: [
              {
                key: 'speed',
                run: ({ previous, config }) =>
                  call(`from ${previous?.serviceName ?? ''} to ${name} at ${(config as { speed: number }).speed}`),
                compensate: () => call('speed back'),
              },
            ],
          },
        });
      run = await rig(backend, { templates: [plan('basic'), plan('premium'), plan('prepaid', ['non_payment'])] });
      customerId = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const service = async (serviceName = 'basic') => {
      const { id } = await run.acme.services.request(customerId, { serviceName });
      await becomes(id, 'active', 'full');
      calls.length = 0;
      return id;
    };
    const becomes = (id: string, status: string, access: string) =>
      until(async () => {
        const now = await run.acme.services.get(id);
        return now.status === status && now.access === access && (now.openRunId === null || status === 'stuck');
      }, run.clock);
    const events = async () => {
      const { lifecycleEvents } = await run.acme.customers.summary(customerId);
      return lifecycleEvents.map(({ eventType }) => eventType).filter((name) => name.startsWith('service.'));
    };

    it('follow their customer: suspended, slowed down, and back, by their templates’ steps', async () => {
      const id = await service();
      const { suspension } = run.acme;
      await suspension.suspend(customerId, { actionType: 'late', severity: 'throttle' });
      await becomes(id, 'active', 'throttled');
      await suspension.suspend(customerId, { actionType: 'late' });
      await becomes(id, 'suspended', 'suspended');
      await suspension.reactivate(customerId, { actionType: 'late' });
      await becomes(id, 'active', 'full');
      expect(calls).toEqual(['slow', 'block {"by":"basic port"}', 'open']);
      expect(await events()).toEqual([
        'service.requested',
        'service.provisioned',
        ...['service.throttled', 'service.suspended', 'service.resumed'].flatMap((done) => [
          'service.operation_started',
          done,
        ]),
      ]);
    });

    it('catch up with what changed while something was being done to them', async () => {
      const id = await service();
      let suspended = false;
      broken = undefined;
      const { suspension } = run.acme;
      run.module.events.on('service.operation_started', async ({ data }) => {
        if (data.operation !== 'suspend' || suspended) return;
        suspended = true;
        await suspension.reactivate(customerId, { actionType: 'all' });
      });
      await suspension.suspend(customerId, { actionType: 'late' });
      await until(() => suspended, run.clock);
      await becomes(id, 'active', 'full');
      expect((await run.acme.services.runs(id)).map(({ operation, runStatus }) => [operation, runStatus])).toEqual([
        ['resume', 'completed'],
        ['suspend', 'completed'],
        ['provision', 'completed'],
      ]);
    });

    it('of a plan exempt from a reason are left alone, and others are not', async () => {
      const [basic, prepaid] = [await service(), await service('prepaid')];
      await run.acme.suspension.suspend(customerId, { actionType: 'non_payment' });
      await becomes(basic, 'suspended', 'suspended');
      expect(await run.acme.services.get(prepaid)).toMatchObject({ status: 'active', access: 'full' });
      await run.acme.suspension.suspend(customerId, { actionType: 'abuse' });
      await becomes(prepaid, 'suspended', 'suspended');
    });

    it('are not blocked for the reason that names every reason', async () => {
      const id = await service();
      const { services } = run.acme;
      await services.suspend(id, { actionType: 'abuse', severity: 'throttle' });
      await becomes(id, 'active', 'throttled');
      const [before, told] = [await services.get(id), await events()];
      await expect(services.suspend(id, { actionType: 'all' })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'action_type' }],
      });
      expect(await services.get(id)).toEqual(before);
      expect(await events()).toEqual(told);
    });

    it('have reasons of their own, which their customer’s do not lift', async () => {
      const [one, two] = [await service(), await service()];
      const { services, suspension } = run.acme;
      expect(await services.suspend(one, { actionType: 'abuse', reason: 'spam' })).toMatchObject({
        openReasons: ['abuse'],
      });
      await expect(services.suspend(one, { actionType: 'abuse' })).rejects.toMatchObject({ code: 'SERVICE_BUSY' });
      await becomes(one, 'suspended', 'suspended');
      expect(await services.get(two)).toMatchObject({ status: 'active' });
      await suspension.suspend(customerId, { actionType: 'late' });
      await suspension.reactivate(customerId, { actionType: 'late' });
      await becomes(two, 'active', 'full');
      await becomes(one, 'suspended', 'suspended');
      await expect(services.resume(one, { actionType: 'late' })).rejects.toMatchObject({ code: 'SERVICE_BUSY' });
      await services.resume(one, { actionType: 'all' });
      await becomes(one, 'active', 'full');
    });

    it('change their plan, and stay as they were when that fails', async () => {
      const id = await service();
      const { services } = run.acme;
      await services.changePlan(id, { serviceName: 'premium', customConfig: { speed: 500 } });
      await until(async () => (await services.get(id)).serviceName === 'premium', run.clock);
      expect(await services.get(id)).toMatchObject({ status: 'active', customConfig: { speed: 500 } });
      broken = 'from premium to basic at 100';
      await services.changePlan(id, { serviceName: 'basic' });
      await becomes(id, 'active', 'full');
      expect(await services.get(id)).toMatchObject({ serviceName: 'premium', customConfig: { speed: 500 } });
      expect(calls).toEqual(['from basic to premium at 500', 'from premium to basic at 100', 'speed back']);
      expect((await events()).slice(-4)).toEqual([
        'service.operation_started',
        'service.plan_changed',
        'service.operation_started',
        'service.failed',
      ]);
      await expect(services.changePlan(id, { customConfig: { speed: 5_000 } })).rejects.toMatchObject({
        code: 'INVALID_SERVICE_CONFIG',
        issues: [{ path: 'custom_config.speed' }],
      });
    });

    it('are taken down by undoing their setting up, when asked to and when their customer leaves', async () => {
      const [asked, left] = [await service(), await service()];
      await run.acme.services.terminate(asked, { reason: 'moved away' });
      await becomes(asked, 'terminated', 'none');
      expect(calls).toEqual(['release {"by":"basic port"}']);
      await expect(run.acme.services.terminate(asked)).rejects.toMatchObject({ code: 'SERVICE_BUSY' });
      await run.acme.customers.deactivate(customerId);
      await becomes(left, 'terminated', 'none');
      expect(calls).toHaveLength(2);
      expect(await run.acme.status()).toMatchObject({ servicesByStatus: { terminated: 2, active: 0 } });
    });

    it('say whether what was set up is still there', async () => {
      const id = await service();
      expect(await run.acme.services.drift(id)).toMatchObject({
        drifted: false,
        steps: [{ name: 'port', found: 'present' }],
      });
      isThere = false;
      expect(await run.acme.services.drift(id)).toMatchObject({
        drifted: true,
        steps: [{ name: 'port', found: 'missing', error: null }],
      });
      expect(calls).toEqual([]);
    });

    it('that are stuck wait for somebody, who has them try again, go on without, or be taken as done', async () => {
      const { provisioning, services, suspension } = run.acme;
      for (const mend of ['retry', 'skip', 'force'] as const) {
        const id = await service();
        broken = 'block {"by":"basic port"}';
        await services.suspend(id, { actionType: 'abuse' });
        await becomes(id, 'stuck', 'full');
        const [stuck] = (await provisioning.list({ status: 'stuck' })).items;
        expect(stuck).toMatchObject({ serviceId: id, operation: 'suspend', runStatus: 'stuck', status: 'stuck' });
        expect(stuck?.message).toContain('There is no route to the device.');
        // Nothing else is begun on it meanwhile.
        await suspension.suspend(customerId, { actionType: 'late' });
        await suspension.reactivate(customerId, { actionType: 'late' });
        broken = undefined;
        const note = `by ${mend}`;
        if (mend === 'force') await provisioning.force(stuck?.id ?? '', { outcome: 'completed', note });
        else await provisioning[mend](stuck?.id ?? '', { note });
        await becomes(id, 'suspended', 'suspended');
        await expect(provisioning.retry(stuck?.id ?? '')).rejects.toMatchObject({ code: 'RUN_NOT_OPEN' });
        await services.terminate(id);
        await becomes(id, 'terminated', 'none');
      }
      const { lifecycleEvents } = await run.acme.customers.summary(customerId);
      const interventions = lifecycleEvents.filter(({ eventType }) => eventType === 'service.intervened');
      expect(interventions.map(({ details, actor }) => [details['action'], details['step'], actor])).toEqual([
        ['retry', 'block', 'user:1'],
        ['skip', 'block', 'user:1'],
        ['force', 'block', 'user:1'],
      ]);
    });

    it('are not another tenant’s to see or change', async () => {
      const id = await service();
      const { services, provisioning } = run.other;
      const unknown = { code: 'SERVICE_NOT_FOUND' };
      await expect(services.get(id)).rejects.toMatchObject(unknown);
      await expect(services.suspend(id, { actionType: 'abuse' })).rejects.toMatchObject(unknown);
      await expect(services.terminate(id)).rejects.toMatchObject(unknown);
      await expect(provisioning.cancel(id)).rejects.toMatchObject({ code: 'PROVISIONING_NOT_FOUND' });
      expect((await services.list()).items).toEqual([]);
      expect((await provisioning.list()).items).toEqual([]);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'active', openReasons: [] });
    });

    it('are listed a page at a time', async () => {
      const ids = [await service(), await service(), await service()];
      const first = await run.acme.services.list({ customerId, limit: 2 });
      expect(first.items.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
      const second = await run.acme.services.list({ customerId, limit: 2, cursor: first.nextCursor ?? '' });
      expect(second).toMatchObject({ items: [{ id: ids[0] }], nextCursor: null });
      expect((await run.acme.services.list({ status: 'stuck' })).items).toEqual([]);
    });
  });
