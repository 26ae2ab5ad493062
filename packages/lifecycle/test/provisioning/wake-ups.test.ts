import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOperationError } from '@dotmac/core';
import { isLong } from '../../../../test/support/length.js';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { withBoundaries, type AtBoundary } from '../support/boundaries.js';
import { crowd } from '../support/crowd.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const hour = 3_600_000;
const secret = 'a secret of more than 32 characters, for tests';

/** What happens to the worker in between, once. */
interface Meanwhile {
  /** Before something is written. */
  at: AtBoundary;
  /** After what was said to a step was read, outside of a transaction. */
  listened: () => Promise<void>;
  /** Before a lease is given back. */
  releasing: () => Promise<void>;
}

/** After how many turns each approves a run, and after how many which process cancels it. */
interface Plan {
  approvals: number[];
  cancel: number;
  by: number;
}

const turns = fc.nat(39);
const plan: fc.Arbitrary<Plan> = fc.record({
  approvals: fc.array(turns, { minLength: 3, maxLength: 3 }),
  cancel: turns,
  by: fc.nat(1),
});

function interrupted(store: LifecycleStore, meanwhile: Meanwhile): LifecycleStore {
  const bounded = withBoundaries(store, (boundary) => meanwhile.at(boundary));
  return {
    ...bounded,
    runLeases: {
      ...bounded.runLeases,
      async release(...held) {
        await meanwhile.releasing();
        return store.runLeases.release(...held);
      },
    },
    tenant(tenantId) {
      const inner = bounded.tenant(tenantId);
      return {
        ...inner,
        signals: {
          ...inner.signals,
          async list(runId, stepKey, trx) {
            const said = await inner.signals.list(runId, stepKey, trx);
            if (!trx) await meanwhile.listened();
            return said;
          },
        },
      };
    },
  };
}

