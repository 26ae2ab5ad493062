import { coreErrors } from '@dotmac/core';
import { createApi } from '@dotmac/core/http';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DriftAsk } from '../../src/consistency/drift.js';
import type { DriftLine } from '../../src/consistency/drift-line.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`the drift report on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let customerId: string;
    /** What the network says of a service; unnamed: it is there. */
    let says: Map<string, () => { done: boolean } | Promise<{ done: boolean }>>;
    let asked: string[];
    let atOnce: { now: number; most: number };

    beforeEach(async () => {
      [backend, says, asked, atOnce] = [await create(), new Map(), [], { now: 0, most: 0 }];
      const reconcile = async ({ serviceId }: { serviceId: string }) => {
        asked.push(serviceId);
        atOnce.now += 1;
        atOnce.most = Math.max(atOnce.most, atOnce.now);
        const answer = await says.get(serviceId)?.();
        atOnce.now -= 1;
        return (answer ?? { done: true }) as { done: true };
      };
      const config = z.object({});
      const line = defineServiceTemplate({
        name: 'line',
        config,
        steps: [{ key: 'port', run: () => ({ port: 1 }), reconcile }],
        operations: { suspend: [{ key: 'ask', approval: {} }] },
      });
      const letter = defineServiceTemplate({ name: 'letter', config, steps: [{ key: 'post', run: () => null }] });
      run = await rig(backend, { templates: [line, letter] });
      customerId = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const service = async (serviceName = 'line') => {
      const { id } = await run.acme.services.request(customerId, { serviceName });
      await until(async () => {
        const { status, openRunId } = await run.acme.services.get(id);
        return status === 'active' && openRunId === null;
      }, run.clock);
      return id;
    };
    const report = async (ask: DriftAsk = {}): Promise<DriftLine[]> => {
      const lines: DriftLine[] = [];
      for await (const line of run.acme.consistency.drift(ask)) lines.push(line);
      return lines;
    };

    it('names every service that is not as it should be, and counts them', async () => {
      const [there, gone, silent, busy, letter, ended] = [
        await service(),
        await service(),
        await service(),
        await service(),
        await service('letter'),
        await service(),
      ];
      says.set(gone, () => ({ done: false }));
      says.set(silent, () => Promise.reject(new Error('the network does not answer')));
      // It waits for somebody to decide.
      await run.acme.services.suspend(busy, { actionType: 'abuse' });
      await run.acme.services.terminate(ended);
      await until(async () => (await run.acme.services.get(ended)).status === 'terminated', run.clock);
      const lines = await report();
      const none = { customerId: null, reason: null, serviceId: null, serviceName: null, steps: [] };
      const counts = { checked: 5, drifted: 1, unknown: 1, unchecked: 2 };
      expect(lines.at(-1)).toEqual({ kind: 'done', ...counts, ...none });
      expect(lines.map(({ kind, serviceId }) => [kind, serviceId])).toEqual([
        ['unchecked', busy],
        ['unknown', silent],
        ['drifted', gone],
        ['done', null],
      ]);
      expect(lines[2]).toMatchObject({
        customerId,
        serviceName: 'line',
        steps: [{ name: 'port', operation: 'provision', found: 'missing' }],
      });
      expect(lines[1]?.steps).toMatchObject([{ found: 'unknown', error: 'The step port failed.' }]);
      expect(asked.sort()).toEqual([there, gone, silent].sort());
      expect((await report({ serviceName: 'letter' })).at(-1)).toMatchObject({ checked: 1, unchecked: 1 });
      expect((await report({ customerId: letter })).at(-1)).toMatchObject({ checked: 0 });
      expect(await run.other.consistency.drift()[Symbol.asyncIterator]().next()).toMatchObject({
        value: { kind: 'done', checked: 0 },
      });
    });

    describe('of a service that is not as it was set up', () => {
      /** What the network has; each step asks whether it is so. */
      let network: Set<string>;
      let id: string;
      beforeEach(async () => {
        network = new Set();
        const step = (name: string, instead: readonly string[] = []) => ({
          key: name,
          run: () => {
            for (const other of instead) network.delete(other);
            network.add(name);
          },
          reconcile: () => {
            asked.push(name);
            return (network.has(name) ? { done: true } : { done: false }) as { done: true };
          },
        });
        const plan = (name: string) =>
          defineServiceTemplate({
            name,
            config: z.object({ speed: z.int().default(100) }),
            steps: [step('port'), step('enable')],
            operations: {
              suspend: [step('disable', ['enable', 'slow'])],
              throttle: [step('slow', ['enable'])],
              resume: [step('enable', ['disable', 'slow'])],
              change_plan: [step(`plan ${name}`.replace(' ', '-'))],
            },
          });
        await run.stop();
        run = await rig(backend, { templates: [plan('copper'), plan('fibre')] });
        id = await service('copper');
      });
      const gives = (access: string) =>
        until(async () => {
          const now = await run.acme.services.get(id);
          return now.access === access && now.openRunId === null;
        }, run.clock);
      const found = async () => {
        const { drifted, steps } = await run.acme.services.drift(id);
        return [drifted, steps.map((step) => `${step.operation} ${step.name}: ${step.found}`)];
      };
      const kinds = async () => (await report({ customerId })).map(({ kind }) => kind);

      it('asks a suspended one whether it is suspended, and not whether it is open', async () => {
        await run.acme.services.suspend(id, { actionType: 'abuse' });
        await gives('suspended');
        expect(await found()).toEqual([false, ['suspend disable: present']]);
        expect(await kinds()).toEqual(['done']);
        // Somebody opened it outside.
        network.delete('disable');
        network.add('enable');
        expect(await found()).toEqual([true, ['suspend disable: missing']]);
        expect(await kinds()).toEqual(['drifted', 'done']);
      });

      it('asks a throttled one whether it is slow, and one that was started again whether it is open', async () => {
        await run.acme.services.suspend(id, { actionType: 'late', severity: 'throttle' });
        await gives('throttled');
        expect(await found()).toEqual([false, ['throttle slow: present']]);
        await run.acme.services.resume(id, { actionType: 'late' });
        await gives('full');
        const open = ['provision port: present', 'provision enable: present', 'resume enable: present'];
        expect(await found()).toEqual([false, open]);
        network.delete('enable');
        expect((await found())[0]).toBe(true);
      });

      it('asks after what a change of plan did, and after what was set up where the plan is the same', async () => {
        await run.acme.services.changePlan(id, { customConfig: { speed: 200 } });
        await until(() => network.has('plan-copper'), run.clock);
        await gives('full');
        const same = ['provision port: present', 'provision enable: present', 'change_plan plan-copper: present'];
        expect(await found()).toEqual([false, same]);
        await run.acme.services.changePlan(id, { serviceName: 'fibre' });
        await until(async () => (await run.acme.services.get(id)).serviceName === 'fibre', run.clock);
        await gives('full');
        expect(await found()).toEqual([false, ['change_plan plan-fibre: present']]);
        network.delete('plan-fibre');
        expect(await kinds()).toEqual(['drifted', 'done']);
      });
    });

    it('does not ask steps that were skipped', async () => {
      const broken = {
        key: 'fence',
        run: () => {
          throw coreErrors.INVALID_ARGUMENT({ argument: 'fence', reason: 'there is none' });
        },
        reconcile: () => ({ done: false }) as const,
      };
      await run.stop();
      const template = defineServiceTemplate({
        name: 'line',
        config: z.object({}),
        steps: [{ key: 'port', run: () => undefined }],
        operations: { suspend: [broken] },
      });
      run = await rig(backend, { templates: [template] });
      const id = await service();
      const { openRunId } = await run.acme.services.suspend(id, { actionType: 'abuse' });
      await until(async () => (await run.acme.services.get(id)).status === 'stuck', run.clock);
      await run.acme.provisioning.skip(openRunId ?? '');
      await until(async () => (await run.acme.services.get(id)).status === 'suspended', run.clock);
      expect(await run.acme.services.drift(id)).toMatchObject({ drifted: false, steps: [] });
    });

    it('does not report a service that was taken down while it was asked after', async () => {
      const id = await service();
      says.set(id, async () => {
        await run.acme.services.terminate(id);
        return { done: false };
      });
      expect((await report()).map(({ kind }) => kind)).toEqual(['unchecked', 'done']);
    });

    it('asks after a few services at once, and stops when it is told to', async () => {
      for (let count = 0; count < 5; count++) await service();
      const newest = (await run.acme.services.list({ limit: 2 })).items.map(({ id }) => id);
      // Each of them answers once the other is being asked.
      for (const id of newest) says.set(id, () => until(() => asked.length >= 2).then(() => ({ done: true })));
      expect((await report({ concurrency: 2 })).at(-1)).toMatchObject({ checked: 5, drifted: 0 });
      expect([asked.length, atOnce.most]).toEqual([5, 2]);
      await expect(report({ concurrency: 17 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      asked.length = 0;
      const stop = new AbortController();
      const [first = ''] = newest;
      // It never answers: whoever waits for it goes away.
      says.set(first, () => {
        stop.abort(new Error('enough'));
        return new Promise(() => undefined);
      });
      await expect(report({ concurrency: 1, signal: stop.signal })).rejects.toThrow('enough');
      expect(asked).toEqual([first]);
    });
  });

it('the drift report is for those who may write', async () => {
  const backend = await (backends[0]?.create() as Promise<Backend>);
  const { module, stop } = await rig(backend);
  const path = '/customer-lifecycle/drift-check';
  const status = async (permission: 'lifecycle:read' | 'lifecycle:write') => {
    const authenticate = () => ({ tenantId: 'acme', actorId: 'user:2', permissions: [permission] });
    const response = await createApi(module, { authenticate })
      .routes.find((route) => route.path === path)
      ?.handle({
        method: 'POST',
        path,
        mountedAt: '',
        params: {},
        query: {},
        headers: {},
        remoteAddress: '127.0.0.1',
        body: { parsed: undefined },
        signal: new AbortController().signal,
      });
    return response?.status;
  };
  expect([await status('lifecycle:read'), await status('lifecycle:write')]).toEqual([403, 200]);
  await stop();
});
