import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { defineJourney } from '../../src/journeys/journey.js';
import { createLifecycle } from '../../src/lifecycle.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const minute = 60_000;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`timers on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend);
      id = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const trialEnd = (dueAt: number) => ({
      name: 'trial-end',
      command: 'suspend' as const,
      input: { actionType: 'trial', reason: 'over' },
      dueAt,
    });
    const stage = async () => (await run.acme.customers.get(id)).lifecycleStage;
    const last = async () => (await run.acme.customers.summary(id)).lifecycleEvents.at(-1);

    it('give their command when the time has come, in the name of the timer', async () => {
      await run.acme.timers.set(id, trialEnd(run.clock.now() + 14 * minute));
      expect(await run.acme.timers.list(id)).toMatchObject([{ name: 'trial-end', setBy: 'user:1' }]);
      await run.clock.advance(13 * minute);
      expect(await stage()).toBe('active');
      await until(async () => (await stage()) === 'suspended', run.clock, 2_000);
      expect(await last()).toMatchObject({
        eventType: 'customer.suspended',
        actor: 'timer:trial-end',
        details: { reason: 'trial', note: 'over' },
      });
      expect(await run.acme.timers.list(id)).toEqual([]);
    });

    it('are moved by setting them again, and gone when cleared', async () => {
      await run.acme.timers.set(id, trialEnd(run.clock.now() + minute));
      await run.acme.timers.set(id, trialEnd(run.clock.now() + 3 * minute));
      await run.acme.timers.set(id, { ...trialEnd(run.clock.now() + 2 * minute), name: 'other' });
      const [other] = await run.acme.timers.list(id);
      expect((await run.acme.timers.list(id)).map(({ name }) => name)).toEqual(['other', 'trial-end']);
      await run.acme.timers.clear(id, 'other');
      await run.acme.timers.clear(id, 'other');
      const { items } = await run.acme.feed.history(id, { types: ['customer.timer_cleared'] });
      expect(items).toMatchObject([
        { details: { timer: 'other', command: 'suspend', due_at: new Date(other?.dueAt ?? 0).toISOString() } },
      ]);
      await run.clock.advance(2.5 * minute);
      expect(await stage()).toBe('active');
      await until(async () => (await stage()) === 'suspended', run.clock, 2_000);
    });

    it('are answered as they were set, though their command was given before the answer', async () => {
      await run.stop();
      const { store } = backend;
      const transaction: LifecycleStore['transaction'] = async (work, join) => {
        const result = await store.transaction(work, join);
        await store.transaction((trx) => store.tenant('acme').timers.clear(id, 'trial-end', trx));
        return result;
      };
      run = await rig({ ...backend, store: { ...store, transaction } });
      const dueAt = run.clock.now();
      expect(await run.acme.timers.set(id, trialEnd(dueAt))).toMatchObject({ name: 'trial-end', dueAt });
    });

    it.each([
      ['suspend', {}, 'input.action_type'],
      ['suspend', { actionType: 'all' }, 'input.action_type'],
      ['throttle', { actionType: 'no payment' }, 'input.action_type'],
      ['reactivate', { reason: 'paid' }, 'input.action_type'],
      ['endPromise', { actionType: 'a b' }, 'input.action_type'],
      ['suspend', { actionType: 'abuse', parameters: { text: 'x'.repeat(16_384) } }, 'input.parameters'],
      ['erase', { reference: '' }, 'input.reference'],
    ] as const)('are refused at once where %s would refuse %j weeks later', async (command, input, path) => {
      const draft = { name: 'trial-end', command, input, dueAt: run.clock.now() + minute };
      await expect(run.acme.timers.set(id, draft)).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path }] });
      expect(await run.acme.timers.list(id)).toEqual([]);
    });

    it('are a hundred at the most, each of which can be moved', async () => {
      const far = (name: string, days: number) => ({ ...trialEnd(run.clock.now() + days * 1_440 * minute), name });
      for (let index = 0; index < 100; index++) await run.acme.timers.set(id, far(`t${index}`, 9));
      await expect(run.acme.timers.set(id, far('more', 9))).rejects.toMatchObject({ code: 'TIMER_LIMIT' });
      await run.acme.timers.set(id, far('t42', 5));
      expect((await run.acme.timers.list(id))[0]?.name).toBe('t42');
    });

    it('whose command is not legal any more do nothing but say so', async () => {
      await run.acme.timers.set(id, trialEnd(run.clock.now() + minute));
      await run.acme.customers.deactivate(id);
      await until(async () => (await last())?.eventType === 'customer.timer_skipped', run.clock, 2_000);
      expect(await last()).toMatchObject({
        actor: 'timer:trial-end',
        details: { timer: 'trial-end', command: 'suspend', reason: expect.stringContaining('in stage inactive') },
      });
      expect(await run.acme.timers.list(id)).toEqual([]);
    });

    it('that fell due while nobody ran are made up for, once, whoever of several comes first', async () => {
      await run.acme.timers.set(id, trialEnd(run.clock.now() + minute));
      await run.module.stop();
      run.clock.set(run.clock.now() + 3 * minute);
      const { store, clock } = backend;
      const others = [1, 2, 3].map(() => createLifecycle({ store, clock }));
      await Promise.all([run.module.start(), ...others.map((other) => other.start())]);
      await until(async () => (await stage()) === 'suspended', clock);
      await clock.advance(60_000);
      const { lifecycleEvents } = await run.acme.customers.summary(id);
      expect(lifecycleEvents.filter(({ actor }) => actor === 'timer:trial-end')).toHaveLength(1);
      await Promise.all(others.map((other) => other.stop()));
    });

    it('that fail are tried again, less and less often, and given up after ten times', async () => {
      const attempts: number[] = [];
      await run.stop();
      const fail = () => {
        attempts.push(run.clock.now());
        throw new Error('the host is out of order');
      };
      run = await rig(backend, { hooks: { 'customer.suspend': { before: fail } }, sweepMs: 600_000 });
      await run.acme.timers.set(id, trialEnd(run.clock.now()));
      await run.acme.timers.set(id, { name: 'leave', command: 'markChurning', dueAt: run.clock.now() + 30 * minute });
      // The one that fails holds nobody up.
      await until(async () => (await stage()) === 'churning', run.clock, minute / 4);
      expect(attempts.length).toBeLessThan(7);
      await until(async () => (await last())?.eventType === 'customer.timer_skipped', run.clock, minute);
      expect(attempts).toHaveLength(10);
      for (const [index, at] of attempts.slice(1).entries())
        expect(at - (attempts[index] ?? 0)).toBeGreaterThanOrEqual(2 ** index * minute);
      expect(await last()).toMatchObject({
        actor: 'timer:trial-end',
        details: { reason: 'The hook customer.suspend (before) failed.' },
      });
      expect(await run.acme.timers.list(id)).toEqual([]);
    }, 240_000);

    it('end promises: until then a reason has no effect, and afterwards it has again', async () => {
      const { suspension } = run.acme;
      await suspension.suspend(id, { actionType: 'late' });
      await suspension.promise(id, { actionType: 'late', until: run.clock.now() + 5 * minute, reason: 'pays soon' });
      expect(await stage()).toBe('active');
      await run.clock.advance(4 * minute);
      expect(await stage()).toBe('active');
      await until(async () => (await stage()) === 'suspended', run.clock, 2_000);
      expect(await last()).toMatchObject({ eventType: 'customer.promise_ended', details: { reasons: ['late'] } });
      await expect(
        suspension.promise(id, { actionType: 'late', until: run.clock.now() + 91 * 24 * 3_600_000 }),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'until' }] });
      await suspension.promise(id, { actionType: 'late', until: run.clock.now() + minute });
      await suspension.reactivate(id, { actionType: 'late' });
      expect(await run.acme.timers.list(id)).toEqual([]);
    });

    it('are not another tenant’s, nor to be set or cleared under the names of our own', async () => {
      await run.acme.timers.set(id, trialEnd(run.clock.now() + minute));
      await expect(run.other.timers.list(id)).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
      await expect(run.other.timers.clear(id, 'trial-end')).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
      const own = { ...trialEnd(run.clock.now() + minute), name: 'promise:late' };
      await expect(run.acme.timers.set(id, own)).rejects.toMatchObject({ issues: [{ path: 'name' }] });
      expect(await run.acme.timers.list(id)).toHaveLength(1);
      await run.acme.suspension.suspend(id, { actionType: 'late' });
      await run.acme.suspension.promise(id, { actionType: 'late', until: run.clock.now() + minute });
      await run.stop();
      const dunning = [defineDunningPolicy({ name: 'standard', steps: [{ afterDays: 7, action: 'warn' }] })];
      const steps = [{ key: 'ask', afterDays: 1 }];
      const journeys = [defineJourney({ name: 'hello', startsOn: ['customer.updated'], endsOn: [], steps })];
      run = await rig(backend, { dunning, journeys });
      await run.acme.dunning.overdue(id, { invoiceId: 'A' });
      await run.acme.customers.update(id, { firstName: 'Z' });
      const ours = ['promise:late', 'journey:hello', 'dunning:standard'];
      for (const name of ours)
        await expect(run.acme.timers.clear(id, name)).rejects.toMatchObject({ issues: [{ path: 'name' }] });
      expect((await run.acme.timers.list(id)).map(({ name }) => name)).toEqual(expect.arrayContaining(ours));
      await run.stop();
      // Without a policy and a journey of the name nobody has a use for them.
      run = await rig(backend);
      for (const name of ours.slice(1)) await run.acme.timers.clear(id, name);
      await expect(run.acme.timers.clear(id, 'promise:late')).rejects.toMatchObject({ issues: [{ path: 'name' }] });
    });
  });
