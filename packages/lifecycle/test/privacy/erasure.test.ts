import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kyselyIdempotencyStore } from '@dotmac/core/kysely';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { LifecycleOptions } from '../../src/options.js';
import type { ExportLine } from '../../src/privacy/export-line.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';
import { tracesOf } from '../support/traces.js';

const person = {
  username: 'Zebulon.Quux',
  email: 'zebulon@quuxmail.example',
  firstName: 'Zebulon',
  lastName: 'Quuxington-Smythe',
  userType: 'residential',
  phone: '+49 30 5550199 42',
  referralCode: 'VIA-AUNT-HILDEGARD',
  attributes: { passport: 'X99-PASSPORT-77', home: { street: 'Rue Évariste 12' } },
};
/** What nobody may find afterwards. */
const traces = [
  ...[person.username, person.email, person.firstName, person.lastName, person.phone, person.referralCode],
  ...[person.attributes.passport, person.attributes.home.street, 'Kettle-Lane 9', 'MAC-AA-BB-CC-77'],
];
const told = `${person.firstName} ${person.lastName}, ${person.email}, called from ${person.phone}`;

const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({ install: z.string() }),
  steps: [
    { key: 'boss', approval: { quorum: 1, expiresInMs: 3_600_000 } },
    { key: 'port', run: () => ({ modem: 'MAC-AA-BB-CC-77', owner: person.email }) },
  ],
  operations: { deprovision: [{ key: 'gone', run: () => undefined }] },
});
const dunning = defineDunningPolicy({
  name: 'standard',
  steps: [
    { afterDays: 5, action: 'warn' },
    { afterDays: 30, action: 'suspend' },
  ],
});
const options: Partial<LifecycleOptions> = {
  templates: [template],
  dunning: [dunning],
  // What waits for these lies in the outbox, whole.
  hooks: {
    'customer.markChurning': { afterCommit: () => Promise.reject(new Error('not now')) },
    'customer.requestService': { afterCommit: () => Promise.reject(new Error('not now')) },
  },
};

/** A life that leaves something in every table, up to the departure. */
async function lived(run: Rig, backend: Backend): Promise<string> {
  const { acme, clock } = run;
  run.module.subscribe({ name: 'audit', deliver: () => Promise.reject(new Error('not now')) });
  const { id } = await acme.customers.register(person);
  const verify = async (channel: 'email' | 'phone') =>
    acme.verification.verify(id, {
      verificationToken: await run.token(id, channel),
      verificationType: channel,
      additionalData: { told },
    });
  await verify('email');
  await acme.onboarding.onboard(id, { onboardingData: { install: 'Kettle-Lane 9', told } });
  await acme.suspension.suspend(id, { actionType: 'abuse', severity: 'throttle', reason: told, parameters: { told } });
  const { id: serviceId } = await acme.services.request(id, {
    serviceName: 'internet',
    customConfig: { install: 'Kettle-Lane 9' },
  });
  await acme.provisioning.decide(serviceId, { step: 'boss', decision: 'approve', comment: told });
  const is = (status: string) => until(async () => (await acme.services.get(serviceId)).status === status, clock);
  await is('active');
  await acme.services.suspend(serviceId, { actionType: 'abuse', severity: 'throttle', reason: told, parameters: {} });
  await acme.timers.set(id, {
    name: 'later',
    command: 'markChurning',
    input: { reason: told },
    dueAt: clock.now() + 1e9,
  });
  await acme.dunning.overdue(id, { invoiceId: 'A-1', facts: { bill: told } });
  await acme.customers.markChurning(id, { reason: told });
  const own = run.module.scope({ tenantId: 'acme', actor: `user:${person.email}` });
  await own.customers.deactivate(id, { reason: told });
  await is('terminated');
  if (backend.database) {
    const store = kyselyIdempotencyStore(backend.database);
    const begin = { tenantId: 'acme', key: 'k', fingerprint: 'f', now: Date.now(), leaseMs: 9e6, retentionMs: 9e6 };
    const started = await store.begin(begin);
    if (started.state === 'started') {
      const body = JSON.stringify({ customer_id: id, told });
      await store.complete({ ...begin, token: started.token, answer: { status: 200, headers: {}, body } });
    }
  }
  return id;
}

