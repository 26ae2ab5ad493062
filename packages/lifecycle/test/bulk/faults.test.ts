import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import type { BulkDraft, BulkView } from '../../src/bulk/operation.js';
import type { LifecycleOptions } from '../../src/options.js';
import type { BulkStore, LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const hostErrors = defineErrors({
  CRM_DOWN: { kind: 'unavailable', message: (_: Record<never, never>) => 'The CRM does not answer.' },
});
const checklist: LifecycleOptions['checklist'] = [
  {
    key: 'contract',
    message: 'Sign.',
    isDone: ({ onboardingData }) => (onboardingData['contract'] as { isSigned: boolean }).isSigned,
  },
];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a fault that is one customer’s, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    const begin = async (options: Partial<LifecycleOptions> = {}): Promise<void> => {
      run = await rig(backend, options);
    };
    beforeEach(async () => {
      backend = await create();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const done = async (draft: BulkDraft): Promise<BulkView> => {
      const { id } = await run.acme.bulk.start({ ...draft, dryRun: false });
      await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock, 5_000);
      return run.acme.bulk.get(id);
    };
    const suspended = () => done({ command: 'suspend', input: { actionType: 'abuse' }, filter: {} });

    it('in an item of the checklist neither breaks commands nor holds up an operation', async () => {
      await begin({ checklist });
      const { customers, verification, onboarding, suspension } = run.acme;
      const { id } = await customers.register(someone());
      await crowd(backend.store, 3);
      const early = suspension.suspend(id, { actionType: 'abuse' });
      await expect(early).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      expect(await suspended()).toMatchObject({ processed: 4, changed: 3, refused: 1 });
      await verification.verify(id, { verificationToken: await run.token(id) });
      const { lifecycleStage, nextActions } = await onboarding.onboard(id);
      expect([lifecycleStage, nextActions.map(({ action }) => action)]).toEqual([
        'onboarding',
        ['contract', 'complete_onboarding'],
      ]);
      const signed = await onboarding.onboard(id, { onboardingData: { contract: { isSigned: true } } });
      expect(signed.lifecycleStage).toBe('active');
    });

    it('that nobody foresaw is listed, and the others are done', async () => {
      const { store } = backend;
      let broken = '';
      const odd: LifecycleStore = {
        ...store,
        tenant(tenantId) {
          const own = store.tenant(tenantId);
          const next: BulkStore['next'] = async (...asked) =>
            (await own.bulk.next(...asked)).map((candidate) => {
              const { id, customer } = candidate;
              return id === broken && customer
                ? { ...candidate, customer: { ...customer, blocks: null as never } }
                : candidate;
            });
          return { ...own, bulk: { ...own.bulk, next } };
        },
      };
      await begin({ store: odd });
      broken = (await crowd(store, 3))[1]?.id ?? '';
      const { id, ...counted } = await suspended();
      expect(counted).toMatchObject({ processed: 3, changed: 2, refused: 1 });
      expect((await run.acme.bulk.failures(id)).items).toMatchObject([{ id: broken, code: 'INTERNAL' }]);
    });

    it('of a clock that was ahead when it was changed last is no one else’s time', async () => {
      await begin();
      const now = run.clock.now();
      const tomorrow = now + 86_400_000;
      const people = await crowd(backend.store, 5, (index) => ({
        stage: 'active',
        createdAt: now,
        updatedAt: index === 2 ? tomorrow : now,
      }));
      expect(await suspended()).toMatchObject({ processed: 5, changed: 5 });
      const { customers, history } = backend.store.tenant('acme');
      for (const [index, { id }] of people.entries()) {
        const last = (await history.list(id, { limit: 9 })).at(-1);
        const told = { row: (await customers.get(id))?.updatedAt, event: last?.event.at };
        if (index === 2) expect(told).toEqual({ row: tomorrow, event: tomorrow });
        else for (const at of Object.values(told)) expect(at).toBeLessThan(tomorrow);
      }
    });

    it('that might pass is tried again for minutes, and then listed', async () => {
      let broken = '';
      const triedAt: number[] = [];
      await begin({
        hooks: {
          'customer.markChurning': {
            before: ({ input }) => {
              if (input.customerId !== broken) return;
              triedAt.push(run.clock.now());
              throw hostErrors.CRM_DOWN({});
            },
          },
        },
      });
      broken = (await crowd(backend.store, 4))[1]?.id ?? '';
      const { id, ...counted } = await done({ command: 'markChurning', filter: {} });
      expect(counted).toMatchObject({ processed: 4, changed: 3, refused: 1 });
      expect((await run.acme.bulk.failures(id)).items).toMatchObject([{ id: broken, code: 'CRM_DOWN' }]);
      expect((triedAt.at(-1) ?? 0) - (triedAt[0] ?? 0)).toBeGreaterThanOrEqual(300_000);
    });
  });
