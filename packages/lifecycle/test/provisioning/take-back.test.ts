import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, takesTurns, type Backend } from '../support/backends.js';
import { expectFolded } from '../support/folded.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

/** Less than the clock goes while something is waited for. */
const shortlyMs = 10_000;
const vendor = defineErrors({
  NO_ROUTE: { kind: 'conflict', message: (_: Record<never, never>) => 'There is no route to the device.' },
});
const policy = defineDunningPolicy({ name: 'hard', steps: [{ afterDays: 0, action: 'terminate' }] });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`taking a service down that is cancelled, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    let customerId: string;
    let token: string;
    /** Where a call does not go on until it is cut short or released. */
    let hangsAt: string | undefined;
    let release: () => void;
    /** What is refused for good, and what fails, to be tried again. */
    const broken = new Set<string>();
    let fails: string | undefined;

    const call = async (name: string, signal: AbortSignal): Promise<void> => {
      calls.push(name);
      if (broken.has(name)) throw vendor.NO_ROUTE({});
      if (fails === name) throw new Error('the line is busy');
      if (hangsAt !== name) return;
      await new Promise<void>((resolve) => {
        release = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    };
    const wiped = (key: string): ServiceStep => ({ key, run: ({ signal }) => call(key, signal) });
    const kept = (key: string): ServiceStep => ({
      key,
      retry: { attempts: 2, firstBackoffMs: shortlyMs },
      compensationRetry: { attempts: 1 },
      run: ({ signal }) => call(key, signal),
      compensate: ({ outcome, signal }) => call(`-${key} ${outcome}`, signal),
    });
    const port = kept('port');
    const config = z.object({});
    const templates = [
      defineServiceTemplate({
        name: 'careful',
        config,
        steps: [port],
        operations: {
          suspend: [wiped('shut')],
          deprovision: [
            { key: 'grace', waitMs: shortlyMs },
            { key: 'boss', approval: {} },
            kept('line'),
            {
              key: 'device',
              completion: {},
              run: ({ completionToken, signal }) => {
                token = completionToken;
                return call('device', signal);
              },
              compensate: ({ outcome, signal }) => call(`-device ${outcome}`, signal),
            },
            {
              key: 'row',
              runInTransaction: ({ signal }) => call('row', signal),
              compensateInTransaction: ({ outcome, signal }) => call(`-row ${outcome}`, signal),
            },
            kept('last'),
          ],
        },
      }),
      defineServiceTemplate({
        name: 'for good',
        config,
        steps: [port],
        operations: {
          deprovision: [
            kept('line'),
            { key: 'boss', approval: {} },
            wiped('wipe'),
            { key: 'row', runInTransaction: () => void calls.push('row') },
            kept('last'),
          ],
        },
      }),
      defineServiceTemplate({ name: 'undone', config, steps: [port] }),
    ];

    beforeEach(async () => {
      [backend, calls, hangsAt, fails] = [await create(), [], undefined, undefined];
      broken.clear();
      run = await rig(backend, { templates, dunning: [policy] });
      customerId = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await expectFolded(backend.store, customerId);
      await backend.close();
    });

    const becomes = (id: string, wanted: object) =>
      until(async () => {
        const now: Record<string, unknown> = await run.acme.services.get(id);
        return Object.entries(wanted).every(([key, value]) => now[key] === value);
      }, run.clock);
    const service = async (serviceName = 'careful') => {
      const { id } = await run.acme.services.request(customerId, { serviceName });
      await becomes(id, { status: 'active', openRunId: null });
      calls.length = 0;
      return id;
    };
    const taken = async (id: string) => {
      await run.acme.services.terminate(id);
      return (await run.acme.services.get(id)).openRunId ?? expect.unreachable();
    };
    const called = (name: string) => until(() => calls.includes(name), run.clock);
    const statusOf = async (requestId: string) => (await run.acme.provisioning.get(requestId)).runStatus;
    const is = (requestId: string, status: string) =>
      until(async () => (await statusOf(requestId)) === status, run.clock);
    const stepIs = (requestId: string, name: string, status: string) =>
      until(async () => {
        const { steps } = await run.acme.provisioning.get(requestId);
        return steps.some((step) => step.name === name && step.status === status);
      }, run.clock);
    const waitsAt = (requestId: string, name: string) => stepIs(requestId, name, 'waiting');
    const approve = (requestId: string) =>
      run.acme.provisioning.decide(requestId, { step: 'boss', decision: 'approve' });
    const complete = () => run.acme.provisioning.complete({ token });
    const cancel = (requestId: string) => run.acme.provisioning.cancel(requestId);
    const cancelOf = async (requestId: string) =>
      (await run.acme.provisioning.explain(requestId)).find(({ command }) => command === 'cancel');
    const events = async () => {
      const names = (await backend.store.tenant('acme').history.list(customerId, { limit: 99 })).map(
        ({ event }) => event.name,
      );
      return names.slice(names.lastIndexOf('service.termination_requested'));
    };

    /** How far it is when it is cancelled, and what has to be put back then. */
    const moments: [string, (requestId: string) => Promise<unknown>, string[]][] = [
      ['before the first step', () => run.stop(), []],
      ['while it waits for a time', (requestId) => waitsAt(requestId, 'grace'), []],
      ['while it waits for an approval', (requestId) => waitsAt(requestId, 'boss'), []],
      [
        'in the middle of a step',
        async (requestId) => {
          hangsAt = 'line';
          await approve(requestId);
          await called('line');
        },
        ['-line unknown'],
      ],
      [
        'between two attempts',
        async (requestId) => {
          fails = 'line';
          await approve(requestId);
          await called('line');
          await stepIs(requestId, 'line', 'failed');
        },
        ['-line unknown'],
      ],
      [
        'while somebody outside has to complete it',
        async (requestId) => {
          await approve(requestId);
          await waitsAt(requestId, 'device');
        },
        ['-device unknown', '-line completed'],
      ],
      [
        'in the middle of a step in a transaction',
        async (requestId) => {
          hangsAt = 'row';
          await approve(requestId);
          await waitsAt(requestId, 'device');
          await complete();
          await called('row');
        },
        ['-device completed', '-line completed'],
      ],
      [
        'in the middle of the last step',
        async (requestId) => {
          hangsAt = 'last';
          await approve(requestId);
          await waitsAt(requestId, 'device');
          await complete();
          await called('last');
        },
        ['-last unknown', '-row completed', '-device completed', '-line completed'],
      ],
    ];
    // One transaction at a time: nothing can be asked while a step holds it.
    const reachable = moments.filter(([moment]) => !(takesTurns.has(title) && moment.includes('in a transaction')));
    it.each(reachable)('%s puts back what was taken, and may be asked for again', async (_, reach, putBack) => {
      const id = await service();
      const requestId = await taken(id);
      await reach(requestId);
      expect(await cancelOf(requestId)).toMatchObject({ allowed: true, untilStep: null });
      const asked = await cancel(requestId);
      expect(asked.cancelRequestedAt).not.toBeNull();
      [hangsAt, fails] = [undefined, undefined];
      await run.module.start();
      await becomes(id, { status: 'active', access: 'full', openRunId: null });
      expect(calls.filter((name) => name.startsWith('-'))).toEqual(putBack);
      expect(await run.acme.provisioning.get(requestId)).toMatchObject({
        runStatus: 'cancelled',
        status: 'active',
        message: 'Taking the service down was cancelled, and undone.',
      });
      expect((await events()).filter((name) => name !== 'service.step_decided')).toEqual([
        'service.termination_requested',
        'service.operation_started',
        'service.cancel_requested',
        'service.cancelled',
      ]);
      expect(await cancelOf(requestId)).toMatchObject({ allowed: false, code: 'RUN_NOT_OPEN' });
      const again = await taken(id);
      await approve(again);
      await waitsAt(again, 'device');
      await complete();
      await becomes(id, { status: 'terminated', access: 'none' });
    });

    it('comes back suspended where it was, and is suspended for a reason that was opened meanwhile', async () => {
      const [suspended, other] = [await service(), await service()];
      await run.acme.services.suspend(suspended, { actionType: 'abuse' });
      await becomes(suspended, { status: 'suspended', openRunId: null });
      const requests = [await taken(suspended), await taken(other)];
      for (const requestId of requests) await approve(requestId);
      for (const requestId of requests) await waitsAt(requestId, 'device');
      calls.length = 0;
      await cancel(requests[0] ?? '');
      await becomes(suspended, { status: 'suspended', access: 'suspended', openRunId: null });
      expect(calls).toEqual(['-device unknown', '-line completed']);
      await run.acme.suspension.suspend(customerId, { actionType: 'late' });
      await cancel(requests[1] ?? '');
      await becomes(other, { status: 'suspended', access: 'suspended', openRunId: null });
      expect(calls.slice(2)).toEqual(['-device unknown', '-line completed', 'shut']);
    });

    it('is stuck at what nothing undoes until somebody has put that back, and says so ahead', async () => {
      const id = await service('for good');
      hangsAt = 'wipe';
      const requestId = await taken(id);
      await waitsAt(requestId, 'boss');
      expect(await cancelOf(requestId)).toEqual({
        ...{ command: 'cancel', allowed: true, code: null, reason: null, untilStep: 'wipe' },
        comesTo: { lifts: [], spares: [], opens: null, keeps: false, byHand: [] },
      });
      await approve(requestId);
      await called('wipe');
      expect(await cancelOf(requestId)).toMatchObject({
        allowed: true,
        untilStep: 'row',
        comesTo: { byHand: ['wipe'] },
      });
      await cancel(requestId);
      await is(requestId, 'stuck');
      const { message, steps } = await run.acme.provisioning.get(requestId);
      expect(message).toMatch(
        /^Taking the service down was cancelled, and somebody has to look\. Nothing undoes the step wipe/,
      );
      expect(steps.map(({ status }) => status).slice(0, 3)).toEqual(['completed', 'completed', 'compensation_failed']);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'stuck', openRunId: requestId });
      expect(await cancelOf(requestId)).toMatchObject({ allowed: false, code: 'RUN_NOT_OPEN' });
      await run.acme.provisioning.retry(requestId);
      await is(requestId, 'stuck');
      await run.acme.provisioning.skip(requestId, { note: 'a new device was sent' });
      await becomes(id, { status: 'active', access: 'full', openRunId: null });
      expect(await statusOf(requestId)).toBe('cancelled');
      expect(calls).toEqual(['line', 'wipe', '-line completed']);
    });

    it('is taken down after all by who says that it is gone, or asks for it anew', async () => {
      const ended = await Promise.all(['completed', 'failed'].map(() => service('for good')));
      for (const [at, outcome] of (['completed', 'failed'] as const).entries()) {
        const id = ended[at] ?? '';
        hangsAt = 'wipe';
        calls.length = 0;
        const requestId = await taken(id);
        await waitsAt(requestId, 'boss');
        await approve(requestId);
        await called('wipe');
        await cancel(requestId);
        await is(requestId, 'stuck');
        hangsAt = undefined;
        if (outcome === 'failed') await run.acme.services.terminate(id);
        await run.acme.provisioning.force(requestId, { outcome });
        if (outcome === 'failed') {
          const anew = (await run.acme.services.get(id)).openRunId ?? '';
          expect(anew).not.toBe(requestId);
          await waitsAt(anew, 'boss');
          await approve(anew);
        }
        await becomes(id, { status: 'terminated', access: 'none', openRunId: null });
      }
    });

    it('puts all back that can be, right before the step that nothing undoes', async () => {
      const id = await service('for good');
      const requestId = await taken(id);
      await waitsAt(requestId, 'boss');
      await run.stop();
      await approve(requestId);
      await cancel(requestId);
      await run.module.start();
      await becomes(id, { status: 'active', access: 'full', openRunId: null });
      expect(calls).toEqual(['line', '-line completed']);
    });

    it('is stuck at once where the template only says how to undo what set the service up', async () => {
      const id = await service('undone');
      hangsAt = '-port completed';
      const requestId = await taken(id);
      await called('-port completed');
      await cancel(requestId);
      await is(requestId, 'stuck');
      await run.acme.provisioning.skip(requestId);
      await becomes(id, { status: 'active', access: 'full', openRunId: null });
    });

    it('gets a service back whose end is stuck', async () => {
      const id = await service();
      broken.add('last');
      const requestId = await taken(id);
      await approve(requestId);
      await waitsAt(requestId, 'device');
      await complete();
      await is(requestId, 'stuck');
      expect(await run.acme.provisioning.can(requestId, 'retry')).toBe(true);
      expect(await run.acme.provisioning.can(requestId, 'cancel')).toBe(true);
      await cancel(requestId);
      expect(await cancelOf(requestId)).toMatchObject({ allowed: false, code: 'RUN_NOT_OPEN' });
      await becomes(id, { status: 'active', access: 'full', openRunId: null });
      expect(calls.slice(-4)).toEqual(['-last unknown', '-row completed', '-device completed', '-line completed']);
    });

    it('gets a service back where a step was skipped that is not known to have been undone, once somebody has looked', async () => {
      const id = await service('for good');
      broken.add('wipe');
      const requestId = await taken(id);
      await approve(requestId);
      await is(requestId, 'stuck');
      hangsAt = 'last';
      await run.acme.provisioning.skip(requestId);
      await called('last');
      expect((await cancelOf(requestId))?.comesTo?.byHand).toEqual(['row', 'wipe']);
      await cancel(requestId);
      for (const name of ['row', 'wipe']) {
        await stepIs(requestId, name, 'compensation_failed');
        await is(requestId, 'stuck');
        await run.acme.provisioning.skip(requestId);
      }
      await becomes(id, { status: 'active', access: 'full', openRunId: null });
      expect(calls.slice(-2)).toEqual(['-last unknown', '-line completed']);
    });

    it('is stuck where something cannot be put back, until somebody has looked', async () => {
      const id = await service();
      const requestId = await taken(id);
      await approve(requestId);
      await waitsAt(requestId, 'device');
      broken.add('-line completed');
      await cancel(requestId);
      await is(requestId, 'stuck');
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'stuck', openRunId: requestId });
      expect(await cancelOf(requestId)).toMatchObject({ allowed: false, code: 'RUN_NOT_OPEN' });
      broken.clear();
      await run.acme.provisioning.retry(requestId);
      await becomes(id, { status: 'active', access: 'full', openRunId: null });
      expect(await statusOf(requestId)).toBe('cancelled');
      expect(calls).toEqual(['line', 'device', '-device unknown', '-line completed', '-line completed']);
    });

    it('is begun anew for a customer who leaves while it is put back, and keeps what is cancelled then', async () => {
      const [id, other] = [await service(), await service()];
      const requestId = await taken(id);
      hangsAt = '-line completed';
      await approve(requestId);
      await waitsAt(requestId, 'device');
      await cancel(requestId);
      await called('-line completed');
      await run.acme.dunning.overdue(customerId, { invoiceId: 'r-1' });
      await becomes(other, { status: 'deprovisioning' });
      expect((await run.acme.customers.get(customerId)).lifecycleStage).toBe('inactive');
      const leaving = (await run.acme.services.get(other)).openRunId ?? '';
      expect(await cancelOf(leaving)).toMatchObject({ allowed: true, comesTo: { keeps: true } });
      await cancel(leaving);
      release();
      await until(async () => (await run.acme.services.get(id)).openRunId !== requestId, run.clock);
      expect(await statusOf(requestId)).toBe('cancelled');
      const anew = (await run.acme.services.get(id)).openRunId ?? '';
      expect(await run.acme.provisioning.get(anew)).toMatchObject({ operation: 'deprovision' });
      await becomes(other, { status: 'active', openRunId: null, isKept: true });
      await cancel(anew);
      await becomes(id, { status: 'active', openRunId: null, isKept: true });
      await run.acme.customers.delete(customerId);
      for (const each of [id, other]) await becomes(each, { status: 'deprovisioning', isKept: false });
    });
  });