// Time stands still: no sweep, no end of a lease and no second attempt comes to the help of who was not woken.
for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a run on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** Another process, which does nothing by itself: its own wake-ups come to nothing. */
    let elsewhere: Lifecycle;
    let meanwhile: Meanwhile;
    let calls: string[];
    let customerId: string;
    let isBroken: boolean;

    const called = (key: string) => ({
      key,
      run() {
        calls.push(key);
        if (isBroken) throw new Error('out of order');
      },
      compensate: () => void calls.push(`undo ${key}`),
    });
    const templates = () => [
      defineServiceTemplate({
        name: 'agreed',
        config: z.object({}),
        steps: [{ key: 'boss', approval: { quorum: 2 } }, called('port')],
      }),
      defineServiceTemplate({
        name: 'patient',
        config: z.object({}),
        steps: [called('port'), { key: 'pause', waitMs: 24 * hour }],
      }),
      defineServiceTemplate({
        name: 'both',
        config: z.object({}),
        steps: [{ key: 'boss', approval: { quorum: 3 } }, called('port'), { key: 'pause', waitMs: 24 * hour }],
      }),
    ];
    beforeEach(async () => {
      const nothing = () => Promise.resolve();
      [backend, calls, isBroken] = [await create(), [], false];
      meanwhile = { at: () => undefined, listened: nothing, releasing: nothing };
      run = await rig({ ...backend, store: interrupted(backend.store, meanwhile) }, { templates: templates(), secret });
      elsewhere = createLifecycle({ store: backend.store, clock: run.clock, templates: templates(), secret });
      customerId = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await elsewhere.stop();
      await backend.close();
    });

    const processes = { 'this process': () => run.module, 'another process': () => elsewhere };
    const names = Object.keys(processes) as (keyof typeof processes)[];
    const provisioning = (module: Lifecycle, actor = 'user:1') =>
      module.scope({ tenantId: 'acme', actor }).provisioning;
    const approve = (id: string, actor: string, module = run.module) =>
      provisioning(module, actor).decide(id, { step: 'boss', decision: 'approve' });
    const request = async (serviceName: string): Promise<string> =>
      (await run.acme.services.request(customerId, { serviceName })).id;
    const becomes = (id: string, status: string) =>
      until(async () => (await run.acme.provisioning.get(id)).runStatus === status, run.clock, 0);
    /** Does something once, and nothing at the boundaries of that itself. */
    const once = (act: () => Promise<unknown>, isNow: () => boolean | Promise<boolean> = () => true) => {
      let isDone = false;
      return async (): Promise<void> => {
        if (isDone || !(await isNow())) return;
        isDone = true;
        await act();
      };
    };

    it.each(names)('goes on when %s approves while those who did before are counted', async (name) => {
      const id = await request('agreed');
      await becomes(id, 'waiting');
      meanwhile.listened = once(() => approve(id, 'user:2', processes[name]()));
      await approve(id, 'user:1');
      await becomes(id, 'completed');
      expect(calls).toEqual(['port']);
    });

    it.each(names)(
      'goes on when %s approves after it has written that it waits, and holds its lease still',
      async (name) => {
        const id = await request('agreed');
        await becomes(id, 'waiting');
        meanwhile.releasing = once(() => approve(id, 'user:2', processes[name]()));
        await approve(id, 'user:1');
        await becomes(id, 'completed');
      },
    );

    it.each(names)('turns back when %s cancels it while it writes that it waits', async (name) => {
      let id = '';
      const cancel = once(
        () => provisioning(processes[name]()).cancel(id),
        () => calls.includes('port'),
      );
      meanwhile.at = (boundary) => (boundary === 'before commit' ? cancel() : undefined);
      id = await request('patient');
      await becomes(id, 'cancelled');
      expect(calls).toEqual(['port', 'undo port']);
    });

    it.each(names)('turns back when %s cancels it while it writes when a step is tried again', async (name) => {
      isBroken = true;
      let id = '';
      const cancel = once(
        () => provisioning(processes[name]()).cancel(id),
        () => calls.includes('port'),
      );
      meanwhile.at = (boundary) =>
        boundary === 'before commit' || boundary === 'before checkpoint running' ? cancel() : undefined;
      id = await request('patient');
      await becomes(id, 'cancelled');
      expect(calls).toEqual(['port', 'undo port']);
    });

    it.each(names)('turns back when %s cancels it while it writes that it is over', async (name) => {
      let id = '';
      const cancel = once(
        () => provisioning(processes[name]()).cancel(id),
        () => calls.includes('port'),
      );
      meanwhile.at = (boundary) => (boundary === 'before change' ? cancel() : undefined);
      id = await request('agreed');
      await approve(id, 'user:1');
      await approve(id, 'user:2');
      await becomes(id, 'cancelled');
      expect(calls).toEqual(['port', 'undo port']);
      expect(await run.acme.services.get(id)).toMatchObject({ status: 'failed', access: 'none', openRunId: null });
    });

    it('is forgotten by none of two processes, whoever approves and cancels when', async () => {
      const other = await rig(backend, { templates: templates(), secret });
      const modules = [run.module, other.module];
      const after = async (turns: number): Promise<void> => {
        for (let left = turns; left > 0; left--) await nextTurn();
      };
      const race = async (plans: readonly Plan[]): Promise<void> => {
        const ids: string[] = [];
        const customers = (await crowd(backend.store, 3)).map(({ id }) => id);
        for (const index of plans.keys()) {
          const scope = (modules[index % 2] ?? run.module).scope({ tenantId: 'acme', actor: 'user:1' });
          ids.push((await scope.services.request(customers[index % 3] ?? '', { serviceName: 'both' })).id);
        }
        const isCancelled = (index: number): boolean => index % 2 === 0;
        const racing = plans.flatMap(({ approvals, cancel, by }, index) => {
          const id = ids[index] ?? '';
          const approving = approvals.map(async (turns, at) => {
            await after(turns);
            await approve(id, `user:${at}`, modules[(index + at) % 2]).catch((error: unknown) => {
              // Who comes after the cancellation finds a run that has turned back.
              if (!isCancelled(index) || !isOperationError(error, 'RUN_NOT_OPEN')) throw error;
            });
          });
          if (!isCancelled(index)) return approving;
          return [...approving, after(cancel).then(() => provisioning(modules[by] ?? run.module).cancel(id))];
        });
        await Promise.all(racing);
        // Those that nobody cancelled wait for the next day; nobody cancels those while they get there.
        for (const [index, id] of ids.entries()) {
          await until(
            async () => {
              const { runStatus, steps } = await other.acme.provisioning.get(id);
              return runStatus === 'cancelled' || (!isCancelled(index) && steps[2]?.status === 'waiting');
            },
            run.clock,
            0,
          );
          if (!isCancelled(index)) await provisioning(modules[index % 4 === 1 ? 0 : 1] ?? run.module).cancel(id);
          await becomes(id, 'cancelled');
        }
      };
      // What the database does in between is not to be repeated: fewer of a race that failed show nothing.
      await fc.assert(fc.asyncProperty(fc.array(plan, { minLength: 12, maxLength: 12 }), race), {
        numRuns: isLong ? 50 : 4,
        endOnFailure: true,
      });
      await other.stop();
    }, 600_000);
  });
