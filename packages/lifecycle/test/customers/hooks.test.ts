import { defineErrors } from '@dotmac/core';
import { inTransaction } from '@dotmac/core/kysely';
import { sql, type Transaction } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LifecycleHooks } from '../../src/hooks.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until } from '../support/lifecycle.js';

const hostErrors = defineErrors({
  NOT_TODAY: { kind: 'forbidden', message: (_: Record<never, never>) => 'Not today.' },
});
interface HostTables {
  host_users: { id: string };
}
type HostTrx = Transaction<HostTables>;

for (const { title, present, create } of backends.filter((it) => it.title !== 'memory'))
  describe.skipIf(!present)(`hooks and the host's transaction on ${title}`, () => {
    let backend: Backend;
    const database = () => backend.database ?? expect.unreachable();
    const users = async (): Promise<string[]> =>
      (await database().withTables<HostTables>().selectFrom('host_users').select('id').execute()).map(({ id }) => id);
    beforeEach(async () => {
      backend = await create();
      await sql`create table host_users (id varchar(36) primary key)`.execute(database().kysely);
    });
    afterEach(() => backend.close());

    it('veto before anything is written', async () => {
      const run = await rig(backend, {
        hooks: {
          'customer.suspend': {
            before: ({ input }) => {
              if (input.reason === 'abuse') throw hostErrors.NOT_TODAY({});
            },
          },
        },
      });
      const id = await run.active();
      await expect(run.acme.suspension.suspend(id, { actionType: 'abuse' })).rejects.toMatchObject({
        code: 'NOT_TODAY',
      });
      expect(await run.acme.customers.get(id)).toMatchObject({ lifecycleStage: 'active' });
      await expect(run.acme.suspension.suspend(id, { actionType: 'late' })).resolves.toMatchObject({
        status: 'suspended',
      });
      await run.stop();
    });

    it('are never passed by, when another change makes a step due in between', async () => {
      const asked: string[] = [];
      const run = await rig(backend, {
        checklist: [
          { key: 'address', message: 'Give an address.', isDone: ({ onboardingData }) => 'address' in onboardingData },
          {
            key: 'visit',
            message: 'Have the site visited.',
            isDone: ({ onboardingData }) => 'visit' in onboardingData,
          },
        ],
        hooks: {
          'customer.progressOnboarding': {
            // While the host is asked about the address, somebody else reports the visit.
            async before({ input: { customerId } }) {
              asked.push('progressOnboarding');
              if (asked.length === 1)
                await run.acme.onboarding.onboard(customerId, { onboardingData: { visit: true } });
            },
          },
          'customer.completeOnboarding': { before: () => void asked.push('completeOnboarding') },
        },
      });
      const { id } = await run.acme.customers.register(someone());
      await run.acme.verification.verify(id, { verificationToken: await run.token(id), verificationType: 'email' });
      await run.acme.onboarding.onboard(id);
      const report = () => run.acme.onboarding.onboard(id, { onboardingData: { address: 'Elm Street 1' } });
      await expect(report()).rejects.toMatchObject({ code: 'CONCURRENT_CHANGE' });
      expect(await run.acme.customers.get(id)).toMatchObject({ lifecycleStage: 'onboarding' });
      expect(asked).not.toContain('completeOnboarding');
      await expect(report()).resolves.toMatchObject({ lifecycleStage: 'active' });
      expect(asked.at(-1)).toBe('completeOnboarding');
      await run.stop();
    });

    it('write in the transaction what commits or goes with the command', async () => {
      const hooks: LifecycleHooks<HostTrx> = {
        'customer.register': {
          async inTransaction({ state, trx }) {
            await trx.insertInto('host_users').values({ id: state.id }).execute();
            if (state.userType === 'refused') throw hostErrors.NOT_TODAY({});
          },
        },
      };
      const run = await rig(backend, { hooks });
      const refused = { ...someone(), userType: 'refused' };
      await expect(run.acme.customers.register(refused)).rejects.toMatchObject({ code: 'NOT_TODAY' });
      expect(await users()).toEqual([]);
      const { id } = await run.acme.customers.register({ ...refused, userType: 'residential' });
      expect(await users()).toEqual([id]);
      await run.token(id);
      expect(run.sent).toHaveLength(1);
      await run.stop();
    });

    it('run after the commit with the state then, again until they succeed, under one delivery id', async () => {
      const tries: { deliveryId: string; stage: string }[] = [];
      const run = await rig(backend, {
        hooks: {
          'customer.suspend': {
            afterCommit({ state, deliveryId }) {
              tries.push({ deliveryId, stage: state.stage });
              if (tries.length < 3) throw new Error('mail is down');
            },
          },
        },
      });
      const id = await run.active();
      await run.acme.suspension.suspend(id, { actionType: 'late' });
      await run.acme.suspension.reactivate(id, { actionType: 'late' });
      await until(() => tries.length === 3, run.clock);
      expect(new Set(tries.map(({ deliveryId }) => deliveryId)).size).toBe(1);
      expect(tries.map(({ stage }) => stage)).toEqual(['suspended', 'suspended', 'suspended']);
      expect(await run.acme.customers.get(id)).toMatchObject({ lifecycleStage: 'active' });
      await run.stop();
    });

    it('are parked when they never succeed after the commit', async () => {
      const run = await rig(backend, {
        maxDeliveryAttempts: 2,
        hooks: { 'customer.register': { afterCommit: () => Promise.reject(new Error('down for good')) } },
      });
      const { id } = await run.acme.customers.register(someone());
      await until(async () => (await backend.store.outbox.parked('acme', { limit: 10 })).items.length === 1, run.clock);
      expect((await backend.store.outbox.parked('acme', { limit: 10 })).items).toMatchObject([
        { subscriber: 'hook:customer.register', attempts: 2, event: { subject: id } },
      ]);
      expect((await backend.store.outbox.parked('other', { limit: 10 })).items).toEqual([]);
      await run.stop();
    });

    it('are given a deadline', async () => {
      const run = await rig(backend, {
        hookTimeoutMs: 1_000,
        hooks: { 'customer.register': { before: () => new Promise(() => undefined) } },
      });
      const registering = run.acme.customers.register(someone()).catch((error: unknown) => error);
      await run.clock.advance(1_000);
      expect(await registering).toMatchObject({ code: 'HOOK_TIMED_OUT' });
      await run.stop();
    });

    it('let a command commit with the host, and be undone with it', async () => {
      const run = await rig(backend);
      const [kept, undone] = [someone(), someone()];
      const heard: string[] = [];
      run.module.events.onAny(({ name, subject }) => void heard.push(`${name} ${subject}`));
      // Opened by the host itself: nothing here sees it commit.
      const host = database().withTables<HostTables>();
      const id = await host.transaction().execute(async (trx) => {
        await trx.insertInto('host_users').values({ id: 'one' }).execute();
        return (await run.acme.customers.register(kept, { trx })).id;
      });
      await expect(
        host.transaction().execute(async (trx) => {
          await trx.insertInto('host_users').values({ id: 'two' }).execute();
          await run.acme.customers.register(undone, { trx });
          throw new Error('the host changes its mind');
        }),
      ).rejects.toThrow('changes its mind');
      expect(await users()).toEqual(['one']);
      const token = await run.token(id);
      await until(() => heard.includes(`customer.registered ${id}`), run.clock);
      expect(run.sent.map(({ customerId }) => customerId)).toEqual([id]);
      expect(heard).toHaveLength(1);
      await expect(run.acme.customers.register(undone)).resolves.toMatchObject({ status: 'pending' });
      const verified = await inTransaction(database(), undefined, (trx) =>
        run.acme.verification.verify(id, { verificationToken: token, verificationType: 'email' }, { trx }),
      );
      expect(verified).toMatchObject({ lifecycleStage: 'verification' });
      await run.stop();
    });

    // On SQLite the host's transaction is the only one there can be, and the count goes with it.
    if (title !== 'SQLite')
      it('count a wrong token even when the host rolls back', async () => {
        const run = await rig(backend);
        const { id } = await run.acme.customers.register(someone());
        const token = await run.token(id);
        const guess = (verificationToken: string) =>
          database()
            .kysely.transaction()
            .execute((trx) =>
              run.acme.verification.verify(id, { verificationToken, verificationType: 'email' }, { trx }),
            );
        for (let attempt = 0; attempt < 5; attempt++)
          await expect(guess('wrong')).rejects.toMatchObject({ code: 'VERIFICATION_FAILED' });
        await expect(guess(token)).rejects.toMatchObject({ code: 'VERIFICATION_LOCKED' });
        await run.stop();
      });

    it('leave a transaction of the host usable after a name was taken', async () => {
      const run = await rig(backend);
      const taken = someone();
      await run.acme.customers.register(taken);
      await database()
        .withTables<HostTables>()
        .transaction()
        .execute(async (trx) => {
          await expect(run.acme.customers.register(taken, { trx })).rejects.toMatchObject({ code: 'CUSTOMER_EXISTS' });
          await trx.insertInto('host_users').values({ id: 'still' }).execute();
        });
      expect(await users()).toEqual(['still']);
      await run.stop();
    });
  });
