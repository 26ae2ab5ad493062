import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [{ key: 'port', run: () => undefined }],
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what commands would do on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    let asked: number;
    beforeEach(async () => {
      [backend, asked] = [await create(), 0];
      const count = () => void (asked += 1);
      run = await rig(backend, {
        templates: [template],
        hooks: { 'customer.suspend': { before: count, inTransaction: count, afterCommit: count } },
      });
      id = await run.active();
      const service = await run.acme.services.request(id, { serviceName: 'internet' });
      await until(async () => (await run.acme.services.get(service.id)).status === 'active', run.clock);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('is told of every command, with what stands in its way', async () => {
      const { commands } = run.acme;
      const explained = await commands.explain(id);
      const allowed = explained
        .filter((it) => it.allowed)
        .map(({ command, leadsTo }) => `${command} → ${leadsTo ?? ''}`);
      expect(allowed).toEqual([
        'requestService → active',
        'suspend → suspended',
        'throttle → active',
        'markChurning → churning',
        'deactivate → inactive',
        'delete → deleted',
      ]);
      expect(explained.find(({ command }) => command === 'restore')).toEqual({
        command: 'restore',
        allowed: false,
        reason: expect.stringContaining('in stage active cannot take the command restore'),
        leadsTo: null,
        hooks: [],
      });
      expect(explained.find(({ command }) => command === 'suspend')?.hooks).toEqual([
        'before',
        'inTransaction',
        'afterCommit',
      ]);
      expect(await commands.can(id, 'suspend', { reason: 'late' })).toBe(true);
      expect(await commands.can(id, 'winBack')).toBe(false);
      await expect(run.other.commands.explain(id)).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
    });

    it('is told of who churns before it was active that it leads to onboarding, and what it must have been for the rest', async () => {
      const { commands, customers, verification, feed, onboarding } = run.acme;
      const { id: fresh } = await customers.register(someone());
      await verification.verify(fresh, { verificationToken: await run.token(fresh), verificationType: 'email' });
      const lost = await customers.markChurning(fresh);
      expect(lost).toMatchObject({
        status: 'pending',
        lifecycleStage: 'churning',
        nextActions: [{ action: 'start_onboarding' }],
      });
      expect((await customers.summary(fresh)).userStatus).toBe('pending');
      expect((await customers.list({ stage: 'churning' })).items).toMatchObject([{ id: fresh, status: 'pending' }]);
      expect(await feed.stateAt(fresh)).toMatchObject({ lifecycleStage: 'churning', status: 'pending' });
      await customers.markChurning(id);
      expect((await customers.get(id)).status).toBe('active');
      const told = async (of: string) =>
        (await commands.explain(of)).flatMap(({ command, leadsTo, reason, allowed }) =>
          ['startOnboarding', 'suspend', 'winBack', 'deactivate', 'requestService'].includes(command)
            ? [`${command}: ${allowed ? (leadsTo ?? '') : /it was .*?active before/.exec(reason ?? '')?.[0]}`]
            : [],
        );
      expect(await told(fresh)).toEqual([
        'startOnboarding: onboarding',
        'requestService: undefined',
        'suspend: it was not active before',
        'winBack: onboarding',
        'deactivate: inactive',
      ]);
      expect(await told(id)).toEqual([
        'startOnboarding: it was active before',
        'requestService: undefined',
        'suspend: suspended',
        'winBack: active',
        'deactivate: inactive',
      ]);
      const winBack = { command: 'winBack' } as const;
      expect(await commands.dryRun(fresh, winBack)).toMatchObject({
        from: 'churning',
        to: 'onboarding',
        events: ['customer.won_back'],
      });
      expect(await commands.dryRun(id, winBack)).toMatchObject({ from: 'churning', to: 'active' });
      expect((await customers.read(fresh)).churningFrom).toBe('verification');
      await onboarding.onboard(fresh);
      const { items } = await feed.history(fresh, { limit: 2 });
      expect(items.map(({ eventType, details }) => [eventType, details['from'], details['to']])).toEqual([
        ['customer.activated', 'onboarding', 'active'],
        ['customer.onboarding_started', 'churning', 'onboarding'],
      ]);
    });

    it('passes by a suspension that was set for later when its customer churns before it was active', async () => {
      const { acme, clock } = run;
      const { id: fresh } = await acme.customers.register(someone());
      await acme.verification.verify(fresh, { verificationToken: await run.token(fresh), verificationType: 'email' });
      await acme.customers.markChurning(fresh);
      const dueAt = clock.now() + 1_000;
      await acme.timers.set(fresh, { name: 'late', command: 'suspend', input: { actionType: 'late' }, dueAt });
      const last = async () => (await acme.feed.history(fresh, { limit: 1 })).items[0];
      await until(async () => (await last())?.eventType === 'customer.timer_skipped', clock, 1_000);
      expect((await last())?.details['reason']).toContain('it was not active before');
      expect((await acme.customers.get(fresh)).lifecycleStage).toBe('churning');
    });

    it('is found by doing it and undoing it: nothing is left of it', async () => {
      const before = await run.acme.customers.read(id);
      const services = await run.acme.services.list();
      expect(await run.acme.commands.dryRun(id, { command: 'suspend', input: { actionType: 'late' } })).toEqual({
        allowed: true,
        code: null,
        reason: null,
        from: 'active',
        to: 'suspended',
        events: ['customer.suspended', 'service.operation_started'],
        operations: [{ serviceId: services.items[0]?.id, serviceName: 'internet', operation: 'suspend' }],
        timers: [],
        clearedTimers: [],
        hooks: ['before', 'inTransaction', 'afterCommit'].map((phase) => ({ hook: 'customer.suspend', phase })),
      });
      expect(await run.acme.commands.dryRun(id, { command: 'winBack' })).toMatchObject({
        allowed: false,
        code: 'ILLEGAL_TRANSITION',
        reason: expect.stringContaining('winBack'),
        from: 'active',
        to: 'active',
        events: [],
      });
      await expect(
        run.acme.commands.dryRun(id, { command: 'suspend', input: { actionType: 'no spaces' } }),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await run.clock.advance(60_000);
      expect(await run.acme.customers.read(id)).toEqual(before);
      expect(await run.acme.services.list()).toEqual(services);
      expect(asked).toBe(0);
    });

    const found = async (of: string, command: string) => {
      const { allowed, reason, leadsTo } =
        (await run.acme.commands.explain(of)).find((it) => it.command === command) ?? {};
      return allowed ? leadsTo : reason;
    };

    it('is told of a suspended customer by what lifting a reason leaves', async () => {
      const { commands, suspension } = run.acme;
      await suspension.suspend(id, { actionType: 'late' });
      expect(await found(id, 'reactivate')).toBe('active');
      expect(await found(id, 'promise')).toBe('active');
      await suspension.suspend(id, { actionType: 'abuse' });
      expect(await found(id, 'reactivate')).toBe('suspended');
      expect(await found(id, 'promise')).toBe('suspended');
      expect(await commands.can(id, 'reactivate', { reason: 'late' })).toBe(true);
      expect(await commands.can(id, 'reactivate', { reason: 'fraud' })).toBe(false);
      await suspension.promise(id, { actionType: 'late', until: run.clock.now() + 86_400_000 });
      // It depends on which is lifted.
      expect(await found(id, 'reactivate')).toBeNull();
      await suspension.reactivate(id, { actionType: 'abuse' });
      expect((await run.acme.customers.read(id)).stage).toBe('active');
      expect(await found(id, 'endPromise')).toBe('suspended');
    });

    it('is told of who is verified halfway by what is left to verify', async () => {
      const { acme, token } = run;
      const { commands, customers, verification } = acme;
      const { id: both } = await customers.register({ ...someone(), phone: '+31612345678' });
      const { id: one } = await customers.register(someone());
      for (const each of [both, one])
        await verification.verify(each, { verificationToken: await token(each), verificationType: 'email' });
      expect(await found(both, 'verify')).toBe('verification');
      expect(await commands.can(both, 'verify', { channel: 'phone' })).toBe(true);
      expect(await commands.can(both, 'verify', { channel: 'email' })).toBe(false);
      expect(await found(one, 'verify')).toContain('verified already');
      expect(await commands.can(one, 'verify', { channel: 'phone' })).toBe(false);
      const verificationToken = await token(both, 'phone');
      await verification.verify(both, { verificationToken, verificationType: 'phone' });
      expect(await found(both, 'verify')).toContain('verified already');
    });

    it('is told of who has left by what keeps it from being erased', async () => {
      const { commands, customers, privacy, services } = run.acme;
      await customers.deactivate(id);
      expect(await found(id, 'erase')).toContain('services');
      await until(async () => (await services.list()).items.every(({ status }) => status === 'terminated'), run.clock);
      expect(await found(id, 'erase')).toBe('deleted');
      await privacy.setHold(id, { name: 'lawsuit' });
      expect(await found(id, 'erase')).toContain('lawsuit');
      expect(await commands.can(id, 'erase')).toBe(false);
      await privacy.liftHold(id, 'lawsuit');
      expect(await commands.can(id, 'erase')).toBe(true);
    });
  });
