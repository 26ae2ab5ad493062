import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors } from '@dotmac/core';
import type { LineResult } from '@dotmac/core/contract';
import { fold } from '../../src/customers/fold.js';
import type { BulkDraft, BulkView } from '../../src/bulk/operation.js';
import type { RegistrationDraft } from '../../src/customers/customer.js';
import type { LifecycleOptions } from '../../src/options.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { ServiceInstance } from '../../src/services/instance.js';
import type { BulkStore, CustomerStore, LifecycleStore, ServiceStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const hostErrors = defineErrors({
  NOT_THIS_ONE: { kind: 'forbidden', message: (_: Record<never, never>) => 'Not this one.' },
});
const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [{ key: 'port', run: () => ({ port: 7 }) }],
  operations: {
    suspend: [{ key: 'block', run: () => undefined }],
    deprovision: [{ key: 'gone', run: () => undefined }],
  },
});
const suspend = { command: 'suspend', input: { actionType: 'move', reason: 'to another network' } } as const;

async function* linesOf<Value>(values: readonly (Value | 'broken')[]): AsyncGenerator<LineResult<Value>> {
  for (const [index, value] of values.entries())
    yield value === 'broken'
      ? { line: index + 1, ok: false, issues: [{ path: '', message: 'broken' }] }
      : { line: index + 1, ok: true, value };
}
async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`one command for many, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    const begin = async (options: Partial<LifecycleOptions> = {}): Promise<void> => {
      run = await rig(backend, { templates: [template], ...options });
    };
    beforeEach(async () => {
      backend = await create();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const over = async (operation: BulkView): Promise<BulkView> => {
      const now = () => run.acme.bulk.get(operation.id);
      await until(async () => ['completed', 'cancelled'].includes((await now()).status), run.clock);
      return now();
    };
    const done = async (draft: BulkDraft): Promise<BulkView> => over(await run.acme.bulk.start(draft));
    const untilTrue = (holds: () => boolean) => until(holds, run.clock);
    const counts = () => backend.store.tenant('acme').customers.countByStage();

    it('has each churn from where it is, and leads it back there', async () => {
      await begin();
      const stages = ['verification', 'onboarding', 'active', 'suspended'] as const;
      const people = await crowd(backend.store, 40, (index) => ({ stage: stages[index % 4] ?? 'active' }));
      const now = async () => {
        const { customers } = backend.store.tenant('acme');
        const found = await Promise.all(people.slice(0, 4).map(({ id }) => customers.get(id)));
        return found.map((it) => `${it?.stage} ${it?.churningFrom}`);
      };
      const reason = { reason: 'they are moving' };
      const churning = await done({ command: 'markChurning', input: reason, filter: {}, dryRun: false });
      expect(churning).toMatchObject({ changed: 30, refused: 10 });
      const suspended = 'suspended null';
      expect(await now()).toEqual(['churning verification', 'churning onboarding', 'churning active', suspended]);
      const wonBack = await done({ command: 'winBack', filter: { stages: ['churning'] }, dryRun: false });
      expect(wonBack.outcomes).toEqual(
        expect.arrayContaining([
          { from: 'churning', to: 'onboarding', code: null, count: 20 },
          { from: 'churning', to: 'active', code: null, count: 10 },
        ]),
      );
      expect(await now()).toEqual(['onboarding null', 'onboarding null', 'active null', suspended]);
    });

    it('counts first, then does just that, for those meant alone', async () => {
      await begin();
      await crowd(backend.store, 1_100, (index) => ({ stage: index % 100 === 0 ? 'inactive' : 'active' }));
      await crowd(backend.store, 20, { stage: 'active', userType: 'business' });
      await crowd(backend.store, 20, { stage: 'active' }, 'other');
      const before = await counts();
      const dry = await done({ ...suspend, filter: { userTypes: ['residential'] } });
      const outcomes = [
        { from: 'active', to: 'suspended', code: null, count: 1_089 },
        { from: 'inactive', to: null, code: 'ILLEGAL_TRANSITION', count: 11 },
      ];
      const figures = { total: 1_100, processed: 1_100, changed: 1_089, refused: 11 };
      expect(dry).toMatchObject({ dryRun: true, status: 'completed', ...figures });
      expect([...dry.outcomes].sort((a, b) => b.count - a.count)).toEqual(outcomes);
      expect(await counts()).toEqual(before);

      const real = await over(await run.acme.bulk.run(dry.id));
      expect(real).toMatchObject({ dryRun: false, status: 'completed', createdBy: 'user:1', ...figures });
      expect([...real.outcomes].sort((a, b) => b.count - a.count)).toEqual(outcomes);
      expect(await counts()).toEqual({ active: 20, suspended: 1_089, inactive: 11 });
      expect(await backend.store.tenant('other').customers.countByStage()).toEqual({ active: 20 });

      const first = await run.acme.bulk.failures(real.id, { limit: 6 });
      const rest = await run.acme.bulk.failures(real.id, { limit: 6, cursor: first.nextCursor ?? '' });
      const refused = [...first.items, ...rest.items];
      expect([new Set(refused.map(({ id }) => id)).size, rest.nextCursor]).toEqual([11, null]);
      for (const { id, code, message } of refused) {
        expect([code, message]).toEqual(['ILLEGAL_TRANSITION', expect.stringContaining('stage inactive')]);
        expect((await run.acme.customers.read(id)).stage).toBe('inactive');
      }
      expect((await run.acme.bulk.operations()).items.map(({ id }) => id)).toEqual([real.id, dry.id]);
      await expect(run.other.bulk.get(real.id)).rejects.toMatchObject({ code: 'BULK_NOT_FOUND' });
      await expect(run.acme.bulk.run(real.id)).rejects.toMatchObject({ code: 'BULK_NOT_RUNNABLE' });
    });

    it('leaves the row, the history, the timers and the outbox that the command alone would leave', async () => {
      await begin();
      const told: string[] = [];
      const wanted = ['customer.suspended', 'customer.promise_ended'] as const;
      run.module.subscribe({
        name: 'audit',
        events: wanted,
        deliver: (it) => void told.push(`${it.subject} ${it.name}`),
      });
      const heard: string[] = [];
      for (const name of wanted) run.module.events.on(name, (it) => void heard.push(`${it.subject} ${it.name}`));
      const [alone = '', ...many] = (await crowd(backend.store, 5)).map(({ id }) => id);
      const { acme } = run;
      const late = { actionType: 'late', reason: 'again', parameters: { Times: 3 } };
      await acme.suspension.suspend(alone, late);
      await done({ command: 'suspend', input: late, filter: { stages: ['active'] }, dryRun: false });
      const until = run.clock.now() + 1e7;
      for (const id of [alone, ...many]) await acme.suspension.promise(id, { actionType: 'late', until });
      expect(await acme.timers.list(many[0] ?? '')).toHaveLength(1);
      await acme.suspension.endPromise(alone, { actionType: 'late' });
      const ended: BulkDraft = { command: 'endPromise', input: { actionType: 'late' }, filter: { stages: ['active'] } };
      expect(await done({ ...ended, dryRun: false })).toMatchObject({ changed: 4, refused: 0 });

      const left = async (id: string) => {
        const { version, stage, updatedAt, blocks, approval } = await acme.customers.read(id);
        const entries = (await acme.customers.summary(id)).lifecycleEvents;
        const stored = await backend.store.tenant('acme').history.list(id, { limit: 99 });
        const openReasons = blocks.map(({ reason }) => reason);
        expect(fold(stored.map(({ event }) => event))).toMatchObject({ version, stage, updatedAt, openReasons });
        const events = entries.map(({ eventType, actor, details }) => ({ eventType, actor, details }));
        const reasons = blocks.map((block) => ({ ...block, openedAt: 0 }));
        return { version, stage, approval, reasons, events, timers: await acme.timers.list(id) };
      };
      const expected = await left(alone);
      expect(expected.events.at(-1)?.eventType).toBe('customer.promise_ended');
      for (const id of many) expect(await left(id)).toEqual(expected);
      await untilTrue(() => told.length === 10 && heard.length === 10);
      expect([...told].sort()).toEqual([...heard].sort());
    });

    it('has services follow, and asks hooks, for each customer by itself', async () => {
      const asked: string[] = [];
      await begin({
        hooks: {
          'customer.deactivate': {
            before: ({ input }) => {
              asked.push(input.customerId);
              if (asked.length === 2) throw hostErrors.NOT_THIS_ONE({});
            },
          },
        },
      });
      const id = await run.active();
      const { id: serviceId } = await run.acme.services.request(id, { serviceName: 'internet' });
      const is = (status: string) =>
        until(async () => (await run.acme.services.get(serviceId)).status === status, run.clock);
      await is('active');
      await crowd(backend.store, 4);
      const suspended = await done({ ...suspend, filter: { stages: ['active'] }, dryRun: false });
      expect(suspended).toMatchObject({ processed: 5, changed: 5 });
      expect(suspended.outcomes).toEqual([{ from: 'active', to: 'suspended', code: null, count: 5 }]);
      await is('suspended');
      const left = await done({ command: 'deactivate', filter: { stages: ['suspended'] }, dryRun: false });
      expect(left).toMatchObject({ processed: 5, changed: 4, refused: 1 });
      expect(asked.length).toBe(5);
      expect((await run.acme.bulk.failures(left.id)).items).toEqual([
        { id: asked[1], code: 'NOT_THIS_ONE', message: 'Not this one.' },
      ]);
    });

    it.each(['before', 'inTransaction'] as const)('goes on past one whose %s hook breaks', async (phase) => {
      let calls = 0;
      await begin({
        hooks: {
          'customer.suspend': {
            [phase]: () => {
              calls += 1;
              if (calls === 2) throw new Error('a bug of the host');
            },
          },
        },
      });
      await crowd(backend.store, 4);
      const suspended = await done({ ...suspend, filter: {}, dryRun: false });
      expect(suspended).toMatchObject({ status: 'completed', processed: 4, changed: 3, refused: 1 });
      const { items } = await run.acme.bulk.failures(suspended.id);
      expect(items).toMatchObject([{ code: 'HOOK_FAILED', message: `The hook customer.suspend (${phase}) failed.` }]);
      expect(calls).toBe(4);
      expect(await counts()).toEqual({ active: 1, suspended: 3 });
    });

    it('answers the line of a registration whose hook breaks, and the lines after it', async () => {
      await begin({
        hooks: {
          'customer.register': {
            inTransaction: ({ input }) => {
              if (input.userType === 'odd') throw new Error('a bug of the host');
            },
          },
        },
      });
      const people = [someone(), { ...someone(), userType: 'odd' }, someone()];
      const answers = await all(run.acme.bulk.import(linesOf<RegistrationDraft>(people)));
      expect(answers.map(({ status, code }) => [status, code])).toEqual([
        ['created', null],
        ['refused', 'HOOK_FAILED'],
        ['created', null],
      ]);
    });

    it('asks no hook about a registration of a dry run', async () => {
      const asked: string[] = [];
      const ask =
        (phase: string) =>
        ({ input }: { input: { username: string } }) => {
          asked.push(`${phase} ${input.username}`);
          throw hostErrors.NOT_THIS_ONE({});
        };
      await begin({ hooks: { 'customer.register': { before: ask('before'), inTransaction: ask('inTransaction') } } });
      const [first, second] = [someone(), someone()];
      const people = [first, { ...second, email: first.email }, second];
      const dry = await all(run.acme.bulk.import(linesOf<RegistrationDraft>(people), { dryRun: true }));
      expect(dry.map(({ status, code }) => [status, code])).toEqual([
        ['valid', null],
        ['refused', 'CUSTOMER_EXISTS'],
        ['valid', null],
      ]);
      expect([asked, await counts()]).toEqual([[], {}]);
      const made = await all(run.acme.bulk.import(linesOf<RegistrationDraft>([first])));
      expect(made).toMatchObject([{ status: 'refused', code: 'NOT_THIS_ONE' }]);
      expect(asked).toEqual([`before ${first.username}`]);
    });

    it('takes nothing back of what others do between its reading and its writing', async () => {
      const { store } = backend;
      let meanwhile: (() => Promise<unknown>) | undefined;
      const slow: LifecycleStore = {
        ...store,
        tenant(tenantId) {
          const own = store.tenant(tenantId);
          const next: BulkStore['next'] = async (operation, limit) => {
            const found = await own.bulk.next(operation, limit);
            const then = meanwhile;
            meanwhile = undefined;
            await then?.();
            return found;
          };
          return { ...own, bulk: { ...own.bulk, next } };
        },
      };
      await begin({ store: slow });
      const [first = '', second = '', third = '', ...others] = (await crowd(store, 9)).map(({ id }) => id);
      const { acme } = run;
      meanwhile = async () => {
        await acme.suspension.suspend(second, { actionType: 'abuse' });
        await acme.customers.markChurning(third);
      };
      const suspended = await done({ ...suspend, filter: { userTypes: ['residential'] }, dryRun: false });
      expect(suspended).toMatchObject({ processed: 9, changed: 9, refused: 0 });
      const reasonsOf = async (id: string) => {
        const { stage, blocks } = await acme.customers.read(id);
        return [stage, blocks.map(({ reason }) => reason).sort()];
      };
      expect(await reasonsOf(second)).toEqual(['suspended', ['abuse', 'move']]);
      for (const id of [first, third, ...others]) expect(await reasonsOf(id)).toEqual(['suspended', ['move']]);
      const historyOf = async (id: string) =>
        (await store.tenant('acme').history.list(id, { limit: 9 })).map(({ seq, event }) => [seq, event.name]);
      expect((await historyOf(second)).slice(1)).toEqual([
        [2, 'customer.suspended'],
        [3, 'customer.suspension_added'],
      ]);
      expect((await historyOf(third)).slice(1)).toEqual([
        [2, 'customer.churning'],
        [3, 'customer.suspended'],
      ]);
      expect(await historyOf(first)).toHaveLength(2);
    });

    it('is refused in a dry run under the codes that it is refused under', async () => {
      const { store } = backend;
      const [full] = await crowd(store, 2);
      /** A store in which one of them has as many services as anybody may have. */
      const crowded: LifecycleStore = {
        ...store,
        tenant(tenantId) {
          const own = store.tenant(tenantId);
          const standing: CustomerStore['standing'] = async (id) => {
            const found = await own.customers.standing(id);
            return found && id === full?.id ? { ...found, liveServices: 200 } : found;
          };
          const live: ServiceStore['live'] = async (id, trx) =>
            id === full?.id ? Array<ServiceInstance>(200) : own.services.live(id, trx);
          return { ...own, customers: { ...own.customers, standing }, services: { ...own.services, live } };
        },
      };
      await begin({ store: crowded });
      const request = { command: 'requestService', input: { serviceName: 'internet' }, filter: {} } as const;
      const outcomes = [
        { from: 'active', to: 'active', code: null, count: 1 },
        { from: 'active', to: null, code: 'SERVICE_LIMIT', count: 1 },
      ];
      for (const dryRun of [true, false]) {
        const found = await done({ ...request, dryRun });
        expect([...found.outcomes].sort((a, b) => (a.code ?? '').localeCompare(b.code ?? ''))).toEqual(outcomes);
      }
    });

    it('is given to those who are listed, known or not', async () => {
      await begin();
      const people = await crowd(backend.store, 6);
      const operation = await run.acme.bulk.start({ ...suspend, filter: { listed: true } });
      expect(operation.status).toBe('collecting');
      const lines = [...people.slice(0, 4).map(({ id }) => ({ customerId: id })), 'broken' as const];
      const nobody = { customerId: '0199c0de-0000-7000-8000-000000000000' };
      const answers = await all(await run.acme.bulk.list(operation.id, linesOf([...lines, nobody, nobody])));
      expect(answers.map(({ line, status }) => [line, status])).toEqual([
        ...[1, 2, 3, 4].map((line) => [line, 'created']),
        [5, 'refused'],
        [6, 'created'],
        [7, 'created'],
      ]);
      const dry = await over(await run.acme.bulk.run(operation.id));
      expect(dry).toMatchObject({ dryRun: true, total: 5, changed: 4, refused: 1 });
      expect(await counts()).toEqual({ active: 6 });
      const real = await over(await run.acme.bulk.run(dry.id));
      expect(real).toMatchObject({ changed: 4, refused: 1 });
      expect((await run.acme.bulk.failures(real.id)).items).toMatchObject([{ code: 'CUSTOMER_NOT_FOUND' }]);
      expect(await counts()).toEqual({ active: 2, suspended: 4 });
      await expect(run.acme.bulk.list(real.id, linesOf([]))).rejects.toMatchObject({ code: 'BULK_NOT_COLLECTING' });
    });

    it('leaves nothing behind when too many are open already', async () => {
      const { store } = backend;
      let copied = 0;
      const counting: LifecycleStore = {
        ...store,
        tenant(tenantId) {
          const own = store.tenant(tenantId);
          const copyTargets: BulkStore['copyTargets'] = (...asked) => {
            copied += 1;
            return own.bulk.copyTargets(...asked);
          };
          return { ...own, bulk: { ...own.bulk, copyTargets } };
        },
      };
      await begin({ store: counting });
      const dry = await run.acme.bulk.start({ ...suspend, filter: { listed: true } });
      await over(await run.acme.bulk.run(dry.id));
      for (let index = 0; index < 20; index++) await run.acme.bulk.start({ ...suspend, filter: { listed: true } });
      await expect(run.acme.bulk.run(dry.id)).rejects.toMatchObject({ code: 'BULK_LIMIT' });
      expect(copied).toBe(0);
    });

    it('is cancelled between two batches', async () => {
      let operationId = '';
      await begin({
        hooks: {
          'customer.suspend': {
            before: async () => {
              await run.acme.bulk.cancel(operationId);
            },
          },
        },
      });
      const people = await crowd(backend.store, 5);
      const operation = await run.acme.bulk.start({ ...suspend, filter: { listed: true }, dryRun: false });
      operationId = operation.id;
      await all(await run.acme.bulk.list(operationId, linesOf(people.map(({ id }) => ({ customerId: id })))));
      const ended = await over(await run.acme.bulk.run(operationId));
      expect(ended).toMatchObject({ status: 'cancelled', processed: 1, changed: 1 });
      expect(await counts()).toEqual({ active: 4, suspended: 1 });
    });

    it('does nothing of what was cancelled, were it the list of a dry run or the dry run itself', async () => {
      await begin();
      const people = await crowd(backend.store, 3);
      const list = await run.acme.bulk.start({ ...suspend, filter: { listed: true } });
      await all(await run.acme.bulk.list(list.id, linesOf(people.map(({ id }) => ({ customerId: id })))));
      const dry = await run.acme.bulk.start({ ...suspend, filter: { stages: ['active'] } });
      for (const { id } of [list, dry]) {
        await run.acme.bulk.cancel(id);
        expect(await over(await run.acme.bulk.get(id))).toMatchObject({ dryRun: true, status: 'cancelled' });
        await expect(run.acme.bulk.run(id)).rejects.toMatchObject({ code: 'BULK_NOT_RUNNABLE' });
      }
      expect((await run.acme.bulk.operations()).items.map(({ id }) => id)).toEqual([dry.id, list.id]);
      expect(await counts()).toEqual({ active: 3 });
    });

    it('refuses at once what no customer could take', async () => {
      await begin();
      const wrong = run.acme.bulk.start({ command: 'suspend', input: { actionType: '!' }, filter: {} });
      await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    });

    it('registers customers by the line, and says what would become of them', async () => {
      await begin();
      const [first, second] = [someone(), someone()];
      const lines = () => linesOf<RegistrationDraft>([first, 'broken', { ...second, email: first.email }, second]);
      const dry = await all(run.acme.bulk.import(lines(), { dryRun: true }));
      expect(dry.map(({ status, code }) => [status, code])).toEqual([
        ['valid', null],
        ['refused', 'INVALID_INPUT'],
        ['refused', 'CUSTOMER_EXISTS'],
        ['valid', null],
      ]);
      expect(await counts()).toEqual({});
      const made = await all(run.acme.bulk.import(lines()));
      expect(made.map(({ status }) => status)).toEqual(['created', 'refused', 'refused', 'created']);
      expect(await run.token(made[3]?.id ?? '')).not.toBe('');
      const again = await all(run.acme.bulk.import(lines()));
      expect(again.map(({ code }) => code)).toEqual([
        'CUSTOMER_EXISTS',
        'INVALID_INPUT',
        'CUSTOMER_EXISTS',
        'CUSTOMER_EXISTS',
      ]);
      expect(await counts()).toEqual({ registration: 2 });
    });
  });
