import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import type { Signal } from '../../src/provisioning/signal.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const hour = 3_600_000;
const refused = { code: 'STEP_NOT_DECIDABLE' };

/** A store in which something happens once, just after a worker read what was said to a step. */
function listened(store: LifecycleStore, meanwhile: () => Promise<void>): LifecycleStore {
  let isDone = false;
  return {
    ...store,
    tenant(tenantId) {
      const inner = store.tenant(tenantId);
      const list: typeof inner.signals.list = async (runId, stepKey, trx) => {
        const said = await inner.signals.list(runId, stepKey, trx);
        if (trx || isDone) return said;
        isDone = true;
        await meanwhile();
        return said;
      };
      return { ...inner, signals: { ...inner.signals, list } };
    },
  };
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a step whose time is up before a worker looks, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** A process that has no worker. */
    let quiet: Lifecycle;
    let token: string;
    const templates = [
      defineServiceTemplate({
        name: 'agreed',
        config: z.object({}),
        steps: [{ key: 'asked', approval: { quorum: 2, expiresInMs: hour } }],
      }),
      defineServiceTemplate({
        name: 'ordered',
        config: z.object({}),
        steps: [
          {
            key: 'asked',
            completion: { timeoutMs: hour },
            run: ({ completionToken }) => void (token = completionToken),
          },
        ],
      }),
    ];
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { templates });
      const secret = 'a secret of more than 32 characters, for tests';
      quiet = createLifecycle({ store: backend.store, clock: run.clock, templates, secret });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const becomes = (id: string, status: string) =>
      until(async () => (await run.acme.provisioning.get(id)).runStatus === status, run.clock, 0);
    /** A run that waits, and that no worker looks at: its id, and when its time is up. */
    const waiting = async (serviceName: string): Promise<{ id: string; end: number }> => {
      const { id } = await run.acme.services.request(await run.active(), { serviceName });
      await becomes(id, 'waiting');
      const end = (await run.acme.provisioning.get(id)).steps[0]?.waitsUntil ?? expect.unreachable();
      await run.stop();
      return { id, end };
    };
    /** What becomes of it once a worker looks, ten minutes after the end. */
    const lookedAt = async ({ id, end }: { id: string; end: number }) => {
      run.clock.set(end + 600_000);
      run = await rig(backend, { templates });
      await until(async () => (await backend.store.tenant('acme').runs.get(id))?.nextAt === null, run.clock);
      const { runStatus, message } = await run.acme.provisioning.get(id);
      return { runStatus, message };
    };
    /** What becomes of it when a worker looks in the last millisecond, and the time is up once `speak` has spoken. */
    const lookedAtMeanwhile = async ({ id, end }: { id: string; end: number }, speak: () => Promise<unknown>) => {
      run.clock.set(end - 1);
      const { runs } = backend.store.tenant('acme');
      await backend.store.transaction((trx) => runs.wakeWaiting(id, end - 1, trx));
      const store = listened(backend.store, async () => {
        await speak();
        run.clock.set(end);
      });
      run = await rig({ ...backend, store }, { templates });
      await until(async () => (await runs.get(id))?.nextAt === null, run.clock, 0);
      const { runStatus, message } = await run.acme.provisioning.get(id);
      return { runStatus, message };
    };
    const decide = (id: string, actor: string) =>
      quiet.scope({ tenantId: 'acme', actor }).provisioning.decide(id, { step: 'asked', decision: 'approve' });
    const complete = (output: string) => quiet.scope({ tenantId: 'acme' }).provisioning.complete({ token, output });
    /** As a process said it that did not look at the time. */
    const said = (id: string, at: number, more: Pick<Signal, 'by' | 'kind'>) =>
      backend.store.transaction((trx) =>
        backend.store
          .tenant('acme')
          .signals.add({ runId: id, stepKey: 'asked', comment: null, output: null, at, ...more }, trx),
      );
    const unapproved = { runStatus: 'failed', message: expect.stringContaining('Nobody approved') as string };
    const uncompleted = { runStatus: 'failed', message: expect.stringContaining('Nobody completed') as string };

    it('is approved by who did so to the last millisecond', async () => {
      const asked = await waiting('agreed');
      run.clock.set(asked.end - 1);
      for (const by of ['first', 'second']) await decide(asked.id, by);
      expect(await lookedAt(asked)).toMatchObject({ runStatus: 'completed' });
    });

    it('is approved by who did so to the last millisecond, just after a worker had looked', async () => {
      const asked = await waiting('agreed');
      await decide(asked.id, 'first');
      const looked = await lookedAtMeanwhile(asked, () => decide(asked.id, 'second'));
      expect(looked).toMatchObject({ runStatus: 'completed' });
    });

    it('is approved by nobody, where too few had done so just after a worker had looked', async () => {
      const asked = await waiting('agreed');
      expect(await lookedAtMeanwhile(asked, () => decide(asked.id, 'first'))).toEqual(unapproved);
    });

    it('is approved by nobody from then on', async () => {
      const asked = await waiting('agreed');
      await decide(asked.id, 'first');
      run.clock.set(asked.end);
      await expect(decide(asked.id, 'second')).rejects.toMatchObject(refused);
      expect(await lookedAt(asked)).toEqual(unapproved);
    });

    it('has what was decided too late not counted', async () => {
      const asked = await waiting('agreed');
      await said(asked.id, asked.end - 1, { by: 'first', kind: 'approve' });
      await said(asked.id, asked.end, { by: 'second', kind: 'approve' });
      expect(await lookedAt(asked)).toEqual(unapproved);
    });

    it('is completed by who did so to the last millisecond, and may do so again', async () => {
      const asked = await waiting('ordered');
      run.clock.set(asked.end - 1);
      await complete('done');
      run.clock.set(asked.end);
      await complete('done');
      expect(await lookedAt(asked)).toMatchObject({ runStatus: 'completed' });
    });

    it('is completed by who did so to the last millisecond, just after a worker had looked', async () => {
      const asked = await waiting('ordered');
      expect(await lookedAtMeanwhile(asked, () => complete('done'))).toMatchObject({ runStatus: 'completed' });
    });

    it('is completed by the first answer: another is told that it comes to nothing, before a worker has looked', async () => {
      const asked = await waiting('ordered');
      await complete('done');
      await expect(complete('done otherwise')).rejects.toMatchObject(refused);
      const fail = { token, outcome: 'failed', error: 'nobody at home' } as const;
      await expect(quiet.scope({ tenantId: 'acme' }).provisioning.complete(fail)).rejects.toMatchObject(refused);
      await complete('done');
      expect(await lookedAt(asked)).toMatchObject({ runStatus: 'completed' });
    });

    it('is completed by nobody from then on', async () => {
      const asked = await waiting('ordered');
      run.clock.set(asked.end);
      await expect(complete('done')).rejects.toMatchObject(refused);
      expect(await lookedAt(asked)).toEqual(uncompleted);
    });

    it('has what completed it too late not heard', async () => {
      const asked = await waiting('ordered');
      await said(asked.id, asked.end, { by: 'completion', kind: 'complete' });
      expect(await lookedAt(asked)).toEqual(uncompleted);
    });
  });