async function exported(run: Rig, id: string): Promise<ExportLine[]> {
  const lines: ExportLine[] = [];
  for await (const line of await run.acme.privacy.export(id)) lines.push(line);
  return lines;
}

for (const { title, present, create } of backends)
  for (const isSealed of [true, false])
    describe.skipIf(!present)(`an erasure on ${title}, with a history that is ${isSealed ? '' : 'not '}sealed`, () => {
      let backend: Backend;
      let run: Rig;
      beforeEach(async () => {
        backend = await create();
        run = await rig(backend, options);
        if (isSealed) return;
        await run.stop();
        run = await rig(backend, { ...options, secret: undefined as never });
      });
      afterEach(async () => {
        await run.stop();
        await backend.close();
      });

      it('leaves no trace of the person in any row, and the history as it was', async () => {
        const { store, database } = backend;
        const id = await lived(run, backend);
        const { history } = store.tenant('acme');
        const before = await history.list(id, { limit: 1_000 });
        expect(await store.tenant('acme').customers.countByStage()).toEqual({ inactive: 1 });
        if (database) {
          const found = await tracesOf(database, traces);
          // Nobody sees a search succeed that could not have failed.
          for (const text of traces.filter((it) => it !== person.username))
            expect(
              found.some((it) => it.includes(`: ${text} (plain)`)),
              text,
            ).toBe(true);
          expect(found.some((it) => it.includes(`: ${person.email} (sha256)`))).toBe(true);
          const inHistory = found.filter((it) => it.startsWith('dotmac_customer_events'));
          // What a customer did by its own name is in the history as who acted: its address, and the name in that.
          if (isSealed) expect(inHistory.every((it) => /: zebulon(@quuxmail.example)? /i.test(it))).toBe(true);
          else expect(inHistory.length).toBeGreaterThan(5);
        }

        await run.acme.privacy.erase(id, { reference: 'DSR-17' });

        if (database) expect(await tracesOf(database, traces)).toEqual([]);
        const after = await history.list(id, { limit: 1_000 });
        const outline = (entries: typeof after) =>
          entries.map(({ seq, event: { id, name, at } }) => ({ seq, id, name, at }));
        expect(outline(after.slice(0, -1))).toEqual(outline(before));
        expect(after.at(-1)?.event).toMatchObject({
          name: 'customer.erased',
          data: { from: 'inactive', to: 'deleted', reference: 'DSR-17' },
        });
        const row = await run.acme.customers.read(id);
        expect(fold(after.map(({ event }) => event))).toEqual(foldedRow(row));
        expect(row).toMatchObject({ firstName: '', phone: null, attributes: {}, erasedAt: run.clock.now() });
        const summary = await run.acme.customers.summary(id);
        expect(summary.stageHistory.map((it) => it.stage)).toEqual([
          'registration',
          'verification',
          'onboarding',
          'active',
          'churning',
          'inactive',
          'deleted',
        ]);
        expect(JSON.stringify(await exported(run, id))).not.toMatch(/Quux|5550199|Kettle|PASSPORT/i);
        expect(await store.tenant('acme').customers.countByStage()).toEqual({ deleted: 1 });
      });

      it('gives the names free, and is not taken back', async () => {
        const { acme } = run;
        const { id } = await acme.customers.register(person);
        await acme.customers.delete(id);
        await acme.privacy.erase(id);
        await expect(acme.privacy.erase(id)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
        await expect(acme.customers.restore(id)).rejects.toMatchObject({ details: { reason: 'it was erased' } });
        await expect(acme.privacy.setHold(id, { name: 'late' })).rejects.toMatchObject({ code: 'CUSTOMER_ERASED' });
        const again = await acme.customers.register(person);
        expect(again.id).not.toBe(id);
        await acme.customers.delete(again.id);
        await acme.privacy.erase(again.id);
      });
    });
