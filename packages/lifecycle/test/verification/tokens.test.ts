import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import { createKeyring, newToken } from '../../src/verification/keyring.js';
import type { VerificationDraft } from '../../src/verification/verification.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const failed = { code: 'VERIFICATION_FAILED', message: 'The verification token is not valid, or not any more.' };
const locked = { code: 'VERIFICATION_LOCKED' };
const byEmail = (verificationToken: string): VerificationDraft => ({ verificationToken, verificationType: 'email' });
const byPhone = (verificationToken: string): VerificationDraft => ({ verificationToken, verificationType: 'phone' });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`verification on ${title}`, () => {
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
    const register = async (): Promise<string> =>
      (await run.acme.customers.register({ ...someone(), phone: '+49 30 901820' })).id;

    it('gives one answer to wrong, never issued and expired tokens', async () => {
      const { acme, clock } = run;
      const [id, silent] = [await register(), (await run.acme.customers.register(someone())).id];
      const [email, phone] = [await run.token(id), await run.token(id, 'phone')];
      expect(phone).toMatch(/^\d{6}$/);
      await expect(acme.verification.verify(id, byEmail('wrong'))).rejects.toMatchObject(failed);
      await expect(acme.verification.verify(id, byEmail(phone))).rejects.toMatchObject(failed);
      await expect(acme.verification.verify(silent, byPhone('000000'))).rejects.toMatchObject(failed);
      await expect(acme.verification.verify(silent, byEmail(email))).rejects.toMatchObject(failed);
      clock.set(clock.now() + 10 * 60_000);
      await expect(acme.verification.verify(id, byPhone(phone))).rejects.toMatchObject(failed);
      clock.set(clock.now() + 24 * 3_600_000);
      await expect(acme.verification.verify(id, byEmail(email))).rejects.toMatchObject(failed);
      expect(await acme.customers.get(id)).toMatchObject({ lifecycleStage: 'registration' });
    });

    it('takes no token for an address that took the place of its own meanwhile, and was sent none', async () => {
      await run.stop();
      let isToMove = true;
      const move = async ({ input: { customerId } }: { input: { customerId: string } }): Promise<void> => {
        if (isToMove)
          await run.acme.customers.update(customerId, { email: 'somebody@else.example', phone: '+4930902' });
        isToMove = false;
      };
      run = await rig(backend, { hooks: { 'customer.verify': { before: move } } });
      for (const [channel, by] of [
        ['email', byEmail],
        ['phone', byPhone],
      ] as const) {
        isToMove = false;
        const { id } = await run.acme.customers.register({ ...someone(), phone: '+49 30 901820' });
        const sent = () => run.sent.filter((it) => it.customerId === id && it.channel === channel).length;
        // It has had its share then: another address is sent none for an hour.
        for (let count = 1; count <= 5; count++) {
          if (count > 1) await run.acme.verification.resend(id, { channel });
          await until(() => sent() === count, run.clock);
        }
        isToMove = true;
        const token = await run.token(id, channel);
        await expect(run.acme.verification.verify(id, by(token))).rejects.toMatchObject(failed);
        const kept = await backend.store.tenant('acme').customers.get(id);
        expect(kept).toMatchObject({ email: 'somebody@else.example', emailVerifiedAt: null, phoneVerifiedAt: null });
        await run.acme.customers.update(id, { email: someone().email });
      }
    });

    it('takes a code for ten minutes, and a link for a day', async () => {
      const { acme, clock } = run;
      const id = await register();
      const [email, phone] = [await run.token(id), await run.token(id, 'phone')];
      const issuedAt = (await backend.store.tenant('acme').tokens.get(id, 'email'))?.issuedAt ?? 0;
      clock.set(issuedAt + 10 * 60_000 - 1);
      expect(await acme.verification.verify(id, byPhone(phone))).toMatchObject({ lifecycleStage: 'verification' });
      clock.set(issuedAt + 24 * 3_600_000 - 1);
      await expect(acme.verification.verify(id, byEmail(email))).resolves.toBeDefined();
    });

    it('sends no token that is good for nothing any more: of who has left, superseded or expired', async () => {
      const clock = backend.clock;
      const sent: string[] = [];
      const { store } = backend;
      // Nothing is delivered before `start()`.
      const late = createLifecycle({
        store,
        clock,
        sendVerification: ({ customerId, token }) => void sent.push(`${customerId} ${token.length}`),
      });
      await run.stop();
      const acme = late.scope({ tenantId: 'acme' });
      const phone = '+49 30 901820';
      const [gone, here] = [
        await acme.customers.register(someone()),
        await acme.customers.register({ ...someone(), phone }),
      ];
      await acme.customers.delete(gone.id);
      await acme.verification.resend(here.id);
      clock.set(clock.now() + 11 * 60_000);
      await late.start();
      await until(() => sent.length > 0, clock);
      await clock.advance(60_000);
      await late.stop();
      // At least once: a minute may pass before it is written down that the first was sent.
      expect(new Set(sent)).toEqual(new Set([`${here.id} ${newToken('link').length}`]));
    });

    it('locks a token after five tries, for the right one too, until another is sent', async () => {
      const { acme, clock } = run;
      const id = await register();
      const first = await run.token(id);
      for (let attempt = 0; attempt < 5; attempt++)
        await expect(acme.verification.verify(id, byEmail(`no${attempt}`))).rejects.toMatchObject(failed);
      await expect(acme.verification.verify(id, byEmail(first))).rejects.toMatchObject(locked);
      await acme.verification.resend(id);
      await until(() => run.sent.filter((it) => it.channel === 'email').length === 2, clock);
      const second = await run.token(id);
      await expect(acme.verification.verify(id, byEmail(first))).rejects.toMatchObject(failed);
      expect(await acme.verification.verify(id, byEmail(second))).toMatchObject({ lifecycleStage: 'verification' });
      await expect(acme.verification.resend(id)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    });

    it('sends five tokens an hour at the most', async () => {
      const { acme, clock } = run;
      const id = await register();
      for (let sent = 1; sent < 5; sent++) await acme.verification.resend(id);
      await expect(acme.verification.resend(id)).rejects.toMatchObject({
        code: 'VERIFICATION_RESEND_LIMITED',
        retryAfter: 3_600,
      });
      clock.set(clock.now() + 3_600_000);
      await expect(acme.verification.resend(id)).resolves.toBeDefined();
      await expect(
        acme.verification.resend((await run.acme.customers.register(someone())).id, { channel: 'phone' }),
      ).rejects.toMatchObject({
        code: 'CHANNEL_MISSING',
      });
    });
  });

