import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { Customer } from '../../src/customers/customer.js';
import type { CommandOptions } from '../../src/customers/command-options.js';
import { createLifecycle } from '../../src/lifecycle.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, type Rig } from '../support/lifecycle.js';

/** A store in which no attempt counts, no token says that it was taken and no customer that it was verified. */
function heedless(store: LifecycleStore): LifecycleStore {
  const unverified = async <Found extends Customer | undefined>(found: Promise<Found>): Promise<Found> => {
    const customer = await found;
    return customer && { ...customer, emailVerifiedAt: null };
  };
  return {
    ...store,
    tenant(tenantId) {
      const inner = store.tenant(tenantId);
      const { customers, tokens } = inner;
      return {
        ...inner,
        customers: {
          ...customers,
          get: (...asked) => unverified(customers.get(...asked)),
          lock: (...asked) => unverified(customers.lock(...asked)),
        },
        tokens: {
          ...tokens,
          async countAttempt(...asked) {
            const token = await tokens.countAttempt(...asked);
            return token && { ...token, attempts: 1, consumedAt: null };
          },
        },
      };
    },
  };
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`commands on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeAll(async () => {
      backend = await create();
      run = await rig(backend);
    });
    afterAll(async () => {
      await run.stop();
      await backend.close();
    });

    it('take a customer from registration to active, suspended and back', async () => {
      const { acme, token } = run;
      const registered = await acme.customers.register({ ...someone(), phone: '+4930901820' });
      expect(registered).toMatchObject({ status: 'pending', lifecycleStage: 'registration', userId: registered.id });
      expect(registered.nextActions.map(({ action }) => action)).toEqual(['verify_email', 'verify_phone']);
      const { id } = registered;
      const email = { verificationToken: await token(id), verificationType: 'email' } as const;
      expect((await acme.verification.verify(id, email)).lifecycleStage).toBe('verification');
      await expect(acme.verification.verify(id, email)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      expect(await acme.onboarding.onboard(id, { onboardingData: { plan: 'x' } })).toMatchObject({ status: 'active' });
      const phone = { verificationToken: await token(id, 'phone'), verificationType: 'phone' } as const;
      expect((await acme.verification.verify(id, phone)).lifecycleStage).toBe('active');
      expect(await acme.suspension.suspend(id, { actionType: 'suspend', reason: 'late' })).toMatchObject({
        status: 'suspended',
      });
      expect(await acme.suspension.reactivate(id, { actionType: 'reactivate' })).toMatchObject({ status: 'active' });

      const summary = await acme.customers.summary(id);
      expect(summary.lifecycleEvents.map(({ eventType }) => eventType)).toEqual([
        'customer.registered',
        'customer.verified',
        'customer.onboarding_started',
        'customer.activated',
        'customer.verified',
        'customer.suspended',
        'customer.reactivated',
      ]);
      expect(summary.lifecycleEvents[5]?.details).toMatchObject({
        reason: 'general',
        note: 'late',
        open_reasons: ['general'],
      });
      expect(summary.stageHistory.map(({ stage }) => stage)).toEqual([
        'registration',
        'verification',
        'onboarding',
        'active',
        'suspended',
        'active',
      ]);
      expect(summary.stageHistory.at(-1)?.leftAt).toBeNull();
      expect(await acme.customers.read(id)).toMatchObject({ onboardingData: { plan: 'x' }, version: 7, blocks: [] });
    });

    it('refuse a username or email that the tenant has, whatever its case, and name the field', async () => {
      const { acme, other } = run;
      const first = someone();
      await acme.customers.register(first);
      await expect(
        acme.customers.register({ ...someone(), username: first.username.toUpperCase() }),
      ).rejects.toMatchObject({
        code: 'CUSTOMER_EXISTS',
        details: { field: 'username' },
      });
      await expect(acme.customers.register({ ...someone(), email: first.email.toUpperCase() })).rejects.toMatchObject({
        code: 'CUSTOMER_EXISTS',
        details: { field: 'email' },
      });
      await expect(other.customers.register(first)).resolves.toMatchObject({ status: 'pending' });
    });

    it('register one of twenty racers for a name', async () => {
      const same = someone();
      const racers = await Promise.allSettled(Array.from({ length: 20 }, () => run.acme.customers.register(same)));
      expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const racer of racers)
        if (racer.status === 'rejected') expect(racer.reason).toMatchObject({ code: 'CUSTOMER_EXISTS' });
    });

    it('let a customer in only once approved, and turn away who is rejected', async () => {
      const { acme, token } = run;
      const { id, nextActions } = await acme.customers.register({ ...someone(), requiresApproval: true });
      expect(nextActions.map(({ action }) => action)).toEqual(['wait_for_approval']);
      const early = { verificationToken: 'any', verificationType: 'email' } as const;
      await expect(acme.verification.verify(id, early)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      await acme.customers.approve(id);
      const verification = { verificationToken: await token(id), verificationType: 'email' } as const;
      await expect(acme.customers.reject(id)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      expect(await acme.verification.verify(id, verification)).toMatchObject({ lifecycleStage: 'verification' });
      const rejected = await acme.customers.register({ ...someone(), requiresApproval: true });
      expect(await acme.customers.reject(rejected.id, { reason: 'fraud' })).toMatchObject({
        lifecycleStage: 'inactive',
      });
    });

    it('send tokens to who waits for approval once it is given, to addresses as they are then, and no sooner', async () => {
      const { acme, sent, module } = run;
      const phone = '+4930901821';
      const { id } = await acme.customers.register({ ...someone(), phone, requiresApproval: true });
      const email = `moved-${id}@example.com`;
      await acme.customers.update(id, { email });
      const { tokens } = backend.store.tenant('acme');
      const issued = () => Promise.all([tokens.get(id, 'email'), tokens.get(id, 'phone')]);
      expect(await issued()).toEqual([undefined, undefined]);
      await acme.customers.approve(id);
      await Promise.all([run.token(id), run.token(id, 'phone')]);
      const theirs = sent.filter(({ customerId }) => customerId === id);
      expect(theirs.map(({ channel, address }) => `${channel} ${address}`).sort()).toEqual([
        `email ${email}`,
        `phone ${phone}`,
      ]);
      const path = theirs.find(({ channel }) => channel === 'email')?.path ?? '';
      const page = await module.open.verification.confirm(path.slice(path.indexOf('=') + 1));
      expect(page).toContain('Your email address is confirmed');
      expect((await acme.customers.get(id)).lifecycleStage).toBe('verification');
    });

    it('let a customer in who was deleted while it waited for approval, and was restored', async () => {
      const { acme } = run;
      const { id } = await acme.customers.register({ ...someone(), requiresApproval: true });
      await acme.customers.delete(id);
      const { nextActions } = await acme.customers.restore(id);
      expect(nextActions.map(({ action }) => action)).toEqual(['wait_for_approval']);
      await expect(acme.customers.winBack(id)).rejects.toMatchObject({
        details: { possible: ['approve', 'reject', 'delete', 'erase'] },
      });
      expect(await acme.customers.approve(id)).toMatchObject({ lifecycleStage: 'inactive' });
      const verification = { verificationToken: await run.token(id), verificationType: 'email' } as const;
      await acme.verification.verify(id, verification);
      expect(await acme.customers.winBack(id)).toMatchObject({ lifecycleStage: 'onboarding' });
    });

    it('let one of fifty racers suspend for a reason', async () => {
      const id = await run.active();
      const racers = await Promise.allSettled(
        Array.from({ length: 50 }, () => run.acme.suspension.suspend(id, { actionType: 'abuse' })),
      );
      expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const racer of racers)
        if (racer.status === 'rejected') expect(racer.reason).toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      expect((await run.acme.customers.read(id)).blocks).toHaveLength(1);
    });

    it('let one of fifty racers use a token', async () => {
      const { acme, token } = run;
      const { id } = await acme.customers.register(someone());
      const draft = { verificationToken: await token(id), verificationType: 'email' } as const;
      const racers = await Promise.allSettled(Array.from({ length: 50 }, () => acme.verification.verify(id, draft)));
      expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const codes = new Set(
        racers.flatMap((it) => (it.status === 'rejected' ? [(it.reason as { code: string }).code] : [])),
      );
      expect([...codes].filter((code) => !/^(VERIFICATION_(FAILED|LOCKED)|ILLEGAL_TRANSITION)$/.test(code))).toEqual(
        [],
      );
      expect((await acme.customers.read(id)).version).toBe(2);
    });

    it('let one of fifty racers use a token, though nothing but taking it tells who came first', async () => {
      const { id } = await run.acme.customers.register(someone());
      const draft = { verificationToken: await run.token(id), verificationType: 'email' } as const;
      const { clock, store } = backend;
      const secret = 'a secret of more than 32 characters, for tests';
      const { verification } = createLifecycle({ store: heedless(store), clock, secret }).scope({ tenantId: 'acme' });
      const racers = await Promise.allSettled(Array.from({ length: 50 }, () => verification.verify(id, draft)));
      expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const racer of racers)
        if (racer.status === 'rejected') expect(racer.reason).toMatchObject({ code: 'VERIFICATION_FAILED' });
      expect((await run.acme.customers.read(id)).version).toBe(2);
    });

    it('read a reason in code as over HTTP, given or tried: trimmed, none when empty, and not without end', async () => {
      const { customers, commands, feed } = run.acme;
      const id = await run.active();
      const tooLong = { reason: 'x'.repeat(1_001) };
      const refused = { code: 'INVALID_INPUT' };
      for (const command of ['reject', 'markChurning', 'winBack', 'deactivate', 'delete', 'restore'] as const) {
        await expect(customers[command](id, tooLong)).rejects.toMatchObject(refused);
        await expect(commands.dryRun(id, { command, input: tooLong })).rejects.toMatchObject(refused);
      }
      const longest = 'x'.repeat(1_000);
      for (const [command, reason] of [
        ['markChurning', ' '],
        ['winBack', ` ${longest} `],
      ] as const) {
        expect(await commands.dryRun(id, { command, input: { reason } })).toMatchObject({ allowed: true });
        await customers[command](id, { reason });
      }
      const { items } = await feed.history(id, { limit: 2 });
      expect(items.map(({ details }) => details['reason'])).toEqual([longest, null]);
    });

    it('offer no dry run where they are carried out: `commands.dryRun` is for that', () => {
      expectTypeOf<CommandOptions>().not.toHaveProperty('dryRun');
      expectTypeOf<CommandOptions>().not.toHaveProperty('claim');
    });

    it('answer another tenant as if there were no such customer, and change nothing', async () => {
      const { acme, other } = run;
      const id = await run.active();
      const before = await acme.customers.read(id);
      const notFound = { code: 'CUSTOMER_NOT_FOUND' };
      await expect(other.customers.get(id)).rejects.toMatchObject(notFound);
      await expect(other.customers.summary(id)).rejects.toMatchObject(notFound);
      await expect(other.customers.approve(id)).rejects.toMatchObject(notFound);
      await expect(other.suspension.suspend(id, { actionType: 'x' })).rejects.toMatchObject(notFound);
      await expect(other.onboarding.onboard(id)).rejects.toMatchObject(notFound);
      await expect(other.verification.resend(id)).rejects.toMatchObject(notFound);
      await expect(
        other.verification.verify(id, { verificationToken: 'x', verificationType: 'email' }),
      ).rejects.toMatchObject(notFound);
      expect(await acme.customers.read(id)).toEqual(before);
    });
  });
