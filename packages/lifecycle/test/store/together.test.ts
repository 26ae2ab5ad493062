import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runKey, type LifecycleStore } from '../../src/store/store.js';
import type { Run } from '../../src/provisioning/run.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { aRun, aService } from '../../src/testing/samples.js';
import { backends } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until } from '../support/lifecycle.js';

/** As many customers, each with a service that is to be set up. */
async function runsOf(store: LifecycleStore, count: number): Promise<Run[]> {
  const people = await crowd(store, count);
  const { runs, services } = store.tenant('acme');
  const made = people.map(({ id }) => aRun('acme', id));
  await store.transaction(async (trx) => {
    for (const run of made) {
      const { id, customerId } = run;
      await services.insert(aService('acme', customerId, { id, status: 'pending', openRunId: id }), trx);
      await runs.insert(run, trx);
    }
  });
  return made;
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`workers that write at the same time on ${title}`, () => {
    it('write by their own leases: what was lost in between is written by whoever has it now', async () => {
      const backend = await create();
      const { store } = backend;
      const runs = await runsOf(store, 12);
      const { runs: stored, services } = store.tenant('acme');
      const acquire = (run: Run, owner: string) => store.runLeases.acquire(runKey('acme', run.id), owner, 60_000);
      const first = await Promise.all(runs.map((run) => acquire(run, 'first')));
      expect(first.map((lease) => lease?.fence)).toEqual(runs.map(() => 1));
      // The lease of every third passes to another worker of the same process.
      for (const [index, run] of runs.entries())
        if (index % 3 === 0) {
          await store.runLeases.release(runKey('acme', run.id), 'first', 1);
          expect(await acquire(run, 'second')).toMatchObject({ fence: 2 });
        }
      const proceed = (run: Run, fence: number, updatedAt: number) =>
        stored.proceed(run.id, fence, { ...run, status: 'running', updatedAt, begunService: run.serviceId });
      const [mine, theirs] = await Promise.all([
        Promise.all(runs.map((run) => proceed(run, 1, run.updatedAt + 1))),
        Promise.all(runs.map((run) => proceed(run, 2, run.updatedAt + 2))),
      ]);
      for (const [index, run] of runs.entries()) {
        const isLost = index % 3 === 0;
        expect(mine[index]?.customer.id).toBe(isLost ? undefined : run.customerId);
        expect(theirs[index]?.customer.id).toBe(isLost ? run.customerId : undefined);
        const updatedAt = run.updatedAt + (isLost ? 2 : 1);
        expect(await stored.get(run.id)).toMatchObject({ status: 'running', updatedAt });
        expect(await services.get(run.serviceId)).toMatchObject({ status: 'provisioning', updatedAt });
      }
      await backend.close();
    });

    // Neither locks rows.
    if (title !== 'memory' && title !== 'SQLite')
      it('do not wait for what somebody else has locked', async () => {
        const backend = await create();
        const { store } = backend;
        const runs = await runsOf(store, 8);
        const [one, two, ...free] = runs;
        if (!one || !two) throw new Error('There are runs.');
        const tenant = store.tenant('acme');
        let unlock = (): void => {};
        let isLocked = (): void => {};
        const locked = new Promise<void>((resolve) => (isLocked = resolve));
        const holder = store.transaction(async (trx) => {
          await tenant.runs.lock(one.id, trx);
          await tenant.services.lock(two.serviceId, trx);
          isLocked();
          await new Promise<void>((resolve) => (unlock = resolve));
        });
        await locked;
        const work = async (run: Run) => {
          const lease = await store.runLeases.acquire(runKey('acme', run.id), 'worker', 60_000);
          return tenant.runs.proceed(run.id, lease?.fence ?? 0, {
            ...run,
            status: 'running',
            begunService: run.serviceId,
          });
        };
        const working = runs.map(work);
        const done = await Promise.all(working.slice(2));
        expect(done.map((standing) => standing?.customer.id)).toEqual(free.map(({ customerId }) => customerId));
        for (const run of [one, two]) expect(await tenant.runs.get(run.id)).toMatchObject({ status: 'pending' });
        unlock();
        await holder;
        await Promise.all(working);
        for (const run of runs) {
          expect(await tenant.runs.get(run.id)).toMatchObject({ status: 'running' });
          expect(await tenant.services.get(run.serviceId)).toMatchObject({ status: 'provisioning' });
        }
        await backend.close();
      });

    it('set up many services at once, each with its own events in their order', async () => {
      const backend = await create();
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: ['a', 'b', 'c'].map((key) => ({ key, run: ({ requestId }) => ({ requestId }) })),
      });
      const { acme, clock, stop } = await rig(backend, { templates: [template], concurrency: 30 });
      const people = await crowd(backend.store, 20);
      // Two of each customer: they swap the same row, and the second one finds it changed.
      const asked = [...people, ...people].map(({ id }) => acme.services.request(id, { serviceName: 'internet' }));
      const requested = await Promise.all(asked);
      await until(async () => (await acme.status()).servicesByStatus.active === requested.length, clock, 0);
      for (const { id } of people) {
        const entries = await backend.store.tenant('acme').history.list(id, { limit: 10 });
        expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
        const names = entries.map(({ event }) => event.name);
        for (const name of ['service.requested', 'service.provisioned'] as const)
          expect(names.filter((each) => each === name)).toHaveLength(2);
        expect(names.slice(0, 2)).toEqual(['customer.registered', 'service.requested']);
        expect(names.at(-1)).toBe('service.provisioned');
      }
      for (const { id } of requested) {
        const { outputs } = await acme.services.read(id);
        expect(outputs).toEqual({ a: { requestId: id }, b: { requestId: id }, c: { requestId: id } });
      }
      await stop();
      await backend.close();
    });
  });
