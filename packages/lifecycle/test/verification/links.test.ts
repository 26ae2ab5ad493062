import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import type { StoreTransaction } from '@dotmac/core';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const undo = new Error('undone on purpose');

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`verification by link and address on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const register = async (more: object = {}): Promise<string> =>
      (await run.acme.customers.register({ ...someone(), ...more })).id;
    const stageOf = async (id: string) => (await run.acme.customers.get(id)).lifecycleStage;
    /** In a transaction of the host's, which is rolled back. */
    const undone = (work: (trx: StoreTransaction) => Promise<unknown>): Promise<void> =>
      backend.store
        .transaction(async (trx) => {
          await work(trx);
          throw undo;
        })
        .catch((error: unknown) => {
          if (error !== undo) throw error;
        });

    it('consumes a link when its button is pressed, not when it is opened, and tells nobody why not', async () => {
      const id = await register();
      await run.token(id);
      const path = run.sent.find(({ customerId }) => customerId === id)?.path ?? '';
      const link = path.slice('/customer-lifecycle/verify?token='.length);
      const { verification } = run.module.open;
      expect(verification.page()).toContain('<form method="post">');
      expect(await stageOf(id)).toBe('registration');
      const failed = await verification.confirm('nonsense');
      const forged = Buffer.from(JSON.stringify(['other', id, await run.token(id)])).toString('base64url');
      const others = ['["a/b","c","d"]', '["acme","\\u0000","x"]'].map((it) => Buffer.from(it).toString('base64url'));
      for (const wrong of [forged, `${link.slice(0, -4)}AAAA`, ...others])
        expect(await verification.confirm(wrong)).toBe(failed);
      expect(await stageOf(id)).toBe('registration');
      const outcomes = await Promise.all(Array.from({ length: 4 }, () => verification.confirm(link)));
      expect(outcomes.filter((page) => page !== failed)).toHaveLength(1);
      expect(await stageOf(id)).toBe('verification');
      expect(await verification.confirm(link)).toBe(failed);
      expect(await run.acme.feed.history(id, { types: ['customer.verified'] })).toMatchObject({
        items: [{ actor: `customer:${id}` }],
      });
    });

    it('answers alike whoever has an address, and sends to those who have something to verify', async () => {
      const one = await run.acme.customers.register({ ...someone(), email: 'Trinity@example.com' });
      const verified = await run.active();
      await run.token(one.id);
      const before = run.sent.length;
      const addresses = ['trinity@example.com', 'nobody@example.com', (await run.acme.customers.read(verified)).email];
      const answers = await Promise.all(addresses.map((email) => run.acme.verification.resendTo({ email })));
      expect(new Set(answers.map(({ message }) => message)).size).toBe(1);
      await until(() => run.sent.length > before, run.clock);
      const ask = () => run.acme.verification.resendTo({ email: 'trinity@example.com' });
      // One after another: what was superseded before it was sent is sent to nobody.
      for (let more = 2; more <= 4; more++) {
        await ask();
        await until(() => run.sent.length === before + more, run.clock);
      }
      for (let more = 0; more < 5; more++) await ask();
      await run.clock.advance(5_000);
      await run.clock.advance(5_000);
      expect(run.sent.slice(before).every(({ customerId }) => customerId === one.id)).toBe(true);
      expect(run.sent.length).toBe(before + 4);
      await expect(run.acme.verification.resendTo({ email: 'no address' })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    });

    it('sends one address no more than its share of a day, whoever gives it as his', async () => {
      const phone = '+49 30 901820';
      const ids: string[] = [];
      for (let count = 0; count < 18; count++) ids.push(await register({ phone: count % 2 ? phone : '+4930-901820' }));
      await until(() => run.sent.filter(({ channel }) => channel === 'phone').length === 15, run.clock);
      await run.clock.advance(5_000);
      expect(run.sent.filter(({ channel }) => channel === 'phone')).toHaveLength(15);
      const last = ids.at(-1) ?? '';
      const limited = { code: 'VERIFICATION_RESEND_LIMITED', message: expect.stringContaining('a day') };
      await expect(run.acme.verification.resend(last, { channel: 'phone' })).rejects.toMatchObject(limited);
      run.clock.set(run.clock.now() + 23 * 3_600_000);
      await expect(run.acme.verification.resend(last, { channel: 'phone' })).rejects.toMatchObject(limited);
      run.clock.set(run.clock.now() + 3_600_000);
      await expect(run.acme.verification.resend(last, { channel: 'phone' })).resolves.toBeDefined();
    });

    it('counts an attempt in a transaction of the host’s whether that is rolled back or not', async () => {
      const id = await register();
      const token = await run.token(id);
      for (let attempt = 0; attempt < 5; attempt++) {
        await undone((trx) =>
          run.acme.verification
            .verify(id, { verificationToken: 'wrong', verificationType: 'email' }, { trx })
            .catch(() => undefined),
        );
        const counted = async () => (await backend.store.tenant('acme').tokens.get(id, 'email'))?.attempts ?? 0;
        await until(async () => (await counted()) > attempt);
      }
      await expect(
        run.acme.verification.verify(id, { verificationToken: token, verificationType: 'email' }),
      ).rejects.toMatchObject({ code: 'VERIFICATION_LOCKED' });
    });

    it('mails codes where the host wants codes', async () => {
      await run.stop();
      run = await rig(backend, { emailTokens: 'code' });
      const id = await register();
      const token = await run.token(id);
      expect(token).toMatch(/^\d{6}$/);
      expect(run.sent.at(-1)?.path).toBeNull();
      await run.acme.verification.verify(id, { verificationToken: token, verificationType: 'email' });
      expect(await stageOf(id)).toBe('verification');
    });
  });

for (const { title, present, create } of backends.filter(({ title }) => title === 'PostgreSQL' || title === 'MariaDB'))
  describe.skipIf(!present)(`verification with a single connection on ${title}`, () => {
    it('goes on within the transaction of the host, and still counts what that rolls back', async () => {
      const outer = await create();
      const database = databaseFromUrl(outer.url ?? '', { poolSize: 1 });
      const store = kyselyLifecycleStore(database, { clock: outer.clock });
      const run = await rig({ ...outer, store });
      const { id } = await run.acme.customers.register(someone());
      const verificationToken = await run.token(id);
      await run.module.stop();
      const attempt = (token: string, rollBack: boolean) =>
        database.kysely
          .transaction()
          .execute(async (trx) => {
            const draft = { verificationToken: token, verificationType: 'email' } as const;
            const done = run.acme.verification.verify(id, draft, { trx });
            done.catch(() => undefined);
            // Who waits for a second connection waits for ever; the time that is waited for it goes by.
            let isOver = false;
            void done.then(() => (isOver = true)).catch(() => (isOver = true));
            await until(() => isOver, outer.clock);
            if (rollBack) throw undo;
            return (await done).lifecycleStage;
          })
          .catch((error: unknown) => (error === undo ? 'undone' : Promise.reject(error as Error)));
      expect(await attempt('wrong', true)).toBe('undone');
      const attempts = async () => (await store.tenant('acme').tokens.get(id, 'email'))?.attempts;
      await until(async () => (await attempts()) === 1);
      expect(await attempt(verificationToken, false)).toBe('verification');
      await database.close();
      await outer.close();
    });
  });