const databases = backends.filter(({ title }) => title !== 'memory');
for (const { title, present, create } of databases)
  describe.skipIf(!present)(`tokens at rest on ${title}`, () => {
    it('are in no column, neither while they wait for sending nor afterwards', async () => {
      const backend = await create();
      const { database } = backend;
      if (!database) throw new Error('This test needs a database.');
      let letThrough = (): void => {};
      const gate = new Promise<void>((resolve) => (letThrough = resolve));
      const sent: string[] = [];
      const run = await rig(backend, {
        async sendVerification({ token }) {
          sent.push(token);
          await gate;
        },
      });
      const { id } = await run.acme.customers.register(someone());
      await until(() => sent.length === 1);
      const token = sent[0] as string;
      const everything = async (): Promise<string> => {
        const tables = ['customers', 'customer_events', 'verification_tokens', 'service_runs', 'outbox'];
        const rows = await Promise.all(
          tables.map((name) => sql`select * from ${sql.table(`dotmac_${name}`)}`.execute(database.kysely)),
        );
        return JSON.stringify(rows.map((it) => it.rows));
      };
      const waiting = await everything();
      expect(waiting).toContain('verification.issued');
      expect(waiting).not.toContain(token);
      letThrough();
      await until(async () => !(await everything()).includes('verification.issued'));
      expect(await everything()).not.toContain(token);
      expect(await everything()).toContain(id);
      await run.stop();
      await backend.close();
    });
  });

describe('a keyring', () => {
  const binding = { tenantId: 't', customerId: 'c', channel: 'email', address: 'a@example.com', tokenId: '1' } as const;
  const [old, young] = ['o'.repeat(32), 'y'.repeat(32)];

  it('knows a token only as bound', () => {
    const ring = createKeyring([old]);
    const token = newToken('link');
    const stored = ring.hash(token, binding);
    expect(stored.hash).not.toContain(token);
    expect(ring.matches(token, binding, stored)).toBe(true);
    for (const change of [
      { tenantId: 'u' },
      { customerId: 'd' },
      { channel: 'phone' },
      { address: 'b@example.com' },
      { tokenId: '2' },
    ] as const)
      expect(ring.matches(token, { ...binding, ...change }, stored)).toBe(false);
  });

  it('still understands a secret that was replaced, and none that is gone', () => {
    const stored = createKeyring([old]).hash('token', binding);
    const sealed = createKeyring([old]).seal('token', binding);
    expect(createKeyring([young, old]).matches('token', binding, stored)).toBe(true);
    expect(createKeyring([young, old]).unseal(sealed, binding)).toBe('token');
    expect(createKeyring([young]).matches('token', binding, stored)).toBe(false);
    expect(createKeyring([young]).unseal(sealed, binding)).toBeUndefined();
  });

  it('does not unseal what was tampered with or moved', () => {
    const ring = createKeyring([]);
    const sealed = ring.seal('token', binding);
    const [id, iv, text = '', tag] = sealed.split('.');
    expect(sealed).not.toContain('token');
    expect(ring.unseal(sealed, { ...binding, customerId: 'd' })).toBeUndefined();
    expect(
      ring.unseal([id, iv, text.replace(/^./, (it) => (it === 'A' ? 'B' : 'A')), tag].join('.'), binding),
    ).toBeUndefined();
    expect(ring.unseal('', binding)).toBeUndefined();
  });

  it('knows what it signed, also by a secret that was replaced', () => {
    const signature = createKeyring([old]).sign('text');
    expect(createKeyring([young, old]).isSigned('text', signature)).toBe(true);
    expect(createKeyring([young, old]).isSigned('text ', signature)).toBe(false);
    expect(createKeyring([young]).isSigned('text', signature)).toBe(false);
    for (const other of ['', signature.slice(0, -4), `${signature}AAAA`])
      expect(createKeyring([old]).isSigned('text', other)).toBe(false);
  });

  it('makes codes of six digits, and links of 256 bits', () => {
    for (let count = 0; count < 1_000; count++) expect(newToken('code')).toMatch(/^[0-9]{6}$/);
    expect(Buffer.from(newToken('link'), 'base64url')).toHaveLength(32);
  });

  it('refuses a short secret', () => {
    expect(() => createKeyring(['short'])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
