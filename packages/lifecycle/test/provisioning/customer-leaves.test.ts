import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { withBoundaries, type AtBoundary } from '../support/boundaries.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const dayMs = 86_400_000;

// Time stands still: nothing comes to the help of a run that was not woken.
for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a service whose customer leaves while it is set up, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** Another process, which does nothing by itself. */
    let elsewhere: Lifecycle;
    let calls: string[];
    let at: AtBoundary;
    let customerId: string;

    const waiting: Record<string, ServiceStep> = {
      time: { key: 'pause', waitMs: 14 * dayMs },
      approval: { key: 'pause', approval: {} },
      completion: { key: 'pause', run: () => undefined, completion: { timeoutMs: 14 * dayMs } },
    };
    const waits = Object.keys(waiting);
    const fails = () => Promise.reject(new Error('not now'));
    const retry: ServiceStep = { key: 'pause', run: fails, retry: { firstBackoffMs: dayMs, longestBackoffMs: dayMs } };
    const templates = Object.entries({ ...waiting, retry }).map(([name, step]) =>
      defineServiceTemplate({
        name,
        config: z.object({}),
        steps: [{ key: 'port', run: () => void calls.push('port'), compensate: () => void calls.push('-port') }, step],
      }),
    );
    const request = async (serviceName: string): Promise<string> =>
      (await run.acme.services.request(customerId, { serviceName })).id;
    const becomes = (id: string, status: string) =>
      until(async () => (await run.acme.provisioning.get(id)).runStatus === status, run.clock, 0);
    const leave = () => elsewhere.scope({ tenantId: 'acme' }).customers.deactivate(customerId);

    beforeEach(async () => {
      [backend, calls, at] = [await create(), [], () => undefined];
      const store = withBoundaries(backend.store, (boundary) => at(boundary));
      run = await rig({ ...backend, store }, { templates });
      elsewhere = createLifecycle({ store: backend.store, clock: run.clock, templates });
      customerId = await run.active();
    });
    afterEach(async () => {
      at = () => undefined;
      await run.stop();
      await backend.close();
    });

    it.each(waits)('is undone at once where it waits for %s, and its customer can be erased', async (name) => {
      const id = await request(name);
      await becomes(id, 'waiting');
      await run.acme.customers.deactivate(customerId);
      await becomes(id, 'failed');
      expect(calls).toEqual(['port', '-port']);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'failed', openRunId: null });
      await run.acme.customers.delete(customerId);
      expect(await run.acme.privacy.erase(customerId)).toMatchObject({ id: customerId });
    });

    it('is undone at once where it is between two attempts, and its customer can be erased', async () => {
      const id = await request('retry');
      const next = () => backend.store.tenant('acme').runs.get(id);
      await until(async () => ((await next())?.nextAt ?? 0) > run.clock.now(), run.clock, 0);
      expect(await next()).toMatchObject({ status: 'running' });
      await run.acme.customers.delete(customerId);
      await becomes(id, 'failed');
      expect(calls).toEqual(['port', '-port']);
      expect(await run.acme.privacy.erase(customerId)).toMatchObject({ id: customerId });
    });

    it.each(waits)('is undone where its customer leaves while it is written that it waits for %s', async (name) => {
      let hasLeft = false;
      at = async (boundary) => {
        if (hasLeft || boundary !== 'before commit' || !calls.includes('port')) return;
        hasLeft = true;
        await leave();
      };
      const id = await request(name);
      await becomes(id, 'failed');
      expect(calls).toEqual(['port', '-port']);
    });

    it('waits on where its customer is only suspended', async () => {
      const id = await request('time');
      await becomes(id, 'waiting');
      const { nextAt } = (await backend.store.tenant('acme').runs.get(id)) ?? expect.unreachable();
      await run.acme.suspension.suspend(customerId, { actionType: 'abuse' });
      expect(await backend.store.tenant('acme').runs.get(id)).toMatchObject({ status: 'waiting', nextAt });
    });
  });
