import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`the profile of a customer on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let asked: string[];
    beforeEach(async () => {
      [backend, asked] = [await create(), []];
      const note = (phase: string) => () => void asked.push(phase);
      const hooks = { 'customer.update': { before: note('before'), inTransaction: note('inTransaction') } };
      run = await rig(backend, { hooks, searchableAttributes: ['segment'] });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const history = (id: string) => backend.store.tenant('acme').history.list(id, { limit: 99 });
    const found = async (ask: object) => (await run.acme.customers.list(ask)).items.map(({ id }) => id);

    it('changes as far as it is given, is found by what it is then, and is told', async () => {
      const given = { ...someone(), phone: '+49 30 1', attributes: { segment: 'gold', Note: 1 } };
      const { id } = await run.acme.customers.register(given);
      const before = await run.acme.customers.read(id);
      const consent = { lastName: 'Quuxley', phone: null, marketingConsent: true };
      await run.acme.customers.update(id, { ...consent, attributes: { segment: 'silver', Note: null, Since: 7 } });
      const row = await run.acme.customers.read(id);
      const attributes = { segment: 'silver', Since: 7 };
      expect(row).toEqual({ ...before, ...consent, attributes, version: 2, updatedAt: row.updatedAt });
      expect(fold((await history(id)).map(({ event }) => event))).toEqual(foldedRow(row));
      expect(await found({ search: 'quuxley' })).toEqual([id]);
      expect(await found({ search: 'b' })).toEqual([]);
      expect(await found({ attribute: 'segment:silver' })).toEqual([id]);
      expect(await found({ attribute: 'segment:gold' })).toEqual([]);
      const told = (await run.acme.customers.summary(id)).lifecycleEvents.at(-1);
      const details = { unverified: ['phone'], changes: { ...consent, attributes } };
      expect(told).toMatchObject({ eventType: 'customer.updated', actor: 'user:1', details });
      expect(asked).toEqual(['before', 'inTransaction']);
      // The history keeps what is personal sealed.
      const kept = (await history(id)).at(-1)?.event;
      expect(kept?.data).toMatchObject({ fields: expect.arrayContaining(['lastName']), changes: {} });

      await run.acme.customers.update(id, { lastName: 'Quuxley', attributes: { Since: 7 } });
      await run.acme.customers.update(id, {});
      expect((await run.acme.customers.read(id)).version).toBe(2);
    });

    it('takes attributes as long as all of them come to 64 KiB, and has what is beyond that grow no more', async () => {
      const { customers } = run.acme;
      const { id } = await customers.register(someone());
      const half = 'x'.repeat(32 * 1_024);
      await customers.update(id, { attributes: { one: half, gone: 'x' } });
      const over = customers.update(id, { attributes: { gone: null, two: half } });
      await expect(over).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'attributes' }] });
      expect((await customers.read(id)).attributes).toEqual({ one: half, gone: 'x' });
      const begun = customers.register({ ...someone(), attributes: { one: half, two: half } });
      await expect(begun).rejects.toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: 'attributes' }] });
      // What was not counted before, e.g. two bytes of each of these.
      const [big] = await crowd(backend.store, 1, { attributes: { one: 'ß'.repeat(32 * 1_024), two: half } });
      const change = (attributes: Record<string, unknown>) => customers.update(big?.id ?? '', { attributes });
      await expect(change({ three: 1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await customers.update(big?.id ?? '', { firstName: 'X' });
      await change({ one: `${'ß'.repeat(32 * 1_024 - 1)}xx` });
      await change({ two: null, one: half });
      expect((await customers.read(big?.id ?? '')).attributes).toEqual({ one: half });
    });

    it('has a new address proven, by a token that takes the place of the one before', async () => {
      const id = await run.active();
      const verify = (verificationToken: string) =>
        run.acme.verification.verify(id, { verificationToken, verificationType: 'email' });
      await run.acme.customers.update(id, { email: 'first@example.com' });
      expect(await run.acme.customers.read(id)).toMatchObject({ stage: 'active', emailVerifiedAt: null });
      const to = (address: string) => run.sent.find((it) => it.address === address)?.token ?? '';
      await until(() => to('first@example.com') !== '', run.clock);
      await run.acme.customers.update(id, { email: 'second@example.com' });
      await until(() => to('second@example.com') !== '', run.clock);
      await expect(verify(to('first@example.com'))).rejects.toMatchObject({ code: 'VERIFICATION_FAILED' });
      await run.acme.suspension.suspend(id, { actionType: 'late' });
      await verify(to('second@example.com'));
      const row = await run.acme.customers.read(id);
      expect(row).toMatchObject({ stage: 'suspended', emailVerifiedAt: row.updatedAt });
      expect(fold((await history(id)).map(({ event }) => event))).toEqual(foldedRow(row));
    });

    it('gives nobody an address that another has, however many want it at once', async () => {
      const taken = someone();
      await run.acme.customers.register(taken);
      const people = await Promise.all([1, 2, 3, 4].map(() => run.acme.customers.register(someone())));
      const [first = { id: '' }] = people;
      const before = await run.acme.customers.read(first.id);
      const exists = { code: 'CUSTOMER_EXISTS', details: { field: 'email' } };
      const theirs = run.acme.customers.update(first.id, { email: taken.email.toUpperCase() });
      await expect(theirs).rejects.toMatchObject(exists);
      expect(await run.acme.customers.read(first.id)).toEqual(before);
      const racing = people.map(({ id }) => run.acme.customers.update(id, { email: 'wanted@example.com' }));
      const outcomes = await Promise.allSettled(racing);
      const refused = outcomes.flatMap((it) => (it.status === 'rejected' ? [it.reason as unknown] : []));
      expect(refused).toHaveLength(3);
      for (const error of refused) expect(error).toMatchObject(exists);
    });

    it('is not another tenant’s, and nobody’s after an erasure', async () => {
      const { id } = await run.acme.customers.register(someone());
      const theirs = run.other.customers.update(id, { firstName: 'X' });
      await expect(theirs).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
      await run.acme.customers.delete(id);
      await run.acme.privacy.erase(id);
      const late = run.acme.customers.update(id, { firstName: 'X' });
      await expect(late).rejects.toMatchObject({ code: 'CUSTOMER_ERASED' });
    });
  });
