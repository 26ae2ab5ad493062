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
    const template = defineServiceTemplate({
      name: 'internet',
      config: z.object({}),
      steps: [{ key: 'port', run: () => undefined }],
      operations: {
        suspend: [
          { key: 'technician', completion: {}, run: ({ completionToken }) => void orders.push(completionToken) },
        ],
        throttle: [{ key: 'boss', approval: { quorum: 2 } }],
      },
    });
    beforeEach(async () => {
      [backend, orders] = [await create(), []];
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
