import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { OnceAsked } from '@dotmac/core/contract';
import { coreErrors } from '@dotmac/core';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const asked = vi.fn();
const joined = vi.fn();
const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [{ key: 'boss', approval: {} }],
  operations: { deprovision: [{ key: 'gone', run: () => undefined }] },
});
const speeds = defineServiceTemplate({
  name: 'speeds',
  config: z.object({ speed: z.int().default(1) }),
  steps: [{ key: 'port', run: () => undefined }],
  operations: { change_plan: [{ key: 'speed', run: () => undefined }] },
});
const late = { actionType: 'non_payment', reason: 'late' };

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a command under an idempotency key on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeAll(async () => {
      backend = await create();
      run = await rig(backend, {
        templates: [template, speeds],
        hooks: { 'customer.throttle': { before: asked, inTransaction: joined } },
      });
    });
    afterAll(async () => {
      await run.stop();
      await backend.close();
    });
    const names = async (id: string) =>
      (await backend.store.tenant('acme').history.list(id, { limit: 99 })).map(({ event }) => event.name);

    it('is carried out once, and answered as it was the first time, whatever happened since', async () => {
      const { acme, clock } = run;
      const id = await run.active();
      const onReplay = vi.fn();
      const first = await acme.suspension.suspend(id, late, { idempotencyKey: 'k', onReplay });
      expect(onReplay).not.toHaveBeenCalled();
      await acme.suspension.reactivate(id, { actionType: 'non_payment' });
      await clock.advance(60_000);
      expect(await acme.suspension.suspend(id, late, { idempotencyKey: 'k', onReplay })).toEqual(first);
      expect(onReplay).toHaveBeenCalledOnce();
      expect(await acme.customers.get(id)).toMatchObject({ lifecycleStage: 'active' });
      expect((await names(id)).slice(-2)).toEqual(['customer.suspended', 'customer.reactivated']);
    });

    it('is answered as it was when what it was for is over', async () => {
      const { acme, clock } = run;
      const id = await run.active();
      await acme.suspension.suspend(id, late);
      const promise = { actionType: 'non_payment', until: clock.now() + 60_000 };
      const first = await acme.suspension.promise(id, promise, { idempotencyKey: 'p' });
      clock.set(clock.now() + 120_000);
      expect(await acme.suspension.promise(id, promise, { idempotencyKey: 'p' })).toEqual(first);
      await expect(acme.suspension.promise(id, promise)).rejects.toMatchObject({ issues: [{ path: 'until' }] });
    });

    it('is refused with another input, and has a key of its own for every actor, command, customer and tenant', async () => {
      const { acme, module } = run;
      const [id, another] = [await run.active(), await run.active()];
      const key = { idempotencyKey: 'k' };
      await acme.suspension.suspend(id, late, key);
      const other = acme.suspension.suspend(id, { ...late, reason: 'later' }, key);
      await expect(other).rejects.toMatchObject({ code: coreErrors.IDEMPOTENCY_KEY_REUSED.code });
      const somebody = module.scope({ tenantId: 'acme', actor: 'user:2' });
      await expect(somebody.suspension.suspend(id, late, key)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      await expect(run.other.suspension.suspend(id, late, key)).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
      expect(await acme.suspension.suspend(another, late, key)).toMatchObject({ id: another, status: 'suspended' });
      expect(await acme.suspension.reactivate(id, { actionType: 'all' }, key)).toMatchObject({ status: 'active' });
      for (const idempotencyKey of ['', 'x'.repeat(256)])
        await expect(acme.customers.deactivate(id, {}, { idempotencyKey })).rejects.toMatchObject({
          issues: [{ path: 'idempotency_key' }],
        });
    });

    it.each([
      ['suspend', 'throttle'],
      ['throttle', 'suspend'],
    ] as const)('is refused where it was to %s, and is to %s', async (first, second) => {
      const { suspension } = run.acme;
      const id = await run.active();
      const key = { idempotencyKey: 'k' };
      const reused = { code: coreErrors.IDEMPOTENCY_KEY_REUSED.code };
      const answer = await suspension.suspend(id, { ...late, severity: first }, key);
      await expect(suspension.suspend(id, { ...late, severity: second }, key)).rejects.toMatchObject(reused);
      await expect(suspension[second](id, late, key)).rejects.toMatchObject(reused);
      expect(await suspension[first](id, late, key)).toEqual(answer);
      expect((await names(id)).slice(-1)).toEqual([first === 'suspend' ? 'customer.suspended' : 'customer.throttled']);
    });

    it('is carried out by one of fifty racers; all get the same answer', async () => {
      const { acme } = run;
      const id = await run.active();
      const replays = vi.fn();
      const once: OnceAsked = { idempotencyKey: 'race', onReplay: replays };
      const answers = await Promise.all(Array.from({ length: 50 }, () => acme.suspension.suspend(id, late, once)));
      expect(new Set(answers.map((it) => JSON.stringify(it))).size).toBe(1);
      expect(replays.mock.calls.length).toBeGreaterThanOrEqual(49);
      expect((await names(id)).filter((name) => name === 'customer.suspended')).toHaveLength(1);
      const person = someone();
      const registrations = Array.from({ length: 50 }, () => acme.customers.register(person, once));
      expect(new Set((await Promise.all(registrations)).map((it) => it.id)).size).toBe(1);
    });

    it('asks no hook again when it is only answered', async () => {
      asked.mockClear();
      joined.mockClear();
      const id = await run.active();
      const throttle = () => run.acme.suspension.throttle(id, { actionType: 'abuse' }, { idempotencyKey: 'k' });
      expect(await throttle()).toEqual(await throttle());
      expect([asked.mock.calls.length, joined.mock.calls.length]).toEqual([1, 1]);
    });

    it('leaves its key free when it is refused, or when the host’s transaction comes to nothing', async () => {
      const { acme } = run;
      const id = await run.active();
      const key = { idempotencyKey: 'k' };
      const reactivate = () => acme.suspension.reactivate(id, { actionType: 'non_payment' }, key);
      await expect(reactivate()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      const undone = backend.store.transaction(async (trx) => {
        await acme.suspension.suspend(id, late, { ...key, trx });
        throw new Error('on purpose');
      });
      await expect(undone).rejects.toThrow('on purpose');
      expect(await acme.customers.get(id)).toMatchObject({ status: 'active' });
      await backend.store.transaction((trx) => acme.suspension.suspend(id, late, { ...key, trx }));
      expect(await acme.suspension.suspend(id, late, key)).toMatchObject({ status: 'suspended' });
      expect(await reactivate()).toMatchObject({ status: 'active' });
    });

    it('is judged anew whose refusal the host swallowed in a transaction that it committed', async () => {
      const { acme } = run;
      const id = await run.active();
      const key = { idempotencyKey: 'k' };
      const illegal = { code: 'ILLEGAL_TRANSITION' };
      const reactivate = (options: object = key) => acme.suspension.reactivate(id, { actionType: 'all' }, options);
      await backend.store.transaction(async (trx) => {
        // In the same transaction, too.
        for (let time = 0; time < 2; time++) await expect(reactivate({ ...key, trx })).rejects.toMatchObject(illegal);
      });
      await expect(reactivate()).rejects.toMatchObject(illegal);
      await acme.suspension.suspend(id, late);
      const answers = await Promise.all(Array.from({ length: 5 }, () => reactivate()));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect((await names(id)).slice(-2)).toEqual(['customer.suspended', 'customer.reactivated']);
    });

    it('is that of every command, also where it would be illegal by now', async () => {
      const { acme, clock } = run;
      const key = { idempotencyKey: 'every' };
      const twice = async <Answer>(give: () => Promise<Answer>): Promise<Answer> => {
        const first = await give();
        await clock.advance(1_000);
        expect(await give()).toEqual(first);
        return first;
      };
      const person = { ...someone(), requiresApproval: true };
      const { id } = await twice(() => acme.customers.register(person, key));
      await twice(() => acme.customers.link(id, { externalId: `crm-${id}` }, key));
      await twice(() => acme.customers.approve(id, key));
      const verificationToken = await run.token(id);
      await twice(() => acme.verification.verify(id, { verificationToken, verificationType: 'email' }, key));
      await twice(() => acme.onboarding.onboard(id, { onboardingData: { plan: 'x' } }, key));
      const { id: serviceId } = await twice(() => acme.services.request(id, { serviceName: 'internet' }, key));
      const block = { actionType: 'abuse', severity: 'throttle', parameters: {} } as const;
      await twice(() => acme.services.suspend(serviceId, block, key));
      await twice(() => acme.provisioning.cancel(serviceId, key));
      await twice(() => acme.privacy.setHold(id, { name: 'case' }, key));
      await twice(() => acme.privacy.liftHold(id, 'case', key));
      await twice(() => acme.customers.deactivate(id, { reason: 'moved' }, key));
      const events = await names(id);
      expect(new Set(events).size).toBe(events.length);
    });

    it('changes a service once, although it is changed already', async () => {
      const { services, provisioning } = run.acme;
      const { id } = await services.request(await run.active(), { serviceName: 'speeds' });
      const isActive = async () => (await services.get(id)).openRunId === null;
      await until(isActive, run.clock);
      const plan = { customConfig: { speed: 2 } };
      const change = () => services.changePlan(id, plan, { idempotencyKey: 'faster' });
      const first = await change();
      await until(isActive, run.clock);
      expect(await change()).toEqual(first);
      expect((await services.runs(id)).map(({ operation }) => operation)).toEqual(['change_plan', 'provision']);
      expect(await provisioning.get(id)).toMatchObject({ operation: 'provision' });
    });

    it('is free again after a day, and what was answered is removed, though nobody gives another command', async () => {
      const { acme, clock } = run;
      const id = await run.active();
      const key = { idempotencyKey: 'k' };
      await acme.suspension.suspend(id, late, key);
      await acme.suspension.reactivate(id, { actionType: 'all' });
      const prune = vi.spyOn(backend.store, 'pruneAnswers');
      const dayMs = 86_400_000;
      clock.set(clock.now() + dayMs);
      await until(() => prune.mock.calls.length > 0, clock, 10_000);
      expect(await prune.mock.results[0]?.value).toBeGreaterThan(0);
      prune.mockRestore();
      expect(await acme.suspension.suspend(id, late, key)).toMatchObject({ status: 'suspended' });
      expect((await names(id)).filter((name) => name === 'customer.suspended')).toHaveLength(2);
    });

    it('costs a command nothing that has none', async () => {
      const id = await run.active();
      // What it brought about is over.
      await run.clock.advance(0);
      const transaction = vi.spyOn(backend.store, 'transaction');
      await run.acme.suspension.suspend(id, { actionType: 'non_payment' });
      expect(transaction).not.toHaveBeenCalled();
      transaction.mockRestore();
    });
  });
