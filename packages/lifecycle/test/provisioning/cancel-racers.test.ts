import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle } from '../../src/lifecycle.js';
import type { Provisioning } from '../../src/provisioning/run.js';
import type { ServiceStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { withBoundaries, type AtBoundary } from '../support/boundaries.js';
import { crowd } from '../support/crowd.js';
import { expectFolded } from '../support/folded.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const racing = 24;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`many who cancel the taking down of one service at once, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    let at: AtBoundary;
    const action = (key: string): ServiceStep => ({
      key,
      run: () => void calls.push(key),
      compensate: () => void calls.push(`-${key}`),
    });
    const written = (key: string): ServiceStep => ({
      key,
      runInTransaction: () => void calls.push(key),
      compensateInTransaction: () => void calls.push(`-${key}`),
    });
    const templates = [
      defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: [{ key: 'port', run: () => undefined }],
        operations: { deprovision: [action('close'), written('row'), action('wipe')] },
      }),
    ];
    beforeEach(async () => {
      [backend, calls, at] = [await create(), [], () => undefined];
      run = await rig({ ...backend, store: withBoundaries(backend.store, (boundary) => at(boundary)) }, { templates });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    /** Takes a service down; at this boundary of its worker they all come, half of them from another process. */
    const takenDown = async (number: number) => {
      const elsewhere = createLifecycle({ store: backend.store, clock: run.clock, templates });
      const [{ id: customerId } = expect.unreachable()] = await crowd(backend.store, 1);
      const { id } = await run.acme.services.request(customerId, { serviceName: 'internet' });
      const isFree = async () => (await elsewhere.scope({ tenantId: 'acme' }).services.get(id)).openRunId === null;
      await until(isFree, run.clock);
      // Its worker rests until all is asked for.
      await run.stop();
      calls = [];
      await run.acme.services.terminate(id);
      const runId = (await run.acme.services.get(id)).openRunId ?? expect.unreachable();
      let passed = 0;
      const answers: (Provisioning | string)[] = [];
      at = () => {
        if (++passed !== number) return;
        for (let racer = 0; racer < racing; racer++)
          void (racer % 2 === 0 ? run.module : elsewhere)
            .scope({ tenantId: 'acme', actor: `user:${racer}` })
            .provisioning.cancel(runId)
            .then(
              (answer) => answers.push(answer),
              (error: { code?: string }) => answers.push(error.code ?? String(error)),
            );
      };
      await run.module.start();
      await until(async () => (number === 0 || answers.length === racing) && (await isFree()), run.clock);
      at = () => undefined;
      const names = (await backend.store.tenant('acme').history.list(customerId, { limit: 99 })).map(
        ({ event }) => event.name,
      );
      await expectFolded(backend.store, customerId);
      const { status, access } = await run.acme.services.get(id);
      const { runStatus } = await run.acme.provisioning.get(runId);
      return {
        passed,
        answers,
        leaves: { status, access, runStatus },
        events: names.slice(names.lastIndexOf('service.operation_started') + 1),
      };
    };
    const down = {
      leaves: { status: 'terminated', access: 'none', runStatus: 'completed' },
      events: ['service.terminated'],
    };
    const kept = {
      leaves: { status: 'active', access: 'full', runStatus: 'cancelled' },
      events: ['service.cancel_requested', 'service.cancelled'],
    };

    it('come to one end: all who came in time are told the same, and all that was done is undone once', async () => {
      const unharmed = await takenDown(0);
      expect(unharmed).toMatchObject(down);
      expect(calls).toEqual(['close', 'row', 'wipe']);
      const outcomes = new Set<string>();
      for (let number = 1; number <= unharmed.passed; number++) {
        const { answers, ...came } = await takenDown(number);
        const [told, refused] = [
          answers.filter((it) => typeof it === 'object'),
          answers.filter((it) => typeof it === 'string'),
        ];
        const isKept = told.length > 0;
        const where = `at ${number} of ${unharmed.passed}`;
        expect(came, where).toMatchObject(isKept ? kept : down);
        expect(new Set(told.map(({ cancelRequestedAt }) => cancelRequestedAt)).size, where).toBe(isKept ? 1 : 0);
        expect(new Set([...refused, 'RUN_NOT_OPEN']), where).toEqual(new Set(['RUN_NOT_OPEN']));
        const made = calls.filter((name) => !name.startsWith('-'));
        const undone = calls.filter((name) => name.startsWith('-'));
        expect(new Set(calls).size, where).toBe(calls.length);
        if (!isKept) expect(undone, where).toEqual([]);
        // What was cut short before it was called is undone as if it had been; what did not commit, is not.
        else for (const name of made.filter((each) => each !== 'row')) expect(undone, where).toContain(`-${name}`);
        outcomes.add(came.leaves.status);
      }
      expect(outcomes).toContain('active');
    }, 300_000);
  });
