import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a stuck step that is tried anew, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let orders: string[];
    let serviceId: string;
    let requestId: string;
    /** What a system outside took: the first order under a key, and no other. */
    let taken: Map<string, string>;
    let looked: string[];
    const template = defineServiceTemplate({
      name: 'internet',
      config: z.object({}),
      steps: [{ key: 'port', run: () => undefined }],
      operations: {
        suspend: [
          { key: 'technician', completion: {}, run: ({ completionToken }) => void orders.push(completionToken) },
        ],
        resume: [
          {
            key: 'visit',
            completion: {},
            retry: { attempts: 2 },
            run: ({ idempotencyKey, completionToken, attempt }) => {
              if (!taken.has(idempotencyKey)) taken.set(idempotencyKey, completionToken);
              if (attempt === 1) throw new Error('The answer is lost.');
            },
            reconcile: ({ idempotencyKey }) => {
              looked.push(idempotencyKey);
              return { done: taken.has(idempotencyKey) };
            },
          },
        ],
        throttle: [{ key: 'boss', approval: { quorum: 2 } }],
      },
    });
    beforeEach(async () => {
      [backend, orders, taken, looked] = [await create(), [], new Map(), []];
      run = await rig(backend, { templates: [template] });
      serviceId = (await run.acme.services.request(await run.active(), { serviceName: 'internet' })).id;
      await until(async () => (await run.acme.services.get(serviceId)).status === 'active', run.clock);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const block = async (severity: 'suspend' | 'throttle') => {
      await run.acme.services.suspend(serviceId, { actionType: 'abuse', severity });
      requestId = (await run.acme.services.get(serviceId)).openRunId ?? 'none';
      await becomes('waiting');
    };
    const becomes = (status: string) =>
      until(async () => (await run.acme.provisioning.get(requestId)).runStatus === status, run.clock);
    const complete = (order: number, outcome: 'completed' | 'failed') =>
      run.acme.provisioning.complete({ token: orders[order] ?? '', outcome });
    const decide = (actor: string, decision: 'approve' | 'reject') =>
      run.module.scope({ tenantId: 'acme', actor }).provisioning.decide(requestId, { step: 'boss', decision });

    it('waits for its new order, and for that alone', async () => {
      await block('suspend');
      await complete(0, 'failed');
      await becomes('stuck');
      await run.acme.provisioning.retry(requestId, { note: 'go there again' });
      await becomes('waiting');
      expect(new Set(orders).size).toBe(2);
      for (const outcome of ['failed', 'completed'] as const)
        await expect(complete(0, outcome)).rejects.toMatchObject({ code: 'STEP_NOT_DECIDABLE' });
      await complete(1, 'failed');
      await becomes('stuck');
      await run.acme.provisioning.retry(requestId);
      await becomes('waiting');
      await complete(2, 'completed');
      await becomes('completed');
      expect((await run.acme.services.get(serviceId)).access).toBe('suspended');
    });

    it('is ordered anew by a system that takes an order once under its key, and found under that key alone', async () => {
      await block('throttle');
      for (const boss of ['user:a', 'user:b']) await decide(boss, 'approve');
      await becomes('completed');
      await run.acme.services.resume(serviceId, { actionType: 'abuse' });
      requestId = (await run.acme.services.get(serviceId)).openRunId ?? 'none';
      const key = `${requestId}:visit`;
      await becomes('waiting');
      await run.acme.provisioning.complete({ token: taken.get(key) ?? '', outcome: 'failed' });
      await becomes('stuck');
      await run.acme.provisioning.retry(requestId);
      await becomes('waiting');
      expect([...taken.keys()]).toEqual([key, `${key}:1`]);
      // Not before it was ordered in this round: what was ordered before comes to nothing any more.
      expect(looked).toEqual([key, `${key}:1`]);
      await run.acme.provisioning.complete({ token: taken.get(`${key}:1`) ?? '' });
      await becomes('completed');
      looked = [];
      const { steps } = await run.acme.services.drift(serviceId);
      expect(steps).toMatchObject([{ name: 'visit', operation: 'resume', found: 'present' }]);
      expect(looked).toEqual([`${key}:1`]);
    });

    it('is decided anew, by those who decided before too', async () => {
      await block('throttle');
      await decide('user:a', 'approve');
      await decide('user:b', 'reject');
      await becomes('stuck');
      await run.acme.provisioning.retry(requestId);
      await becomes('waiting');
      await decide('user:b', 'approve');
      expect((await run.acme.provisioning.get(requestId)).runStatus).toBe('waiting');
      await decide('user:a', 'approve');
      await becomes('completed');
      expect((await run.acme.services.get(serviceId)).access).toBe('throttled');
    });
  });
